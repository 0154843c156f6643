import { Client } from 'pg';
import { driverError } from './database-errors.ts';
import { connectionOptions } from './connection-options.ts';

/** Creates the database of a URL when it does not exist. Many processes may call it at the same time. */
export async function createDatabase(databaseUrl: string): Promise<void> {
  const options = connectionOptions(databaseUrl);
  const client = new Client({ ...options, database: 'postgres' });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [options.database]);
    if (rows.length === 0) await client.query(`create database "${options.database.replaceAll('"', '""')}"${await inUtf8(client)}`);
  } catch (error) {
    if (!wasCreatedMeanwhile.has(String((driverError(error) as { code?: unknown }).code))) throw error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** What `create database` needs besides, where databases would have another encoding than UTF8. */
async function inUtf8(client: Client): Promise<string> {
  const { rows } = await client.query("select 1 from pg_database where datname = 'template1' and pg_encoding_to_char(encoding) = 'UTF8'");
  return rows.length > 0 ? '' : " encoding 'UTF8' locale 'C' template template0";
}

/** duplicate_database, and unique_violation in pg_database when two processes create it at the same moment. */
const wasCreatedMeanwhile = new Set(['42P04', '23505']);
