import { rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionEntity, checkGitlab, migrations } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { queryOnce } from '../support/postgres.ts';
import { addConnection } from '../support/rows.ts';
import { runCli } from '../support/run-cli.ts';
import { startChecking } from './checking.ts';
import type { Checking } from './checking.ts';

let checking: Checking;

beforeEach(async () => {
  checking = await startChecking();
});

afterEach(() => checking.close());

describe('the check of the database', () => {
  let database: TestDatabase;
  let databaseUrl: string;
  beforeEach(async () => {
    database = await createTestDatabase('postgres');
    databaseUrl = database.options.databaseUrl ?? '';
  });
  afterEach(async () => {
    await database.remove();
  });

  const query = (text: string, url = databaseUrl) => queryOnce(url, text);

  const tableCount = () => query(`select count(*)::int as count from pg_class where relnamespace = 'public'::regnamespace`);

  test('creates no tables where there are none', async () => {
    const before = await checking.check({ DATABASE_URL: databaseUrl });
    expect(before.code).toBe(0);
    expect(before.of('database')).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^PostgreSQL \d+\.\d+, as postgres$/) });
    expect(before.of('migrations')).toMatchObject({
      result: 'ok',
      detail: `0 applied, ${migrations.length} pending: the next sync applies them`,
    });
    expect(before.of('privileges')).toMatchObject({ result: 'ok', detail: 'there are no tables yet' });
    expect(before.of('connection')).toMatchObject({ result: 'skipped', detail: 'there are no tables yet' });
    expect(await tableCount()).toEqual([{ count: 0 }]);
  });

  test('says that the tables are up to date, and names the connection', async () => {
    const opened = await openDatabase(database.options);
    await opened.migrate();
    const empty = await checking.check({ DATABASE_URL: databaseUrl });
    expect(empty.of('migrations')?.detail).toBe(`${migrations.length} applied, none pending`);
    expect(empty.of('privileges')?.detail).toBe('the tables can be read and written');
    expect(empty.of('jobs')?.detail).toBe('the first start of the poller makes the tables of its jobs in the schema gitlab_connector_jobs');
    expect(empty.of('connection')?.detail).toBe(`there is no connection for ${checking.served.url}yet: the first sync creates one`);
    expect(await opened.em.fork().count(ConnectionEntity)).toBe(0);
    const id = await addConnection(opened.em, checking.served.url);
    expect((await checking.check({ DATABASE_URL: databaseUrl })).of('connection')?.detail).toBe(`events are stored under connection ${id}`);
    await query(`update connections set config = config || '{"poll_intervall": 60}' where id = ${id}`);
    expect((await checking.check({ DATABASE_URL: databaseUrl })).of('connection')).toMatchObject({
      result: 'warning',
      detail: `events are stored under connection ${id}; in its config "poll_intervall" is not a setting here and is ignored: did you mean "poll_interval"?`,
      fix: 'correct the key in connections.config, or remove it',
    });
    await query(`update connections set config = config - 'poll_intervall' where id = ${id}`);
    const strange = await checking.check({ DATABASE_URL: databaseUrl, CONNECTION_ID: '4711' });
    expect(strange.code).toBe(1);
    expect(strange.of('connection')).toMatchObject({ result: 'failure', detail: 'there is no connection 4711 in the table connections' });
    await addConnection(opened.em, checking.served.url);
    expect((await checking.check({ DATABASE_URL: databaseUrl })).of('connection')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('CONNECTION_ID must name one of'),
    });
    const library = await checkGitlab(opened.em, { token: goodToken, url: checking.served.url, connectionId: id });
    expect(library).toMatchObject({ result: 'ok' });
    await opened.close();
  });

  test('fails when the user may not write, and says what to grant', async () => {
    const opened = await openDatabase(database.options);
    await opened.migrate();
    await opened.close();
    const user = `reader_${path.basename(new URL(databaseUrl).pathname)}`.slice(0, 60);
    await query(
      `create role ${user} login password 'x'; grant select, insert, update on all tables in schema public to ${user}; revoke update on change_events from ${user}`,
    );
    const url = new URL(databaseUrl);
    url.username = user;
    url.password = 'x';
    try {
      const { code, of } = await checking.check({ DATABASE_URL: url.href });
      expect(code).toBe(1);
      const missing = [
        'update on change_events',
        'delete on gitlab_pass_locks',
        'delete on gitlab_gaps',
        'delete on gitlab_landmarks',
        'delete on gitlab_registry_tags',
        'delete on gitlab_shared_times',
        'delete on gitlab_unlinked',
        'usage on sequence public.connections_id_seq',
        'usage on sequence public.change_events_id_seq',
      ];
      expect(of('privileges')).toMatchObject({ result: 'failure', detail: expect.stringMatching(/^reader_.* lacks \d+ privileges: /) });
      for (const privilege of missing) expect(of('privileges')?.fix).toContain(`grant ${privilege}`);
      expect(of('jobs')).toMatchObject({
        result: 'warning',
        detail: `the poller has no tables for its jobs, and ${user} may not create the schema gitlab_connector_jobs`,
      });
      const prunes = await checking.check({ DATABASE_URL: url.href, RETENTION: '400d', RETENTION_EVENTS: 'on' });
      expect(prunes.of('privileges')?.fix).toMatch(/delete on change_events;.*delete on change_event_versions/);
      expect(of('privileges')?.fix).not.toContain('delete on change_event');
      await query(`create schema gitlab_connector_jobs; create table gitlab_connector_jobs.job (id int)`);
      const jobs = async () => (await checking.check({ DATABASE_URL: url.href })).of('jobs');
      expect(await jobs()).toMatchObject({
        result: 'warning',
        detail: `${user} lacks 2 privileges for the jobs of the poller: usage on schema gitlab_connector_jobs; select, insert, update, delete on gitlab_connector_jobs.job`,
        fix: `grant usage on schema gitlab_connector_jobs to ${user}; grant select, insert, update, delete on gitlab_connector_jobs.job to ${user}`,
      });
      await query((await jobs())?.fix ?? '');
      expect(await jobs()).toMatchObject({
        result: 'ok',
        detail: "the tables of the poller's jobs in gitlab_connector_jobs can be read and written",
      });
      expect(of('connection')).toMatchObject({ result: 'skipped', detail: 'not checked, because "privileges" failed' });
      await query(`delete from gitlab_connector_migrations where name like '%incremental'`);
      expect((await checking.check({ DATABASE_URL: url.href })).of('migrations')).toMatchObject({
        result: 'failure',
        detail: `${migrations.length - 1} applied, 1 pending, and ${user} may not create tables in the schema public`,
      });
    } finally {
      await query(`drop owned by ${user}; drop role ${user}`);
    }
  });

  test('fails when the database is read-only', async () => {
    await query(`alter database ${path.basename(new URL(databaseUrl).pathname)} set default_transaction_read_only = on`);
    const { code, of } = await checking.check({ DATABASE_URL: databaseUrl });
    expect(code).toBe(1);
    expect(of('database')).toMatchObject({ result: 'failure', detail: expect.stringContaining('it is read-only') });
    expect(of('migrations')).toMatchObject({ result: 'skipped' });
  });

  test('exits with 3 for a database that cannot be reached, without its password, and still checks GitLab', async () => {
    const { code, out } = await runCli(['check'], { ...checking.env, DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/name' });
    expect(code).toBe(3);
    expect(out).toContain('cannot use the PostgreSQL at 127.0.0.1:1/name (connect ECONNREFUSED 127.0.0.1:1)');
    expect(out).toContain('1 of 1 project can be read');
    expect(out).not.toContain('secret');
  });

  test('inspects an embedded database, or says that it is in use or cannot be created', async () => {
    const embedded = await createTestDatabase('pglite');
    const { dataDir } = embedded.options;
    try {
      const found = await checking.check({ DATA_DIR: dataDir });
      expect(found.of('database')).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^PostgreSQL \d+/) });
      expect(found.of('migrations')?.detail).toContain('0 applied');
      const other = await openDatabase(embedded.options);
      const inUse = await checking.check({ DATA_DIR: dataDir });
      await other.close();
      expect(inUse.code).toBe(0);
      expect(inUse.of('database')).toMatchObject({ result: 'warning', detail: expect.stringContaining('is in use by another process') });
      // As a folder of another user's, but for root too.
      await rm(path.join(dataDir, 'gitlab-connector.lock'));
      await symlink(path.resolve('package.json', 'x'), path.join(dataDir, 'gitlab-connector.lock'));
      const unwritable = await checking.check({ DATA_DIR: dataDir });
      expect(unwritable.code).toBe(3);
      const detail = new RegExp(`^cannot use ${dataDir} for the embedded database .*: set DATA_DIR to a folder that can be written$`);
      expect(unwritable.of('database')).toMatchObject({ result: 'failure', detail: expect.stringMatching(detail) });
      expect(unwritable.of('projects')?.result).toBe('ok');
      const events = await runCli(['events'], { ...checking.env, DATA_DIR: dataDir });
      expect([events.code, events.err]).toEqual([2, expect.stringMatching(/^ERROR: cannot use .*\n$/)]);
    } finally {
      await embedded.remove();
    }
    const impossible = await checking.check({ DATA_DIR: path.resolve('package.json', 'data') });
    expect(impossible.code).toBe(3);
    expect(impossible.of('database')).toMatchObject({ result: 'failure', fix: 'set DATA_DIR to a folder that can be written' });
  });
});
