import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { copyBuilt } from './built-copy.ts';
import { createPostgres, queryOnce } from './postgres.ts';
import type { OwnPostgres } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of a running PostgreSQL, without a database's name at the end. */
    postgresUrl: string;
    /** Folder of an embedded database without tables, to copy. */
    pgliteTemplate: string;
    /** Name of a database with tables, to copy: the first test that needs it makes it. */
    tablesTemplate: string;
    /** Folder with a copy of dist/ and bin/; null where the build is older than the sources. */
    builtFolder: string | null;
  }
}

/**
 * Starts a real PostgreSQL and makes an empty embedded database, for all tests of a run. With TEST_POSTGRES_URL
 * (`postgres://user:password@host:port`, a user who may create databases) it uses that PostgreSQL instead.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_POSTGRES_URL;
  const [pgliteTemplate, postgres] = await Promise.all([makePgliteTemplate(), given ? null : startPostgres()]);
  project.provide('pgliteTemplate', pgliteTemplate);
  project.provide('builtFolder', copyBuilt());
  project.provide('postgresUrl', given ?? postgres?.url ?? '');
  const tablesTemplate = `own_template_${randomUUID().replaceAll('-', '')}`;
  project.provide('tablesTemplate', tablesTemplate);
  return async () => {
    if (given) await queryOnce(`${given}/postgres`, `drop database if exists ${tablesTemplate}`);
    await postgres?.stop();
    await postgres?.remove();
  };
}

async function startPostgres(): Promise<OwnPostgres> {
  const postgres = await createPostgres();
  await postgres.start();
  return postgres;
}

/** Makes the template once for each version of PGlite: initdb takes seconds. Renamed when complete, so a killed run leaves no half. */
async function makePgliteTemplate(): Promise<string> {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  const template = path.resolve('.vitest', `pglite-${dependencies['@electric-sql/pglite']}`);
  if (existsSync(template)) return template;
  await mkdir('.vitest', { recursive: true });
  const folder = await mkdtemp(path.resolve('.vitest', 'pglite-new-'));
  // Loaded only here: it takes a second, which every run would pay.
  const { openDatabase } = await import('../../src/store/database/database.ts');
  const database = await openDatabase({ dataDir: path.join(folder, 'template') });
  await database.close();
  // Another run may have been faster; its template is as good.
  await rename(path.join(folder, 'template'), template).catch((error: unknown) => {
    if (!existsSync(template)) throw error;
  });
  await rm(folder, { recursive: true, force: true });
  return template;
}
