import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/databases.ts';
import { dropDatabase } from '../support/postgres.ts';
import { runCli } from '../support/run-cli.ts';
import { startChecking } from './checking.ts';
import type { Checking } from './checking.ts';

let checking: Checking;
let name: string;
beforeEach(async () => {
  checking = await startChecking();
  name = `mistyped_${randomUUID().replaceAll('-', '')}`;
});
afterEach(() => checking.close());

async function query(text: string, url = `${inject('postgresUrl')}/postgres`): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
const exists = async () => (await query(`select 1 from pg_database where datname = '${name}'`)).length > 0;

const looking = [
  ['check'],
  ['plan'],
  ['events'],
  ['audit'],
  ['timeline', '--from', '1h'],
  ['sync'],
  ['migrate'],
  ['backfill', '--since', '1d'],
];

describe('a database that does not exist', () => {
  test.each(looking)('is named by %s, with exit code 3, and is not made', async (...args) => {
    const { code, out, err } = await runCli(args, { ...checking.env, DATABASE_URL: `${inject('postgresUrl')}/${name}` });
    expect(out + err).toContain(`database "${name}" does not exist`);
    expect(code).toBe(3);
    expect(await exists()).toBe(false);
  });

  test.each([['migrate'], ['sync']])('is made by %s --create-database', async (command) => {
    const env = { ...checking.env, DATABASE_URL: `${inject('postgresUrl')}/${name}` };
    try {
      expect(await runCli([command, '--create-database'], env)).toMatchObject({ code: 0 });
      expect(await runCli([command, '--create-database'], env)).toMatchObject({ code: 0 });
      expect(await exists()).toBe(true);
    } finally {
      await dropDatabase(inject('postgresUrl'), name);
    }
  });
});

test('commands that read make no tables on a PostgreSQL, and no embedded database', async () => {
  const database = await createTestDatabase('postgres');
  const url = database.options.databaseUrl ?? '';
  try {
    for (const args of looking.slice(0, 5)) await runCli(args, { ...checking.env, DATABASE_URL: url });
    expect(await query(`select relname from pg_class where relnamespace = 'public'::regnamespace`, url)).toEqual([]);
    expect(await query(`select nspname from pg_namespace where nspname !~ '^pg_|^information_schema$|^public$'`, url)).toEqual([]);
  } finally {
    await database.remove();
  }
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-nothing-'));
  for (const args of looking.slice(0, 5)) await runCli(args, { ...checking.env, DATA_DIR: dataDir });
  expect(await readdir(dataDir)).toEqual([]);
  await rm(dataDir, { recursive: true });
});
