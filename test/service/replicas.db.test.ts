import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jobSchema } from '../../src/store/database/inspect-jobs.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eventRows } from '../support/rows.ts';
import { startPoller, until } from './poller.ts';
import type { PollerProcess } from './poller.ts';

describe('three replicas on one PostgreSQL', () => {
  let world: World;
  let fake: FakeGitlab;
  let served: Served;
  let database: TestDatabase;
  const pollers: PollerProcess[] = [];
  beforeEach(async () => {
    world = new World();
    fake = createFakeGitlab(world);
    served = await serve(fake);
    database = await createTestDatabase('postgres');
  });
  afterEach(async () => {
    for (const { child, ended } of pollers.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    await served.close();
    await database.remove();
  });

  const start = (pollInterval: string) => {
    const env = { DATABASE_URL: database.options.databaseUrl ?? '', GITLAB_TOKEN: goodToken, GITLAB_URL: served.url };
    pollers.push(startPoller({ ...env, REPOS: 'acme', WORKERS: '2', POLL_INTERVAL: pollInterval }));
  };
  const addProjects = (count: number) => {
    for (let i = 0; i < count; i++) world.addProject(`acme/p${i}`).openMergeRequest({ title: `first of ${i}` });
  };
  /** Which projects were read how often since a request. */
  const reads = (from = 0): Map<string, number> => {
    const ids = fake.seen
      .slice(from)
      .filter(({ operation, status }) => operation === 'ProjectChanges' && status === 200)
      .flatMap(({ variables }) => (variables.ids ?? []) as string[]);
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  };
  /** Holds requests once so many projects were read; those that were held get no answer that anybody could use. */
  const holdAfter = (count: number) => {
    const released = Promise.withResolvers<undefined>();
    let [isReleased, held] = [false, 0];
    fake.intercept = async (_, { operation }) => {
      if (isReleased || operation !== 'ProjectChanges' || reads().size < count) return undefined;
      held++;
      await released.promise;
      return html(world, 503, 'Too late');
    };
    return {
      held: () => held,
      release: () => {
        isReleased = true;
        released.resolve(undefined);
      },
    };
  };
  const storedIds = async () => {
    const opened = await openDatabase(database.options);
    try {
      return [...(await eventRows(opened.em, 1)).keys()];
    } finally {
      await opened.close();
    }
  };
  const activeJobs = async (): Promise<number> => {
    const client = new Client({ connectionString: database.options.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(`select count(*)::int as count from ${jobSchema}.job where state = 'active'`);
    await client.end();
    return rows[0]?.count ?? Number.NaN;
  };
  /** Gives the queue of parts, and its jobs' data, the names that they had in earlier versions. */
  const renameQueueAsBefore = async () => {
    const client = new Client({ connectionString: database.options.databaseUrl });
    await client.connect();
    await client.query(
      `insert into ${jobSchema}.queue select (jsonb_populate_record(queue, '{"name":"gitlab-batches-1"}')).* from ${jobSchema}.queue where name = 'gitlab-parts-1'`,
    );
    const { rowCount } = await client.query(
      `update ${jobSchema}.job set name = 'gitlab-batches-1', data = jsonb_build_object('round', data->'passStartedAt') || data - 'passStartedAt' where name = 'gitlab-parts-1'`,
    );
    await client.end();
    expect(rowCount).toBe(6);
  };
  const partsReadBy = async ({ url }: PollerProcess): Promise<number> => {
    const text = await (await fetch(`${await url()}/metrics`)).text();
    return Number(/gitlab_connector_pass_duration_seconds_count\{kind="part"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const passEnded = () => pollers.flatMap(({ lines }) => lines.filter(({ msg }) => msg === 'pass ended'));

  test('share 100 projects, and read each project once', async () => {
    addProjects(100);
    fake.intercept = async () => {
      await sleep(100);
      return undefined;
    };
    for (let i = 0; i < 3; i++) start('3600');
    await until(() => passEnded().length > 0, 'a pass over all');
    expect(passEnded()).toMatchObject([{ projects: 100, fetched: 100, stored: 100 }]);
    expect([...reads().values()]).toEqual(Array.from({ length: 100 }, () => 1));
    const parts = await Promise.all(pollers.map(partsReadBy));
    expect(parts.reduce((a, b) => a + b)).toBe(10);
    expect(parts.filter((count) => count > 0).length).toBeGreaterThan(1);
    expect(await storedIds()).toHaveLength(100);
  });

  test('hand over their parts when they are stopped', async () => {
    addProjects(60);
    const { held, release } = holdAfter(20);
    start('3600');
    await until(() => reads().size >= 20 && held() === 2, 'two parts done, two in hand');
    pollers[0]?.child.kill('SIGTERM');
    expect(await pollers[0]?.ended).toEqual({ code: 0, signal: null });
    // No replica has to be taken for dead first, which its jobs would wait for as long as they are active.
    expect(await activeJobs()).toBe(0);
    release();
    start('3600');
    await until(() => passEnded().length > 0, 'a pass over all');
    expect(pollers[1]?.lines.filter(({ msg }) => msg === 'pass ended')).toMatchObject([{ result: 'ok', projects: 60 }]);
    expect(await storedIds()).toHaveLength(60);
    expect([...reads().values()]).toEqual(Array.from({ length: 60 }, () => 1));
  });

  test('continue a pass whose parts an earlier version queued under the old name, and read each project once', async () => {
    addProjects(60);
    const { held, release } = holdAfter(20);
    start('3600');
    await until(() => reads().size >= 20 && held() === 2, 'two parts done, two in hand');
    pollers[0]?.child.kill('SIGTERM');
    await pollers[0]?.ended;
    release();
    await renameQueueAsBefore();
    start('3600');
    await until(() => passEnded().length > 0, 'a pass over all');
    expect(passEnded()).toMatchObject([{ result: 'ok', projects: 60, fetched: 60, stored: 60 }]);
    expect([...reads().values()]).toEqual(Array.from({ length: 60 }, () => 1));
    expect(await storedIds()).toHaveLength(60);
  });

  test('finish a pass in the middle of which two of them are killed', async () => {
    addProjects(100);
    const { held, release } = holdAfter(30);
    for (let i = 0; i < 3; i++) start('3600');
    // Each of them has two in hand.
    await until(() => reads().size >= 30 && held() === 6, 'three parts done, six in hand');
    for (const { child, ended } of pollers.slice(0, 2)) {
      child.kill('SIGKILL');
      await ended;
    }
    release();
    const survivor = pollers[2];
    await until(() => passEnded().length > 0, 'a pass over all');
    expect(survivor?.lines.filter(({ msg }) => msg === 'pass ended')).toHaveLength(1);
    expect((await storedIds()).toSorted()).toEqual(world.projects.map(({ fullPath }) => `mr-${fullPath}-1`).toSorted());
    // Nothing is read again but what was in the hands of those that died.
    expect([...reads().values()].filter((count) => count > 1)).toEqual([]);
  });
});
