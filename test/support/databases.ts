import { cpSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
 * A suite about what GitLab answers, and not about what a database does: on PostgreSQL, which takes half of PGlite's CPU. With
 * TEST_DATABASES=all on both.
 */
export function describePasses(name: string, suite: (kind: DatabaseKind) => void): void {
  const kinds: readonly DatabaseKind[] = process.env['TEST_DATABASES'] === 'all' ? ['pglite', 'postgres'] : ['postgres'];
  describe.each(kinds)(`${name} (%s)`, suite);
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
  const { options, remove } = await createTestDatabase(kind);
  const database = await openDatabase(options);
  await database.migrate();
  return {
    ...database,
    close: async () => {
      await database.close();
      await remove();
    },
  };
}
