import { readFileSync } from 'node:fs';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ChangeEventEntity,
  auditGitlab,
  countTimeline,
  entities,
  migrations,
  readEvents,
  readHistory,
  readTimeline,
  syncGitlab,
} from '../../src/index.ts';
import type { AuditReport, JsonObject, StoredEvent, SyncReport } from '../../src/index.ts';
import { ensureConnection } from '../../src/store/connections.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createTestDatabase, describePasses, openTestDatabase } from '../support/databases.ts';
import type { DatabaseKind } from '../support/databases.ts';
import { useFakeGitlab } from '../support/fake.ts';
import { painchain02Tables, painchainTables, statementsOf } from '../support/painchain.ts';
import type { PainchainVersion } from '../support/painchain.ts';
import { addPainchainConnection, painchainIds, storeAsPainchain } from '../support/painchain-rows.ts';
import { addConnection } from '../support/rows.ts';
import { runCli } from '../support/run-cli.ts';

const createFake = useFakeGitlab();
const tables: Readonly<Record<PainchainVersion, string>> = { '0.1': painchainTables, '0.2': painchain02Tables };
const versions: readonly PainchainVersion[] = ['0.1', '0.2'];

describePasses("a database that PainChain's own connector has filled", (kind) => {
  const opened: Database[] = [];
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  const openPainchain = async (version: PainchainVersion) => {
    const database = await openPainchainDatabase(kind, version);
    opened.push(database);
    return database;
  };
  /** A database of PainChain that this connector has continued. */
  const continued = async (version: PainchainVersion) => {
    const database = await openPainchain(version);
    const { em } = database;
    const { world, happen } = createDemoWorld();
    const { config } = createFake(undefined, world);
    const settings = { ...config, branches: 'main' };
    const connectionId = await addPainchainConnection(em, 'gitlab', settings, 'team-a,backend');
    await addForeignRow(em, version, await addPainchainConnection(em, 'github', {}, 'team-b'));
    for (const project of world.projects) await storeAsPainchain(em, version, { connectionId, project });
    happen();
    await database.migrate();
    expect(await syncGitlab(em, settings, connectionId)).toMatchObject({ problems: [] });
    return { em, world, settings, connectionId };
  };
  const stored = async (database: Database, connectionId: number) => {
    const { events } = await readEvents(database.em, { connectionIds: [connectionId], limit: 1_000 });
    return new Map(events.map((event) => [event.eventId, withoutPlace(event)]));
  };

  describe.each(versions)('PainChain %s', (version) => {
    test('continues: nothing is doubled, nothing is lost, and the counts are right', async () => {
      const database = await openPainchain(version);
      const { em } = database;
      const { world, happen } = createDemoWorld();
      const { config } = createFake(undefined, world);
      const settings = { ...config, branches: 'main', streams: 'all' };
      const connectionId = await addPainchainConnection(em, 'gitlab', { ...settings, poll_interval: 300 }, 'team-a,backend');
      const other = await addPainchainConnection(em, 'github', {}, 'team-b');
      const typed = ['ACME/web/Shop', String(world.projects[1]?.id), 'acme/infra'];
      let before = 0;
      for (const [index, project] of world.projects.entries())
        before += await storeAsPainchain(em, version, { connectionId, project, typed: typed[index] ?? '' });
      expect(before).toBe(17);
      await addForeignRow(em, version, other);
      happen();

      await database.migrate();
      expect(await database.migrate()).toEqual([]);
      const first = (await syncGitlab(em, settings, connectionId)) as SyncReport;
      const own = await openTestDatabase(kind);
      opened.push(own);
      const reference = await addConnection(own.em, config.url);
      const fresh = (await syncGitlab(own.em, settings, reference)) as SyncReport;
      expect(first.problems).toEqual([]);
      expect(counted(first)).toEqual({ fetched: fresh.fetched, inserted: fresh.stored - before, updated: before });

      const rows = await stored(database, connectionId);
      expect(rows).toEqual(await stored(own, reference));
      expect(await syncGitlab(em, settings, connectionId)).toMatchObject({ stored: 0, corrected: 0, problems: [] });
      expect(await syncGitlab(em, settings, connectionId, { reconcile: true })).toMatchObject({ stored: 0, corrected: 0, problems: [] });
      expect(await stored(database, connectionId)).toEqual(rows);
      const audit = (await auditGitlab(em, settings, connectionId)) as AuditReport;
      expect(audit.entries.filter(({ result }) => result !== 'complete' && result !== 'unknown')).toEqual([]);
      expect(audit.entries.filter(({ result }) => result === 'complete')).toHaveLength(9);
      // PainChain 0.2 tells rows apart by external_id.
      const idColumn = version === '0.2' ? 'external_id' : 'event_id';
      const ids = await em.fork().execute<Array<{ id: string }>>(`select ${idColumn} as id from change_events where source = 'gitlab'`);
      expect(new Set(ids.map(({ id }) => id))).toEqual(new Set(rows.keys()));
      const [others] = await em
        .fork()
        .execute<Array<{ count: number }>>(`select count(*)::int as count from change_events where source = 'github'`);
      expect(others).toEqual({ count: 1 });
    });

    test('gets no deployments, of which its dashboard knows nothing, unless STREAMS names them', async () => {
      const { em, settings, connectionId } = await continued(version);
      const deployments = async () => (await readEvents(em, { connectionIds: [connectionId], types: ['Deployment'] })).events.length;
      expect(await deployments()).toBe(0);
      const report = (await syncGitlab(em, { ...settings, streams: 'all' }, connectionId)) as SyncReport;
      expect(report.streams.deployments).toMatchObject({ inserted: 2 });
      expect(await deployments()).toBe(2);
    });

    test('has the history of each row: what PainChain had stored is the first version', async () => {
      const { em, settings, connectionId, world } = await continued(version);
      const shop = world.projects[0];
      const [taxes, checkout] = ['mr-acme/web/shop-1', 'mr-acme/web/shop-2'];
      const history = async (eventId: string) => readHistory(em, { connectionId, eventId });
      expect(await history(taxes ?? '')).toMatchObject([
        { version: 1, status: 'merged', changes: null, happenedAt: '2026-11-23T07:00:00.001Z' },
      ]);
      expect(await history(checkout ?? '')).toMatchObject([
        { version: 1, status: 'opened', changes: null },
        { version: 2, status: 'merged', changes: { status: { old: 'opened', new: 'merged' } } },
      ]);
      const [added] = world.projects.flatMap(({ fullPath, pipelines }) => pipelines.slice(1).map(({ id }) => `pipeline-${fullPath}-${id}`));
      expect(await history(added ?? '')).toMatchObject([{ version: 1, status: 'failed', changes: null }]);
      const everything = { from: new Date('2026-01-01'), to: new Date('2027-01-01'), connectionIds: [connectionId] };
      const { changes } = await readTimeline(em, { ...everything, types: ['MR'], text: 'checkout' });
      expect(changes.map(({ headline, author }) => [headline, author])).toEqual([
        ['opened !2 Checkout in one page', 'linus'],
        // 0.2 keeps the approvals under another name, so that no change of them is known.
        [`merged !2 into main by grace${version === '0.1' ? '; approved !2 by grace' : ''}`, 'linus'],
      ]);
      const { events } = await readEvents(em, { connectionIds: [connectionId], limit: 1_000 });
      expect(await countTimeline(em, { ...everything, showNoise: true })).toBeGreaterThanOrEqual(events.length);

      const [, , dark] = shop?.mergeRequests ?? [];
      if (shop && dark) shop.closeMergeRequest(dark);
      expect(counted((await syncGitlab(em, settings, connectionId)) as SyncReport)).toMatchObject({ inserted: 0, updated: 1 });
      expect((await history('mr-acme/web/shop-3'))?.map(({ status }) => status)).toEqual(['opened', 'closed']);
    });

    test('has as last_sync the end of the last pass that read the connection, complete or not', async () => {
      const { em, settings, connectionId } = await continued(version);
      const lastSync = async () => {
        const [row] = await em
          .fork()
          .execute<Array<{ at: string }>>('select last_sync::text as at from connections where id = ?', [connectionId]);
        return row?.at;
      };
      const first = await lastSync();
      expect(await syncGitlab(em, { ...settings, token: 'revoked' }, connectionId)).toMatchObject({ code: 'gitlab' });
      expect(await lastSync()).toBe(first);
      expect(await syncGitlab(em, { ...settings, repos: 'acme/api,acme/missing' }, connectionId)).toMatchObject({
        problems: [{ project: 'acme/missing' }],
      });
      expect(await lastSync()).not.toBe(first);
    });

    test("gives PainChain's dashboard what it shows", async () => {
      const { em } = await continued(version);
      const changes = new Map((await painchainChanges(em, version, { source: 'gitlab' })).map((change) => [change.title, change]));
      const shown = (title: string) => {
        const { author = '', metadata = {}, description = null } = changes.get(title) ?? {};
        // 0.2 has a text as description, and its API passes on what is below metadata.
        return { author, ...metadata, ...(version === '0.1' ? (description as JsonObject) : { text: description }) };
      };
      expect(shown('[MR] Checkout in one page')).toMatchObject({
        text: 'What Checkout in one page is about',
        author: 'linus',
        project: 'acme/web/shop',
        source_branch: 'feature-2',
        target_branch: 'main',
        approved_by: ['ada', 'grace'],
        approved_count: 2,
        user_notes_count: 4,
        merged: true,
        labels: ['frontend', 'checkout'],
        files_changed: ['src/checkout.tsx', 'src/cart.ts', 'test/checkout.test.ts'],
        ...(version === '0.2' ? { approvals_count: 2, project_id: '101' } : {}),
      });
      const failedJob = expect.stringMatching(/^(e2e|integration)$/) as string;
      expect(shown('[Pipeline] ✗ main')).toMatchObject({
        author: 'ada',
        ref: 'main',
        sha: expect.stringMatching(/^[0-9a-f]{7}$/) as string,
        failed_jobs_count: 1,
        failed_jobs: [{ name: failedJob, status: 'failed' }],
        ...(version === '0.2' ? { status: 'failed', failed_jobs_detail: [failedJob] } : {}),
      });
      expect(shown('[Release] Orders 2.3')).toMatchObject({ author: 'grace', tag_name: 'v2.3.0', assets: ['api-linux-amd64.tar.gz'] });
      expect(shown('[Image] acme/api/server:v2.3.0')).toMatchObject({
        author: 'unknown',
        digest: expect.stringMatching(/^sha256:/) as string,
        tags: ['v2.3.0'],
        size_bytes: 1_610_612_736,
        ...(version === '0.2' ? { tag_name: 'v2.3.0', total_size: 1_610_612_736 } : {}),
      });
      expect(shown('[Commit] Serve orders')).toMatchObject({
        author: 'Barbara Liskov',
        branch: 'main',
        additions: 900,
        ...(version === '0.2' ? { stats: { additions: 900, deletions: 0, total: 900 } } : {}),
      });
    });

    test("answers PainChain's own queries", async () => {
      const { em, connectionId, world } = await continued(version);
      const list = (filter: Filter) => painchainChanges(em, version, filter);
      const all = await list({ source: 'gitlab' });
      expect(all).toHaveLength(await gitlabRows(em));
      expect(
        all.every(({ title, author, url, status }) =>
          [title, author, url, status].every((text) => typeof text === 'string' && text !== ''),
        ),
      ).toBe(true);
      expect((await list({ type: 'MR' })).map(({ author }) => author).toSorted()).toEqual(['barbara', 'grace', 'linus', 'margaret']);
      expect((await list({ status: 'failed' })).map(({ title }) => title)).toEqual(['[Pipeline] ✗ main', '[Pipeline] ✗ main']);
      expect((await list({ author: 'linus' })).map(({ title }) => title)).toEqual(['[MR] Checkout in one page']);
      expect(await list({ tag: 'team-a' })).toHaveLength(all.length);
      expect((await list({ tag: 'team-b' })).map(({ title }) => title)).toEqual(['[PR] Other']);
      // Times are in UTC, whatever the time zone of the session that wrote them.
      expect((await list({ from: '2026-11-23T07:00:00', to: '2026-11-23T07:00:01', type: 'MR' })).map(({ title }) => title)).toEqual([
        '[MR] Show prices with taxes',
      ]);
      const [stored] = await em.fork().execute<Array<{ synced: number; changed: number }>>(
        `select abs(extract(epoch from (c.last_sync at time zone 'UTC') - now()))::int as synced,
           max(abs(extract(epoch from (e.updated_at ${version === '0.2' ? `at time zone 'UTC'` : ''}) - now())))::int as changed
         from connections c join change_events e on e.connection_id = c.id and e.source = 'gitlab' group by c.id`,
      );
      expect(stored?.synced).toBeLessThan(60);
      expect(stored?.changed).toBeLessThan(60);
      expect(connectionId).toBe(1);
      expect(world.projects).toHaveLength(3);
    });
  });
});

test('after the rolling back of docs/painchain.md the connector of 0.2 finds each row by its own id, and coming back continues the rows again', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const database = await openDatabase(options);
  try {
    const { em } = database;
    for (const statement of statementsOf(painchain02Tables)) await em.fork().execute(statement);
    const { world, happen } = createDemoWorld();
    const { config } = createFake(undefined, world);
    const typed = ['ACME/web/Shop', String(world.projects[1]?.id), 'acme/infra'];
    const settings = { ...config, branches: 'main', repos: typed.join(', ') };
    const connectionId = await addPainchainConnection(em, 'gitlab', settings);
    for (const [index, project] of world.projects.entries())
      await storeAsPainchain(em, '0.2', { connectionId, project, typed: typed[index] ?? '' });
    await database.migrate();
    await syncGitlab(em, settings, connectionId);
    happen();
    const { stored: added } = (await syncGitlab(em, settings, connectionId)) as SyncReport;
    expect(added).toBeGreaterThan(0);
    const versionsOf = () =>
      em
        .fork()
        .execute(
          `select e.id, v.version, v.status from change_events e join change_event_versions v on v.change_event_id = e.id order by 1, 2`,
        );
    const [before, count] = [await versionsOf(), await gitlabRows(em)];

    const [, statements = ''] = /<!-- rolling back 0.2 -->\n```sql\n([\s\S]*?)```/.exec(readFileSync('docs/painchain.md', 'utf8')) ?? [];
    await em.getConnection().execute(statements);
    const ids = await em.fork().execute<Array<{ external_id: string }>>('select external_id from change_events');
    const known = new Set(ids.map(({ external_id: id }) => id));
    const asked = world.projects.flatMap((project, index) => painchainIds('0.2', project, typed[index] ?? ''));
    expect(asked.length).toBeGreaterThan(17);
    expect(asked.filter((id) => !known.has(id))).toEqual([]);

    expect(await syncGitlab(em, settings, connectionId, { reconcile: true })).toMatchObject({ problems: [] });
    expect(await gitlabRows(em)).toBe(count);
    expect(await versionsOf()).toEqual(before);
  } finally {
    await database.close();
    await remove();
  }
});

test('rows of the stand-alone connector of 0.1, which have no connection, are named, and adopted when asked', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const database = await openDatabase(options);
  const env = { DATABASE_URL: options.databaseUrl ?? '' };
  try {
    const { em } = database;
    for (const statement of statementsOf(painchainTables)) await em.fork().execute(statement);
    const { world, config } = createFake();
    const project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Add a cart', author: 'ada' });
    project.startPipeline({ ref: 'main' });
    expect(await storeAsPainchain(em, '0.1', { connectionId: null, project })).toBe(2);
    expect(await runCli(['migrate'], env)).toMatchObject({
      code: 0,
      err: 'WARNING: 2 rows of GitLab in change_events have no connection: gitlab-connector migrate --adopt-orphans ID gives them to connection ID, else they stay as they are\n',
    });
    const github = await addPainchainConnection(em, 'github', {});
    expect(await runCli(['migrate', '--adopt-orphans', String(github)], env)).toMatchObject({
      code: 3,
      err: expect.stringContaining(`there is no connection ${github} of type gitlab in the table connections`) as string,
    });
    expect(await runCli(['migrate', '--adopt-orphans', 'x'], env)).toMatchObject({ code: 2 });
    const connectionId = await addPainchainConnection(em, 'gitlab', config);
    expect((await runCli(['migrate', '--adopt-orphans', String(connectionId)], env)).out).toMatch(
      /: nothing to do, up to date\n2 rows without a connection now belong to connection 2\n$/,
    );
    expect(counted((await syncGitlab(em, config, connectionId)) as SyncReport)).toEqual({ fetched: 2, inserted: 0, updated: 2 });
    // The stand-alone connector is still on.
    expect(await storeAsPainchain(em, '0.1', { connectionId: null, project })).toBe(2);
    expect(await runCli(['migrate', '--adopt-orphans', String(connectionId)], env)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\n0 rows without a connection now belong to connection 2\n$/) as string,
      err: 'WARNING: 2 rows of GitLab in change_events have no connection: connection 2 has the same events already, so they stay as they are\n',
    });
    expect(await gitlabRows(em)).toBe(4);
  } finally {
    await database.close();
    await remove();
  }
});

test('tables of 0.2 that an earlier version had called up to date are completed, with rows that were added meanwhile', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const earlier = await MikroORM.init({
    clientUrl: options.databaseUrl ?? '',
    entities,
    extensions: [Migrator],
    migrations: { migrationsList: migrations.slice(0, 11), tableName: 'gitlab_connector_migrations', snapshot: false, silent: true },
  });
  for (const statement of statementsOf(painchain02Tables)) await earlier.em.execute(statement);
  await earlier.migrator.up();
  await earlier.close();
  const database = await openDatabase(options);
  try {
    const { em } = database;
    const { world, config } = createFake();
    const project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Add a cart', author: 'ada' });
    const connectionId = await addPainchainConnection(em, 'gitlab', config);
    await storeAsPainchain(em, '0.2', { connectionId, project, typed: String(project.id) });
    expect(await database.migrate()).toEqual(migrations.slice(11).map((Migration) => new Migration(em.getDriver(), em.config).name));
    expect(counted((await syncGitlab(em, config, connectionId)) as SyncReport)).toEqual({ fetched: 1, inserted: 0, updated: 1 });
    // PainChain's own connector is still on: it does not know the row by its new id, and adds rows of its own.
    project.openMergeRequest({ title: 'Pay by card', author: 'grace' });
    await storeAsPainchain(em, '0.2', { connectionId, project, typed: 'Acme/Shop', after: 1 });
    expect(counted((await syncGitlab(em, config, connectionId)) as SyncReport)).toMatchObject({ inserted: 0, updated: 1 });
    const rows = await em.fork().execute('select external_id, event_id, event_type, author from change_events order by id');
    expect(rows).toEqual([
      { external_id: 'mr-acme/shop-1', event_id: 'mr-acme/shop-1', event_type: 'MR', author: 'ada' },
      { external_id: 'mr-acme/shop-2', event_id: 'mr-acme/shop-2', event_type: 'MR', author: 'grace' },
    ]);
    // A host that reads with the entity finds the text of 0.2.
    expect(await em.fork().findOne(ChangeEventEntity, { eventId: 'mr-acme/shop-2' })).toMatchObject({
      description: 'What Pay by card is about',
      author: 'grace',
    });
    expect(await ensureConnection(em, { url: 'https://other.example.com' })).toBe(connectionId + 1);
  } finally {
    await database.close();
    await remove();
  }
});

test('a column that rounds to seconds is no change in each pass', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const database = await openDatabase(options);
  try {
    for (const statement of statementsOf(painchainTables.replace('"timestamp" timestamp', '"timestamp" timestamp(0)')))
      await database.em.fork().execute(statement);
    await database.migrate();
    const { world, config } = createFake();
    const project = world.addProject('acme/shop');
    world.pass(123_456);
    project.git.commit('main', { title: 'At a fraction of a second', authorName: 'Ada' });
    const connectionId = await addConnection(database.em, config.url);
    const settings = { ...config, branches: 'main' };
    expect(counted((await syncGitlab(database.em, settings, connectionId)) as SyncReport)).toEqual({ fetched: 1, inserted: 1, updated: 0 });
    expect(await syncGitlab(database.em, settings, connectionId, { reconcile: true })).toMatchObject({ stored: 0, corrected: 0 });
  } finally {
    await database.close();
    await remove();
  }
});

/** Opens a database with the tables of PainChain, whose sessions are not in UTC. */
async function openPainchainDatabase(kind: DatabaseKind, version: PainchainVersion): Promise<Database> {
  const { options, remove } = await createTestDatabase(kind);
  const first = await openDatabase(options);
  if (kind === 'postgres')
    await first.em
      .fork()
      .execute(`alter database "${new URL(options.databaseUrl ?? '').pathname.slice(1)}" set timezone = 'America/New_York'`);
  await first.close();
  const database = await openDatabase(options);
  if (kind === 'pglite') await database.em.fork().execute(`set timezone = 'America/New_York'`);
  for (const statement of statementsOf(tables[version])) await database.em.fork().execute(statement);
  return {
    ...database,
    close: async () => {
      await database.close();
      await remove();
    },
  };
}

const counted = ({ fetched, streams }: SyncReport) => ({
  fetched,
  inserted: Object.values(streams).reduce((sum, { inserted }) => sum + inserted, 0),
  updated: Object.values(streams).reduce((sum, { updated }) => sum + updated, 0),
});

/** An event without what depends on the database. */
const withoutPlace = ({ connectionId: _connectionId, storedAt: _storedAt, ...event }: StoredEvent) => event;

/** A row of another connector. */
async function addForeignRow(em: Database['em'], version: PainchainVersion, connectionId: number): Promise<void> {
  await em
    .fork()
    .execute(
      version === '0.1'
        ? `insert into change_events (connection_id, source, event_id, title, author, "timestamp", url, status) values (?, 'github', 'pr-1', '[PR] Other', 'ada', now() at time zone 'UTC', 'x', 'open')`
        : `insert into change_events (connection_id, source, external_id, event_type, title, "timestamp", updated_at) values (?, 'github', 'pr-1', 'PR', '[PR] Other', now() at time zone 'UTC', now() at time zone 'UTC')`,
      [connectionId],
    );
}

interface Filter {
  readonly source?: string;
  readonly type?: string;
  readonly status?: string;
  readonly author?: string;
  readonly tag?: string;
  readonly from?: string;
  readonly to?: string;
}

/** A change as PainChain's API gives it to its dashboard. */
interface Change {
  readonly title: string;
  readonly author: string;
  readonly url: string;
  readonly status: string;
  readonly description: unknown;
  readonly metadata: JsonObject;
}

/** The query of PainChain's list of changes. 0.2 puts `event_metadata` over `metadata`, and takes the author from there. */
async function painchainChanges(em: Database['em'], version: PainchainVersion, filter: Filter): Promise<Change[]> {
  const author = version === '0.1' ? 'e.author' : `coalesce(e.metadata ->> 'author', 'unknown')`;
  const conditions: ReadonlyArray<readonly [string | undefined, string]> = [
    [filter.source, 'e.source = ?'],
    // The dashboard of 0.1 has no filter by kind, and tells kinds apart by the title.
    [filter.type, version === '0.1' ? `strpos(e.title, '[' || ? || ']') > 0` : 'e.event_type = ?'],
    [filter.status, 'e.status = ?'],
    [filter.author, `${author} = ?`],
    [filter.tag, `exists (select from connections c where c.id = e.connection_id and strpos(c.tags, ?) > 0)`],
    [filter.from, 'e."timestamp" >= ?::timestamp'],
    [filter.to, 'e."timestamp" <= ?::timestamp'],
  ];
  const used = conditions.filter(([value]) => value !== undefined);
  return em.fork().execute<Change[]>(
    `select e.title, ${author} as author, e.url, e.status, e.description, ${version === '0.1' ? 'e.metadata' : 'e.metadata || e.event_metadata as metadata'} from change_events e where ${['true', ...used.map(([, condition]) => condition)].join(' and ')} order by e."timestamp" desc limit 100`,
    used.map(([value]) => value),
  );
}

async function gitlabRows(em: Database['em']): Promise<number> {
  const [row] = await em
    .fork()
    .execute<Array<{ count: number }>>(`select count(*)::int as count from change_events where source = 'gitlab'`);
  return row?.count ?? 0;
}
