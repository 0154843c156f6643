import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliProgram } from '../../support/cli-process.ts';
import { createTestDatabase } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';

/** With `--import`: as on a system for which fs-native-extensions has no code. */
const withoutNativeCode = `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name === 'fs-native-extensions') throw new Error('no native code for this system');
  return next(name, context);
} });`;

const dataDir = mkdtempSync(path.join(tmpdir(), 'gitlab-connector-native-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('postgres');
});
afterAll(async () => {
  await database.remove();
  rmSync(dataDir, { recursive: true });
});

/** Runs a command on such a system. */
const run = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  new Promise<{ readonly code: unknown; readonly err: string }>((resolve) => {
    const hook = ['--import', `data:text/javascript,${encodeURIComponent(withoutNativeCode)}`];
    execFile(process.execPath, [...hook, ...cliProgram, ...args], { env: { PATH: process.env['PATH'], ...env } }, (error, _out, err) =>
      resolve({ code: error?.code ?? 0, err }),
    );
  });

test('without native code a PostgreSQL works, and the embedded database says in one line what to do', async () => {
  expect(await run(['migrate'], { DATABASE_URL: database.options.databaseUrl ?? '' })).toEqual({ code: 0, err: '' });
  const embedded = await run(['migrate'], { DATA_DIR: dataDir });
  expect(embedded.code).toBe(3);
  expect(embedded.err).toBe(
    `ERROR: the embedded database cannot be loaded on ${process.platform} on ${process.arch} (no native code for this system): set DATABASE_URL to a PostgreSQL [database_failed]\n`,
  );
});
