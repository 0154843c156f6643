import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { databaseParameters } from '../../src/config/database-parameters.ts';
import { parseDatabaseUrl } from '../../src/config/database-url.ts';
import { createSharedEngine } from '../../src/service/shared-engine.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { startChecking } from '../cli/checking.ts';
import type { Checking } from '../cli/checking.ts';
import { createDatabase, dropDatabase } from '../support/postgres.ts';
import { notEmpty } from '../support/not-empty.ts';
import { runCli } from '../support/run-cli.ts';

const text = readFileSync('docs/operations.md', 'utf8');
const section = (title: string) => text.split(/^#{2,3} /m).find((part) => part.startsWith(`${title}\n`)) ?? '';

let checking: Checking;
let name: string;
beforeAll(async () => {
  checking = await startChecking();
  name = await createDatabase(inject('postgresUrl'));
});
afterAll(async () => {
  await dropDatabase(inject('postgresUrl'), name);
  await query('drop role gitlab_owner, gitlab_connector, gitlab_reader', `${inject('postgresUrl')}/postgres`);
  await checking.close();
});

async function query(statement: string, url: string): Promise<unknown[]> {
  const client = new Client(url.split('?')[0]);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
const urlOf = (user: string, password: string) => {
  const url = new URL(`${inject('postgresUrl')}/${name}?schema=gitlab`);
  Object.assign(url, { username: user, password });
  return url.href;
};

test('the SQL of the rights is enough for an owner that migrates, a poller that makes nothing, and a reader without tokens', async () => {
  const [roles = '', reader = ''] = [...section('Rights').matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql);
  const admin = `${inject('postgresUrl')}/${name}`;
  await query(roles, admin);
  const owner = await runCli(['migrate'], { DATABASE_URL: urlOf('gitlab_owner', 'one') });
  expect(owner).toMatchObject({ code: 0, err: '' });
  await query(reader, admin);
  const relations = () =>
    query(
      "select relnamespace::regnamespace::text || '.' || relname as name, relowner::regrole::text as owner from pg_class where relkind in ('r', 'p', 'S', 'i') and relnamespace::regnamespace::text !~ '^pg_|information_schema' order by 1",
      admin,
    );
  const made = await relations();

  const runtime = { ...checking.env, DATABASE_URL: urlOf('gitlab_connector', 'two') };
  const checked = await checking.check(runtime);
  for (const part of ['database', 'migrations', 'privileges']) expect(checked.of(part)).toMatchObject({ result: 'ok' });
  expect(await runCli(['sync'], runtime)).toMatchObject({ code: 0, err: '' });
  const problems: unknown[] = [];
  const note = (...parts: readonly unknown[]) => void problems.push(parts);
  const engine = await createSharedEngine({
    databaseUrl: runtime.DATABASE_URL,
    connectionId: 1,
    workers: 1,
    work: { runPass: () => Promise.resolve(), readPart: () => Promise.reject(new Error('no part')) },
    log: { ...pino({ level: 'silent' }), debug: note, info: note, warn: note, error: note },
    onIdle: () => {},
  });
  await engine.request({ connectionId: 1, wantedSince: 0 });
  await expect.poll(async () => (await engine.jobs()).filter(({ state, count }) => state !== 'dead' && count > 0)).toEqual([]);
  await engine.stop();
  expect(problems).toEqual([]);
  expect(await relations()).toEqual(made);

  const dashboard = await openDatabase({ databaseUrl: urlOf('gitlab_reader', 'three'), dataDir: '' });
  try {
    const em = dashboard.em.fork();
    for (const table of ['change_events', 'change_event_versions', 'gitlab_gaps', 'gitlab_timeline'])
      await em.execute(`select count(*) from ${table}`);
    expect(await em.execute('select id from connections')).toHaveLength(1);
    await expect(em.execute('select config from connections')).rejects.toThrow(/permission denied/);
    await expect(em.execute('delete from change_events')).rejects.toThrow(/permission denied/);
  } finally {
    await dashboard.close();
  }
  const asReader = { DATABASE_URL: urlOf('gitlab_reader', 'three') };
  for (const command of [
    ['timeline', '--from', '1000d'],
    ['events', '--all'],
  ])
    expect(await runCli(command, asReader)).toMatchObject({ code: 0, err: '' });
});

test('without the right to make the schema of the queue, migrate says what poll will lack', async () => {
  const role = name.slice(0, 30);
  await query(`create role ${role} login password 'x'; create schema ${role} authorization ${role}`, `${inject('postgresUrl')}/${name}`);
  const { code, err } = await runCli(['migrate'], { DATABASE_URL: urlOf(role, 'x').replace('schema=gitlab', `schema=${role}`) });
  await query(`drop owned by ${role}; drop role ${role}`, `${inject('postgresUrl')}/${name}`);
  expect({ code, err }).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^WARNING: `sync` will work, `poll` will not: .*_jobs .*permission denied/),
  });
});

const rows = [...section('Which database URL').matchAll(/^\| (.+?) \| `(postgres:.+?)` \|/gm)].map(
  ([, name_ = '', url = '']) => [name_, url] as const,
);
test.each(notEmpty(rows))('the database URL of %s can be read', (_name, url) => {
  expect(parseDatabaseUrl(url).hosts[0]?.host).toBeTruthy();
});
test('the table has every service of the issue, and the parameters that are obeyed are all described', () => {
  for (const service of ['RDS', 'Cloud SQL', 'Azure', 'Neon', 'Supabase', 'CloudNativePG', 'PgBouncer'])
    expect(rows.some(([row]) => row.includes(service))).toBe(true);
  const described = section('The database URL');
  const selfEvident = new Set([
    'user',
    'password',
    'dbname',
    'fallback_application_name',
    'keepalives',
    'keepalives_idle',
    'client_encoding',
    'gssencmode',
    'sslcompression',
    'uselibpqcompat',
  ]);
  expect(
    Object.keys(databaseParameters).filter((parameter) => !selfEvident.has(parameter) && !described.includes(`\`${parameter}\``)),
  ).toEqual([]);
});
