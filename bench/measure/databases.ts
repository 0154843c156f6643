import { randomUUID } from 'node:crypto';
import { Client } from 'pg';

/** Creates a database, of a template where one is given. Resolves to its name. */
export async function createDatabase(postgresUrl: string, template?: string): Promise<string> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(postgresUrl, `create database ${name}${template === undefined ? '' : ` template ${template}`}`);
  return name;
}

/** Drops one, whoever is connected. */
export const dropDatabase = (postgresUrl: string, name: string) => asAdmin(postgresUrl, `drop database ${name} with (force)`);

async function asAdmin(postgresUrl: string, statement: string): Promise<void> {
  const client = new Client(`${postgresUrl}/postgres`);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
