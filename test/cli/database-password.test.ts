import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../src/config/database-url.ts';
import { configOf } from '../../src/cli/settings.ts';
import { connectionOptions } from '../../src/store/database/connection-options.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-password-'));
  file = path.join(folder, 'password');
  await writeFile(file, 'p@ss/w%rd: 7\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const configFrom = (env: Record<string, string>) =>
  configOf({}, { env, out: process.stdout, err: process.stderr, signal: new AbortController().signal });

test('DATABASE_PASSWORD_FILE is read for each new session, whatever characters it has', async () => {
  const { databaseUrl } = configFrom({ DATABASE_URL: 'postgres://me@db:5432/name?sslmode=require', DATABASE_PASSWORD_FILE: file });
  expect(databaseUrl).not.toContain('w%rd');
  const { password } = connectionOptions(databaseUrl ?? '');
  const read = () => (typeof password === 'function' ? password() : password);
  expect(await read()).toBe('p@ss/w%rd: 7');
  await writeFile(file, 'changed');
  expect(await read()).toBe('changed');
});

test('DATABASE_PASSWORD_FILE: a second password in DATABASE_URL and a missing file are errors without the password in the text', () => {
  expect(() => configFrom({ DATABASE_URL: 'postgres://me:secret@db/name', DATABASE_PASSWORD_FILE: file })).toThrow(
    /^DATABASE_PASSWORD_FILE and a password in DATABASE_URL are both set: keep one of them$/,
  );
  expect(() => configFrom({ DATABASE_URL: 'postgres://me@db/name', DATABASE_PASSWORD_FILE: `${file}-gone` })).toThrow(
    /^DATABASE_PASSWORD_FILE cannot be read \(ENOENT: .*password-gone'\)$/,
  );
});

test('DATABASE_PASSWORD_COMMAND is run for each new session, and its failure does not show what it printed', async () => {
  const passwordOf = (command: string) => {
    const { databaseUrl } = configFrom({ DATABASE_URL: 'postgres://me@db:5432/name', DATABASE_PASSWORD_COMMAND: command });
    const { password } = connectionOptions(databaseUrl ?? '');
    return typeof password === 'function' ? password() : password;
  };
  expect(await passwordOf(`printf 'p@ss w%%rd#7\n'`)).toBe('p@ss w%rd#7');
  await expect(passwordOf('echo secret; echo "no role" >&2; exit 3')).rejects.toThrow(
    /^the command for the password failed \(code 3: no role\)$/,
  );
  await expect(passwordOf('true')).rejects.toThrow('the command for the password printed nothing');
  expect(() =>
    configFrom({ DATABASE_URL: 'postgres://me@db/name', DATABASE_PASSWORD_COMMAND: 'true', DATABASE_PASSWORD_FILE: file }),
  ).toThrow(/^DATABASE_PASSWORD_FILE and DATABASE_PASSWORD_COMMAND are both set: keep one of them$/);
});

test('DATABASE_SCHEMA is the schema of DATABASE_URL, unless the URL names one', () => {
  const schemaOf = (env: Record<string, string>) => parseDatabaseUrl(configFrom(env).databaseUrl ?? '').parameters['schema'];
  expect(schemaOf({ DATABASE_URL: 'postgres://me@db/name', DATABASE_SCHEMA: 'gitlab' })).toBe('gitlab');
  expect(schemaOf({ DATABASE_URL: 'postgres://me@db/name?schema=other', DATABASE_SCHEMA: 'gitlab' })).toBe('other');
  expect(() => schemaOf({ DATABASE_URL: 'postgres://me@db/name', DATABASE_SCHEMA: 'x"y' })).toThrow(/has a schema that cannot be obeyed/);
});
