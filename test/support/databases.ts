import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { describe, inject } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database, DatabaseOptions } from '../../src/store/database/database.ts';
import { createDatabase, dropDatabase } from './postgres.ts';

/** The two databases that everything runs on. */
export type DatabaseKind = 'pglite' | 'postgres';

/** A new database without tables; `options` opens it again, in this process or another. */
export interface TestDatabase {
  readonly options: DatabaseOptions;
  readonly remove: () => Promise<void>;
}

/** The same suite on PGlite and on PostgreSQL. */
export function describeDatabases(name: string, suite: (kind: DatabaseKind) => void): void {
  describe.each<DatabaseKind>(['pglite', 'postgres'])(`${name} (%s)`, suite);
}

/**
 * A suite about what GitLab answers, or about tables that somebody else has made, as PainChain does on a PostgreSQL; and not about what a
 * database does: on PostgreSQL, which takes half of PGlite's CPU or less. With TEST_DATABASES=all, as in the CI file, on both.
 */
export function describePasses(name: string, suite: (kind: DatabaseKind) => void): void {
  const kinds: readonly DatabaseKind[] = process.env['TEST_DATABASES'] === 'all' ? ['pglite', 'postgres'] : ['postgres'];
  describe.each(kinds)(`${name} (%s)`, suite);
}

/**
 * Makes the PostgreSQL database with tables that others are copied from, unless another worker has: the migrations take longer than a
 * copy. Renamed when complete.
 */
async function makeTablesTemplate(): Promise<string> {
  const [postgresUrl, template] = [inject('postgresUrl'), inject('tablesTemplate')];
  const admin = new Client(`${postgresUrl}/postgres`);
  await admin.connect();
  try {
    await admin.query('select pg_advisory_lock(hashtext($1))', [template]);
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [template]);
    if (rowCount === 1) return template;
    const name = await createDatabase(postgresUrl);
    const database = await openDatabase({ databaseUrl: `${postgresUrl}/${name}`, dataDir: '' });
    await database.migrate();
    await database.close();
    await admin.query(`alter database ${name} rename to ${template}`);
    return template;
  } finally {
    await admin.end();
  }
}

let tablesTemplate: Promise<string> | undefined;

/** Makes a new database with tables on the PostgreSQL. */
async function createMigrated(): Promise<TestDatabase> {
  tablesTemplate ??= makeTablesTemplate();
  const postgresUrl = inject('postgresUrl');
  const name = await createDatabase(postgresUrl, await tablesTemplate);
  return { options: { databaseUrl: `${postgresUrl}/${name}`, dataDir: '' }, remove: () => dropDatabase(postgresUrl, name) };
}

/** Makes a new database without tables. */
export async function createTestDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind === 'pglite') {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-pglite-'));
    // A thousand small files: the asynchronous copy takes three times as much of a processor.
    cpSync(inject('pgliteTemplate'), dataDir, { recursive: true });
    return { options: { dataDir }, remove: () => rm(dataDir, { recursive: true, force: true }) };
  }
  const postgresUrl = inject('postgresUrl');
  const name = await createDatabase(postgresUrl);
  return { options: { databaseUrl: `${postgresUrl}/${name}`, dataDir: '' }, remove: () => dropDatabase(postgresUrl, name) };
}

/** A new database with tables, open. */
export async function openTestDatabase(kind: DatabaseKind): Promise<Database> {
  const { options, remove } = kind === 'postgres' ? await createMigrated() : await createTestDatabase(kind);
  const database = await openDatabase(options);
  if (kind === 'pglite') await database.migrate();
  return {
    ...database,
    close: async () => {
      await database.close();
      await remove();
    },
  };
}
