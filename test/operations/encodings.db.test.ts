import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { GitlabGapEntity, createHostStates, entities, migrations, syncGitlab } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { startChecking } from '../cli/checking.ts';
import { createDatabase, createPostgres, dropDatabase, queryOnce } from '../support/postgres.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { addConnection, eventRows } from '../support/rows.ts';
import { runCli } from '../support/run-cli.ts';
import { startPoller } from '../service/poller.ts';

const postgresUrl = inject('postgresUrl');
let name: string;
let databaseUrl: string;

const tables = () => queryOnce(databaseUrl, `select relname from pg_class where relnamespace = 'public'::regnamespace`);

/** Migrates as a host or a version of this package does that knows nothing of encodings; the first `count` migrations. */
async function migrateAnyway(count = migrations.length): Promise<void> {
  const orm = await MikroORM.init({
    clientUrl: databaseUrl,
    entities,
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations.slice(0, count),
      tableName: 'gitlab_connector_migrations',
      snapshot: false,
      silent: true,
    },
  });
  await orm.migrator.up();
  await orm.close(true);
}

const refusal =
  "its encoding is LATIN1: rows with characters that LATIN1 lacks cannot be stored. Nothing was changed: create a database with `create database … encoding 'UTF8' locale 'C' template template0`, and set DATABASE_URL to it";

describe('a database in LATIN1', () => {
  beforeEach(async () => {
    name = await createDatabase(postgresUrl, `template0 encoding 'LATIN1' locale 'C'`);
    databaseUrl = `${postgresUrl}/${name}`;
  });
  afterEach(() => dropDatabase(postgresUrl, name));

  test('is refused by check, migrate, sync and poll where the tables do not exist, and the advice works', async () => {
    const checking = await startChecking();
    const env = { ...checking.env, DATABASE_URL: databaseUrl };
    const { code, of } = await checking.check({ DATABASE_URL: databaseUrl });
    expect([code, of('database')]).toMatchObject([1, { result: 'failure', detail: expect.stringContaining('its encoding is LATIN1: ') }]);
    for (const command of ['migrate', 'sync']) {
      const { code: exit, err } = await runCli([command], env);
      expect([exit, err]).toEqual([3, expect.stringContaining(refusal)]);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    const poller = startPoller(env);
    const line = await poller.line(({ level }) => level === 'error');
    expect(line['error']).toContain(refusal);
    expect(await (await fetch(`${await poller.url()}/readyz`)).text()).toContain(refusal);
    poller.child.kill('SIGKILL');
    await poller.ended;
    expect(await tables()).toEqual([]);

    const [, statement = ''] = /`(create database .*?)`/.exec(refusal) ?? [];
    await queryOnce(postgresUrl + '/postgres', statement.replace('…', `${name}_utf8`));
    const good = await checking.check({ DATABASE_URL: `${databaseUrl}_utf8` });
    expect([good.code, good.of('database')?.result]).toEqual([0, 'ok']);
    await dropDatabase(postgresUrl, `${name}_utf8`);
    await checking.close();
  });

  test('that holds the tables already goes on with every upgrade, and check warns', async () => {
    await migrateAnyway(1);
    const checking = await startChecking();
    const before = await checking.check({ DATABASE_URL: databaseUrl });
    expect([before.code, before.of('database')?.result]).toEqual([0, 'warning']);
    expect((await runCli(['sync'], { ...checking.env, DATABASE_URL: databaseUrl })).code).toBe(0);
    const after = await checking.check({ DATABASE_URL: databaseUrl });
    expect(after.of('database')).toMatchObject({ result: 'warning', detail: expect.stringMatching(/cannot be stored and become gaps$/) });
    expect(after.of('migrations')?.detail).toBe(`${migrations.length} applied, none pending`);
    await checking.close();
  });

  test('that holds the tables already loses only the rows that its encoding cannot hold', async () => {
    await migrateAnyway();
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    const world = new World();
    const fake = createFakeGitlab(world);
    const config = { token: goodToken, url: fakeUrl };
    const project = world.addProject('acme/shop');
    for (const title of ['Café', 'Raketa 🚀', 'Ładowanie', 'Plain']) project.openMergeRequest({ title });
    project.createRelease({ tag: 'v1' });
    const connectionId = await addConnection(database.em, fakeUrl);
    const report = await syncGitlab(database.em, config, connectionId, { fetch: fetchFrom(fake), hostStates: createHostStates() });
    expect(report).toMatchObject({ problems: [{ stream: 'merge-requests', errorCode: 'row_refused' }] });
    const titles = [...(await eventRows(database.em, connectionId)).values()].map(({ title }) => title);
    expect(titles).toHaveLength(3);
    expect(titles).toEqual(expect.arrayContaining(['[MR] Café', '[MR] Plain']));
    const lines = await database.em.fork().execute<Array<{ headline: string }>>('select headline from gitlab_timeline order by version_id');
    expect(lines.map(({ headline }) => headline)).toContain('opened !1 Café');
    const gaps = await database.em.fork().find(GitlabGapEntity, { connectionId }, { orderBy: { key: 'asc' } });
    expect(gaps.map(({ key }) => key)).toEqual(['2', '3']);
    expect(gaps[0]?.reason).toMatch(/LATIN1/);
    await database.close();
  });
});

test('a database in SQL_ASCII is taken as it is', async () => {
  const ascii = await createDatabase(postgresUrl, `template0 encoding 'SQL_ASCII' locale 'C'`);
  const checking = await startChecking();
  checking.world.projects[0]?.openMergeRequest({ title: 'Raketa 🚀' });
  const env = { ...checking.env, DATABASE_URL: `${postgresUrl}/${ascii}` };
  expect((await checking.check(env)).of('database')?.result).toBe('ok');
  expect((await runCli(['sync'], env)).code).toBe(0);
  expect(await queryOnce(env.DATABASE_URL, `select title from change_events where title like '%Raketa%'`)).toEqual([
    { title: '[MR] Raketa 🚀' },
  ]);
  await checking.close();
  await dropDatabase(postgresUrl, ascii);
});

test('--create-database makes a database in UTF8, also on a server whose databases are LATIN1', async () => {
  const server = await createPostgres({ initdbFlags: ['--encoding=LATIN1', '--locale=C'] });
  await server.start();
  try {
    const url = `${server.url}/made`;
    const { code, err } = await runCli(['migrate', '--create-database'], { GITLAB_TOKEN: goodToken, DATABASE_URL: url });
    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(await queryOnce(`${server.url}/postgres`, 'show server_encoding')).toEqual([{ server_encoding: 'LATIN1' }]);
    expect(await queryOnce(url, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
  } finally {
    await server.stop();
    await server.remove();
  }
});
