import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/store/database.ts';
import { createPostgres } from './postgres.ts';
import type { OwnPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a running PostgreSQL, without a database's name at the end. */
    postgresUrl: string;
    /** Folder of an embedded database without tables, to copy. */
    pgliteTemplate: string;
  }
}

/**
 * Starts a real PostgreSQL and makes an empty embedded database, for all tests of a run. With TEST_POSTGRES_URL
 * (`postgres://user:password@host:port`, a user who may create databases) it uses that PostgreSQL instead.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-test-'));
  const pgliteTemplate = path.join(folder, 'pglite-template');
  const given = process.env.TEST_POSTGRES_URL;
  const [embedded, postgres] = await Promise.all([openDatabase({ dataDir: pgliteTemplate }), given ? null : startPostgres()]);
  await embedded.close();
  project.provide('pgliteTemplate', pgliteTemplate);
  project.provide('postgresUrl', given ?? postgres?.url ?? '');
  return async () => {
    await postgres?.stop();
    await postgres?.remove();
    await rm(folder, { recursive: true, force: true });
  };
}

async function startPostgres(): Promise<OwnPostgres> {
  const postgres = await createPostgres();
  await postgres.start();
  return postgres;
}
