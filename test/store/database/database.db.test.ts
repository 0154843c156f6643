import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { entities, syncGitlab } from '../../../src/index.ts';
import type { SyncReport } from '../../../src/index.ts';
import { ensureConnection, findConnection } from '../../../src/store/connections.ts';
import { minutes } from '../../../fake-gitlab/world/time.ts';
import { openDatabase } from '../../../src/store/database/database.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { withPassLock } from '../../../src/store/database/pass-lock.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { cliProgram } from '../../support/cli-process.ts';
import { cutLocks } from '../../support/cut-locks.ts';
import { createTestDatabase, describeDatabases } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { useFakeGitlab } from '../../support/fake.ts';
import { addConnection, eventRows } from '../../support/rows.ts';
import { painchainTables } from '../../support/painchain.ts';

const createFake = useFakeGitlab();
const run = promisify(execFile);

describeDatabases('the tables', (kind) => {
  let created: TestDatabase | undefined;
  let database: Database | undefined;
  afterEach(async () => {
    await database?.close();
    await created?.remove();
  });
  const open = async () => {
    created ??= await createTestDatabase(kind);
    database = await openDatabase(created.options);
    return database;
  };
  afterEach(() => {
    created = undefined;
    database = undefined;
  });

  test('are created once, and match the entities', async () => {
    const opened = await open();
    expect(await opened.pendingMigrations()).toHaveLength(migrations.length);
    expect(await opened.migrate()).toHaveLength(migrations.length);
    expect(await opened.migrate()).toEqual([]);
    expect(await opened.pendingMigrations()).toEqual([]);
    expect(await opened.schemaDrift()).toBe('');
  });

  test('adopt those of PainChain: no duplicates, no changed type, times stay UTC', async () => {
    const opened = await open();
    const { em } = opened;
    for (const statement of painchainTables.split(';').filter((part) => part.trim() !== '')) await em.fork().execute(statement);
    const typesOf = () =>
      em.fork().execute<Array<{ column_name: string; data_type: string; character_maximum_length: number | null }>>(
        `select table_name, column_name, data_type, character_maximum_length from information_schema.columns
         where table_name in ('connections', 'change_events') order by table_name, ordinal_position`,
      );
    const before = await typesOf();
    await em.fork().execute(`insert into connections (name, type, config) values ('Company', 'gitlab', '{"token": "from the form"}')`);
    const { world, config } = createFake('https://gitlab.com');
    const project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Add a cart', state: 'merged', createdAt: world.now, updatedAt: world.now });
    const pipeline = project.startPipeline({ ref: 'main' });
    const repository = project.addImageRepository('web');
    project.pushTag(repository, 'v1');
    await em.fork()
      .execute(`insert into change_events (connection_id, source, event_id, title, description, author, "timestamp", url, status, metadata) values
      (1, 'gitlab', 'mr-acme/shop-1', '[MR] Add a cart', '{"text": "", "related_events": []}', 'ada', '2026-11-23 07:00:00', 'x', 'opened', '{"project": "acme/shop"}'),
      (1, 'gitlab', 'pipeline-acme/shop-${pipeline.id}', '[Pipeline] • main', '{}', 'ada', '2026-11-23 07:00:00', 'x', 'running', '{}'),
      (1, 'gitlab', 'registry-acme/shop/web-v1-', '[Image] acme/shop/web:v1', '{}', 'unknown', '2026-11-23 07:00:00', 'x', 'published', '{"digest": ""}'),
      (1, 'github', 'pr-acme/shop-1', '[PR] Other source', '{}', 'ada', '2026-11-23 07:00:00', 'x', 'open', '{}')`);
    await opened.migrate();
    expect(await opened.migrate()).toEqual([]);
    const after = await typesOf();
    expect(
      after.filter(({ column_name }) => !['updated_at', 'project_id', 'stream', 'link_keys', 'is_unlinked'].includes(column_name)),
    ).toEqual(before.filter(({ column_name }) => column_name !== 'updated_at'));

    const connectionId = await ensureConnection(em, { url: 'https://gitlab.com' });
    expect(connectionId).toBe(1);
    const result = (await syncGitlab(em, { ...config }, connectionId)) as SyncReport;
    expect(result).toMatchObject({ fetched: 3, stored: 3, problems: [] });
    const rows = await eventRows(em, connectionId);
    expect([...rows.keys()].map((id) => id.replace(/sha256:.*/, 'sha256'))).toEqual([
      'mr-acme/shop-1',
      `pipeline-acme/shop-${pipeline.id}`,
      'registry-acme/shop/web-v1-sha256',
      'pr-acme/shop-1',
    ]);
    expect(rows.get('mr-acme/shop-1')).toMatchObject({ status: 'merged', author: 'ada' });
    const [stored] = await em.fork().execute<Array<{ at: string; synced: string }>>(
      `select e."timestamp"::text as at, (c.last_sync at time zone 'UTC' - now())::text as synced
         from change_events e join connections c on c.id = e.connection_id where e.event_id = 'mr-acme/shop-1'`,
    );
    expect(stored?.at).toBe('2026-11-23 08:00:00');
    expect(stored?.synced).toMatch(/^-?00:0[01]/);
    // The image is not read again: no tag was pushed.
    expect(await syncGitlab(em, { ...config }, connectionId)).toMatchObject({ fetched: 2, stored: 0 });
  });

  test('adopt those of PainChain, and take events as long as GitLab allows', async () => {
    const opened = await open();
    for (const statement of painchainTables.split(';').filter((part) => part.trim() !== '')) await opened.em.fork().execute(statement);
    await opened.migrate();
    const { world, config } = createFake();
    const project = world.addProject(`acme/${'p'.repeat(250)}`);
    project.openMergeRequest({ title: 'Long', author: 'a'.repeat(255) });
    project.git.commit('main', { title: 'By somebody', authorName: 'n'.repeat(900) });
    project.createRelease({ tag: 't'.repeat(200) });
    const connectionId = await ensureConnection(opened.em, config);
    expect(await syncGitlab(opened.em, { ...config, branches: 'main' }, connectionId)).toMatchObject({
      fetched: 3,
      stored: 3,
      problems: [],
    });
    expect(await syncGitlab(opened.em, { ...config, branches: 'main' }, connectionId)).toMatchObject({ stored: 0 });
  });

  test('of a newer version still serve an older version, for a rollback after an upgrade', async () => {
    const opened = await open();
    await opened.migrate();
    // What the migrations to come may do: note themselves, and add.
    await opened.em.fork().execute(`insert into gitlab_connector_migrations (name) values ('Migration29991231_of_tomorrow')`);
    for (const table of ['connections', 'change_events', 'change_event_versions', 'gitlab_stream_state'])
      await opened.em.fork().execute(`alter table ${table} add column of_tomorrow text not null default 'x'`);
    await opened.em.fork().execute('create table gitlab_of_tomorrow (id int)');
    await database?.close();
    const older = await open();
    expect(await older.pendingMigrations()).toEqual([]);
    expect(await older.migrate()).toEqual([]);
    const { world, config } = createFake();
    world.addProject('acme/shop').openMergeRequest({ title: 'Add a cart' });
    const connectionId = await ensureConnection(older.em, config);
    expect(await syncGitlab(older.em, { ...config }, connectionId)).toMatchObject({ fetched: 1, stored: 1, problems: [] });
  });

  test('that are missing are an error with advice', async () => {
    const opened = await open();
    await expect(syncGitlab(opened.em, { token: 'x' }, 1)).resolves.toMatchObject({
      error:
        'Failed to store: the tables are missing or not up to date: run `gitlab-connector migrate`, or the migrations that this package exports',
      code: 'database',
    });
  });

  test('get one connection for each GitLab unless a connection is named', async () => {
    const opened = await open();
    await opened.migrate();
    const { em } = opened;
    const first = await ensureConnection(em, { url: 'https://gitlab.com' });
    expect(await ensureConnection(em, { url: 'https://gitlab.com' })).toBe(first);
    const other = await ensureConnection(em, { url: 'https://git.example.com/gitlab' });
    expect(other).not.toBe(first);
    expect(await ensureConnection(em, { url: 'https://git.example.com/gitlab', connectionId: first })).toBe(first);
    await expect(ensureConnection(em, { url: 'x', connectionId: 99 })).rejects.toThrow('there is no connection 99');
    await em.fork().execute(`insert into connections (name, type, config) values ('Second', 'gitlab', '{"url": "https://GitLab.com/"}')`);
    await expect(ensureConnection(em, { url: 'https://gitlab.com' })).rejects.toThrow(
      `CONNECTION_ID must name one of the GitLab connections with the URL https://gitlab.com: ${first} (gitlab.com), `,
    );
    expect(await findConnection(em.fork(), { url: 'https://nowhere.example.com' })).toBeNull();
  });
});

describe('the embedded database', () => {
  test('is vacuumed where enough rows have changed', async () => {
    const { options, remove } = await createTestDatabase('pglite');
    const database = await openDatabase(options);
    const { em } = database;
    const add = (rows: number) =>
      em.execute(`insert into connections (name, type, config) select 'c' || i, 'gitlab', '{}' from generate_series(1, ?) i`, [rows]);
    // PostgreSQL counts what has changed in its own time.
    const tidied = async () => {
      await database.tidy();
      const [row] = await em.execute<Array<{ known: number }>>(
        `select reltuples::int as known from pg_class where relname = 'connections'`,
      );
      return row?.known;
    };
    try {
      await database.migrate();
      await add(2000);
      await expect.poll(tidied).toBe(2000);
      await add(500);
      expect(await tidied()).toBe(2000);
      await add(1500);
      await expect.poll(tidied).toBe(4000);
    } finally {
      await database.close();
      await remove();
    }
  });

  test('refuses a second process, and its data stays whole', async () => {
    const { options, remove } = await createTestDatabase('pglite');
    const database = await openDatabase(options);
    try {
      await database.migrate();
      const id = await ensureConnection(database.em, { url: 'https://gitlab.com' });
      const second = run(process.execPath, [...cliProgram, 'migrate'], {
        env: { ...process.env, DATA_DIR: options.dataDir, DATABASE_URL: '' },
      });
      await expect(second).rejects.toMatchObject({
        code: 3,
        stderr: `ERROR: ${options.dataDir} is in use by another process: stop it, or set another DATA_DIR, or use a PostgreSQL through DATABASE_URL [data_dir_in_use]\n`,
      });
      await database.close();
      const again = await openDatabase(options);
      expect(await ensureConnection(again.em, { url: 'https://gitlab.com' })).toBe(id);
      await again.close();
    } finally {
      await remove();
    }
  });

  test('is free again when its process is killed', async () => {
    const { options, remove } = await createTestDatabase('pglite');
    try {
      const script = `
        const { openDatabase } = await import('./src/store/database/database.ts');
        await openDatabase({ dataDir: ${JSON.stringify(options.dataDir)} });
        console.log('open');
        process.kill(process.pid, 'SIGKILL');`;
      await expect(run(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script])).rejects.toMatchObject({
        killed: false,
        stdout: 'open\n',
      });
      await (await openDatabase(options)).close();
    } finally {
      await remove();
    }
  });

  test('cannot be created in a folder that is read-only', async () => {
    await expect(openDatabase({ dataDir: 'package.json/x' })).rejects.toThrow(
      /^cannot use package.json\/x for the embedded database .*: set DATA_DIR/,
    );
  });
});

describe('PostgreSQL', () => {
  test('that cuts connections in the middle of transactions does not shrink the pool', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const database = await openDatabase({ ...options, poolSize: 2 });
    const killer = await openDatabase(options);
    try {
      await killer.migrate();
      await killer.em.fork().execute(`insert into connections (name, type, config) values ('Company', 'gitlab', '{}')`);
      for (let i = 0; i < 3; i++) {
        const cut = database.em.fork().transactional(async (em) => {
          const [row] = await em.execute<Array<{ pid: number }>>('select pg_backend_pid() as pid');
          await killer.em.fork().execute('select pg_terminate_backend(?)', [row?.pid]);
          await em.execute('select 1');
        });
        await expect(cut).rejects.toThrow(/terminat.* connection|connection error/);
        const locked = withPassLock(database.em, { connectionId: 1 }, async () => {
          await cutLocks(killer.em, 1);
          return 'done';
        });
        expect(await locked).toBe('done');
      }
      expect(await database.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
      expect(await withPassLock(database.em, { connectionId: 1 }, () => database.em.fork().execute('select 2 as two'))).toEqual([
        { two: 2 },
      ]);
    } finally {
      await database.close();
      await killer.close();
      await remove();
    }
  });

  test('that an earlier version has filled is read once more, without duplicates', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const earlier = await MikroORM.init({
      clientUrl: options.databaseUrl ?? '',
      entities,
      extensions: [Migrator],
      migrations: { migrationsList: migrations.slice(0, 1), tableName: 'gitlab_connector_migrations', snapshot: false, silent: true },
    });
    await earlier.migrator.up();
    await earlier.close();
    const database = await openDatabase(options);
    try {
      const { em } = database;
      const { world, config } = createFake();
      const project = world.addProject('acme/shop');
      project.openMergeRequest({ title: 'Add a cart', author: 'ada' });
      const repository = project.addImageRepository('');
      for (let i = 0; i < 3; i++) project.pushTag(repository, `v${i}`);
      world.pass(minutes(5));
      const connectionId = await addConnection(em, config.url);
      await em.fork().execute(`
        insert into gitlab_projects (connection_id, project_id, event_path, full_path, web_url, last_seen_at)
          values (${connectionId}, ${project.id}, 'acme/formerly', 'acme/shop', 'x', now());
        insert into gitlab_stream_state (connection_id, project_id, stream, scope, outcome, last_attempt_at, last_success_at)
          values (${connectionId}, ${project.id}, 'registry-images', 'acme/shop', 'ok', now(), now());
        insert into change_events (connection_id, source, event_id, title, author, "timestamp", url, status, project_id, stream)
          values (${connectionId}, 'gitlab', 'mr-acme/formerly-1', 'old', 'ada', now(), 'x', 'opened', ${project.id}, 'merge-requests')`);
      expect(await database.migrate()).toHaveLength(migrations.length - 1);
      expect(await database.schemaDrift()).toBe('');
      expect(await syncGitlab(em, { ...config, tagLimit: 2 }, connectionId)).toMatchObject({ fetched: 3, stored: 3 });
      expect(await syncGitlab(em, { ...config, tagLimit: 2 }, connectionId)).toMatchObject({ stored: 0 });
      const rows = await eventRows(em, connectionId);
      expect(rows.get('mr-acme/formerly-1')).toMatchObject({ title: '[MR] Add a cart' });
      expect(rows.size).toBe(3);
    } finally {
      await database.close();
      await remove();
    }
  });

  test('that an earlier version has filled says of each image whether its tag points to it, and links to its page', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const earlier = await MikroORM.init({
      clientUrl: options.databaseUrl ?? '',
      entities,
      extensions: [Migrator],
      migrations: { migrationsList: migrations.slice(0, 8), tableName: 'gitlab_connector_migrations', snapshot: false, silent: true },
    });
    await earlier.migrator.up();
    await earlier.close();
    const database = await openDatabase(options);
    try {
      const em = database.em.fork();
      const connectionId = await addConnection(database.em, 'https://gitlab.example.com');
      const image = (
        id: string,
        tag: string,
        digest: string,
      ) => `(${connectionId}, 'gitlab', '${id}', 'x', 'ada', now(), 'registry.example.com/shop:${tag}', 'published', 7,
        'registry-images', '{"repository_id": 3, "tag": "${tag}", "digest": "${digest}"}')`;
      await em.execute(`
        insert into gitlab_projects (connection_id, project_id, event_path, full_path, web_url, last_seen_at, reconciled_at)
          values (${connectionId}, 7, 'acme/shop', 'acme/shop', 'https://gitlab.example.com/acme/shop', now(), now());
        insert into change_events (connection_id, source, event_id, title, author, "timestamp", url, status, project_id, stream, metadata)
          values ${[image('a', 'prod', 'sha256:1'), image('b', 'prod', 'sha256:2'), image('c', 'broken', 'sha256:1'), image('d', 'gone', 'sha256:1')].join(', ')};
        insert into gitlab_registry_tags (connection_id, project_id, repository_id, name, digest, looked_at)
          values (${connectionId}, 7, 3, 'prod', 'sha256:2', now()), (${connectionId}, 7, 3, 'broken', null, now())`);
      await database.migrate();
      const rows = await em.execute<object[]>(
        `select event_id, metadata -> 'is_current' as is_current from change_events order by event_id`,
      );
      expect(await em.execute(`select distinct url, metadata ->> 'location' as location from change_events order by location`)).toEqual(
        ['broken', 'gone', 'prod'].map((tag) => ({
          url: 'https://gitlab.example.com/acme/shop/-/container_registry/3',
          location: `registry.example.com/shop:${tag}`,
        })),
      );
      expect(rows).toEqual([
        { event_id: 'a', is_current: false },
        { event_id: 'b', is_current: true },
        { event_id: 'c', is_current: true },
        // Nothing is known of its tag.
        { event_id: 'd', is_current: null },
      ]);
    } finally {
      await database.close();
      await remove();
    }
  });

  test('may be migrated by many processes at once', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase(options)));
    try {
      const applied = await Promise.all(databases.map((database) => database.migrate()));
      expect(applied.flat()).toHaveLength(migrations.length);
    } finally {
      await Promise.all(databases.map((database) => database.close()));
      await remove();
    }
  });

  test('is told to detect that the machine of a client is gone', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const [database, host] = [await openDatabase(options), await MikroORM.init({ entities, clientUrl: options.databaseUrl ?? '' })];
    await database.migrate();
    await database.em.fork().execute(`insert into connections (name, type, config) values ('Company', 'gitlab', '{}')`);
    const seconds = (em: { execute<T>(statement: string): Promise<T> }) =>
      em.execute<unknown>(`select current_setting('tcp_keepalives_idle')::int as seconds`);
    try {
      expect(await seconds(database.em)).toEqual([{ seconds: 10 }]);
      // A host's own MikroORM keeps what it has, but for the transaction that holds a lock.
      const before = await seconds(host.em);
      expect(before).not.toEqual([{ seconds: 10 }]);
      const pool = await host.em.getConnection().getNativeClient();
      const holder = once(pool, 'acquire') as Promise<[PoolClient]>;
      const held = await withPassLock(host.em, { connectionId: 1 }, async () => {
        const [client] = await holder;
        return client.query(`select current_setting('tcp_keepalives_idle')::int as seconds`);
      });
      expect(held?.rows).toEqual([{ seconds: 10 }]);
      expect(await seconds(host.em)).toEqual(before);
    } finally {
      await database.close();
      await host.close();
      await remove();
    }
  });

  test('that refuses access is named without its password', async () => {
    const url = new URL(inject('postgresUrl'));
    url.password = 'not-the-password';
    const refused = openDatabase({ databaseUrl: `${url.href}/postgres`, dataDir: '' });
    await expect(refused).rejects.toThrow(/^cannot use the PostgreSQL at 127\.0\.0\.1:\d+\/postgres \(password authentication failed/);
    await expect(refused).rejects.not.toThrow('not-the-password');
  });
});

test('every file in src/store/migrations is in the list of migrations', () => {
  const files = readdirSync('src/store/migrations').filter((name) => /^\d+-/.test(name));
  expect(migrations).toHaveLength(files.length);
  const list = readFileSync('src/store/migrations/index.ts', 'utf8');
  for (const file of files) expect(list).toContain(`./${file}`);
});
