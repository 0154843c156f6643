import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase, describeDatabases } from '../support/databases.ts';
import type { DatabaseKind, TestDatabase } from '../support/databases.ts';
import { eventRows } from '../support/rows.ts';
import { startPoller, until } from './poller.ts';
import type { PollerEnv, PollerProcess } from './poller.ts';

let world: World;
let fake: FakeGitlab;
let served: Served;
let database: TestDatabase;
const pollers: PollerProcess[] = [];

const begin = async (kind: DatabaseKind) => {
  world = new World();
  fake = createFakeGitlab(world);
  served = await serve(fake);
  database = await createTestDatabase(kind);
};
afterEach(async () => {
  for (const { child, ended } of pollers.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await served.close();
  await database.remove();
});

const start = (env: PollerEnv = {}): PollerProcess => {
  const { databaseUrl, dataDir } = database.options;
  const where = databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir };
  const poller = startPoller({
    ...where,
    GITLAB_TOKEN: goodToken,
    GITLAB_URL: served.url,
    SYNC_LIMIT: 'all',
    POLL_INTERVAL: '3600',
    ...env,
  });
  pollers.push(poller);
  return poller;
};
const storedIds = async () => {
  const opened = await openDatabase(database.options);
  try {
    return [...(await eventRows(opened.em, 1)).keys()].toSorted();
  } finally {
    await opened.close();
  }
};

describeDatabases('a poller that is asked to stop', (kind) => {
  beforeEach(() => begin(kind));

  test('saves its pages, exits with 0, and continues at the same place after a restart', async () => {
    const project = world.addProject('acme/shop');
    project.largestPage = 5;
    for (let i = 0; i < 100; i++) {
      project.openMergeRequest({ title: `${i}` });
      // What lies in the last minute before the newest row is read again by every pass: only the last of them.
      world.pass(minutes(1));
    }
    let pages = 0;
    fake.intercept = async (_, { operation }) => {
      if (operation === 'MergeRequestPage') pages++;
      if (pages > 8) await sleep(100_000, undefined, { ref: false });
      return undefined;
    };
    const first = start();
    await until(() => pages > 8, 'some pages');
    const askedAt = performance.now();
    first.child.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - askedAt).toBeLessThan(60_000);
    expect(first.err()).toBe('');
    expect(first.lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['stopping: saving the pages in progress', 'pass interrupted; the next pass continues it', 'poller stopped']),
    );
    const saved = await storedIds();
    // Every page that had been answered.
    expect(saved).toHaveLength(9 * 5);

    fake.intercept = undefined;
    const from = fake.seen.length;
    const second = start();
    expect(await second.line(({ msg }) => msg === 'pass ended')).toMatchObject({ stored: 55 });
    expect(fake.seen.slice(from).filter(({ operation }) => operation === 'MergeRequestPage').length).toBeLessThanOrEqual(12);
    second.child.kill('SIGINT');
    expect(await second.ended).toEqual({ code: 0, signal: null });
    expect(await storedIds()).toHaveLength(100);
  });
});

describe('a poller that cannot save', () => {
  let blocker: Client;
  beforeEach(async () => {
    await begin('postgres');
    world.addProject('acme/shop').openMergeRequest({ title: 'x' });
    const opened = await openDatabase(database.options);
    await opened.migrate();
    await opened.close();
    blocker = new Client(database.options.databaseUrl);
    await blocker.connect();
    await blocker.query('begin; lock table change_events in access exclusive mode');
  });
  afterEach(() => blocker.end());

  /** In the middle of writing a page. */
  const stuck = async (env: PollerEnv = {}) => {
    const poller = start(env);
    await until(async () => {
      const { rows } = await blocker.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_locks l join pg_class c on c.oid = l.relation where c.relname = 'change_events' and not l.granted`,
      );
      return (rows[0]?.waiting ?? 0) > 0;
    }, 'a page that waits to be written');
    return poller;
  };

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('goes at once when asked twice (%s)', async (signal, code) => {
    const poller = await stuck();
    poller.child.kill(signal);
    await poller.line(({ msg }) => msg === 'stopping: saving the pages in progress');
    await sleep(300);
    expect(poller.child.exitCode).toBeNull();
    poller.child.kill(signal);
    expect(await poller.ended).toEqual({ code, signal: null });
  });

  test('gives up at the end of GRACE_PERIOD, and logs that', async () => {
    const poller = await stuck({ GRACE_PERIOD: '1' });
    poller.child.kill('SIGTERM');
    expect(await poller.ended).toEqual({ code: 1, signal: null });
    expect(poller.lines.at(-1)).toMatchObject({ msg: 'poller stopped before everything was saved: GRACE_PERIOD is over' });
  });
});
