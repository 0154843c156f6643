import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Gitlab } from '../../src/gitlab/client.ts';
import type { PlanStep, SyncPlan, SyncReport } from '../../src/index.ts';
import { planSync } from '../../src/index.ts';
import { measured, secondsOf } from '../../src/operations/plan/measure.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { fetchFrom } from '../support/fake.ts';
import { runCli } from '../support/run-cli.ts';

let world: World;
let fake: FakeGitlab;
let served: Served;
let env: Record<string, string>;

beforeEach(async () => {
  // Well within the 24 hours of which pipelines are read again, however long a test takes.
  world = new World(new Date(Date.now() - 12 * 60 * 60_000).toISOString());
  fake = createFakeGitlab(world);
  served = await serve(fake, '/gitlab');
  env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url };
});

afterEach(async () => {
  await served.close();
});

/** A project with so many merge requests and pipelines, all of `main`. */
function fill(fullPath: string, mergeRequests: number, pipelines: number) {
  const project = world.addProject(fullPath);
  project.git.commit('main', { title: 'Start', authorName: 'Ada' });
  for (let i = 0; i < mergeRequests; i++) {
    world.pass();
    project.openMergeRequest({ title: `${i}` });
  }
  for (let i = 0; i < pipelines; i++) {
    world.pass();
    project.finishPipeline(project.startPipeline({ ref: 'main' }), 'SUCCESS');
  }
  world.pass();
  return project;
}

async function plan(args: readonly string[] = [], overrides: Readonly<Record<string, string>> = {}): Promise<SyncPlan> {
  const { code, out, err } = await runCli(['plan', '--json', ...args], { ...env, ...overrides });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as SyncPlan;
}

/** A sync, with the requests that arrived: a connection that was cut while it was idle is tried again, and says nothing of a plan. */
async function sync(args: readonly string[] = [], overrides: Readonly<Record<string, string>> = {}): Promise<SyncReport> {
  fake.seen.length = 0;
  const { code, out, err } = await runCli(['sync', '--json', ...args], { ...env, ...overrides });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const count = (kind: 'graphql' | 'rest') => fake.seen.filter((seen) => seen.kind === kind).length;
  return { ...(JSON.parse(out) as SyncReport), requests: { graphql: count('graphql'), rest: count('rest') } };
}

const stepOf = ({ steps }: SyncPlan, name: PlanStep['step']) => steps.find(({ step }) => step === name);

describe('the plan command without a database', () => {
  test('creates nothing on disk, and the sync that follows does what was planned', async () => {
    fill('acme/shop', 120, 70).createRelease({ tag: 'v1' });
    fill('acme/api', 3, 0);
    const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-plan-'));
    const dataDir = path.join(folder, 'data');
    try {
      const planned = await plan(['--sync-limit', '110'], { DATA_DIR: dataDir });
      expect(existsSync(dataDir)).toBe(false);
      expect(planned.projects).toEqual({ known: 0, fresh: 2, missing: [] });
      expect(planned.rows).toBe(110 + 70 + 1 + 3);
      expect(planned.steps.map(({ step, certainty }) => [step, certainty])).toEqual([
        ['lookup', 'exact'],
        ['first-sight', 'estimate'],
        ['deployments', 'at least'],
      ]);
      const report = await sync(['--sync-limit', '110'], { DATA_DIR: dataDir });
      expect(report.requests).toEqual(planned.requests);
      expect(report.fetched).toBe(planned.rows);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('prints what is exact, what is estimated and what cannot be known', async () => {
    const shop = fill('acme/shop', 3, 2);
    shop.pushTag(shop.addImageRepository('web'), 'v1');
    const { code, out } = await runCli(['plan', '--branches', 'main', '--repos', 'acme/shop,acme/typo'], {
      ...env,
      DATA_DIR: '/nowhere/at/all',
    });
    expect(code).toBe(0);
    expect(out).toContain(`${served.url}: 0 known and 1 new projects\n  not found, or out of sight for this token: acme/typo\n`);
    expect(out).toMatch(/│ find the projects +│ +1 │ +│ +2 │ +0 │ exact +│/);
    expect(out).toMatch(/│ read new projects +│ +1 │ about 5 │ +1 │ +0 │ estimate +│/);
    expect(out).toMatch(/│ commits +│ +1 │ +│ +0 │ +2 │ at least +│/);
    expect(out).toMatch(
      /In all about 4 GraphQL and at least 3 REST requests for about 5 rows: [\d.]+ s or more \(4 at once, \d+ ms each, 1000 a minute allowed;/,
    );
    expect(out).toMatch(/ProjectChanges \(newest\) of 1 project costs \d+ of 250 points\n/);
    expect(out).toContain(
      'GitLab has no count of commits, tags (a new container repository takes a request for each of up to 100, or for 300 of them where the registry has a metadata database), deployments.\n',
    );
    expect(out).toMatch(/The plan took \d GraphQL and 0 REST requests\. Nothing was written\.\n$/);
    expect(out).not.toContain(goodToken);
  });

  test('plans a group of hundreds of projects with a handful of requests', async () => {
    for (let i = 0; i < 320; i++) world.addProject(`big/p${i}`);
    const { projects, requests } = await plan(['--repos', 'big'], { DATA_DIR: '/nowhere/at/all' });
    expect(projects).toMatchObject({ fresh: 320 });
    // The path, 4 pages of the group, 7 of counts, and the price of a batch.
    expect(fake.seen).toHaveLength(13);
    expect(requests).toEqual({ graphql: 5 + 32, rest: 0 });
  });

  test('is called from the library without a connection', async () => {
    fill('acme/shop', 2, 1);
    const config = { token: goodToken, url: 'https://gitlab.example.com' };
    expect(await planSync(null, config, null, { fetch: fetchFrom(fake) })).toMatchObject({ projects: { fresh: 1 }, rows: 3 });
    expect(await planSync(null, {}, null)).toEqual({ error: 'No GitLab token configured', code: 'configuration' });
  });

  test('prints one line and exits with 3 when GitLab cannot be read', async () => {
    expect(await runCli(['plan'], { ...env, GITLAB_TOKEN: 'glpat-wrong', DATA_DIR: '/nowhere' })).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^ERROR: Failed to connect to GitLab: GitLab refused the token .*\n$/),
    });
    expect(await runCli(['plan', '--since', 'soon'], env)).toMatchObject({ code: 2 });
    expect(await runCli(['plan'], { ...env, DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/name' })).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^ERROR: cannot use the PostgreSQL at 127\.0\.0\.1:1\/name/),
    });
  });
});

describe('the plan command with a database', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase('postgres');
    env.DATABASE_URL = database.options.databaseUrl ?? '';
    // Nothing is read again while these tests run, unless they ask for it.
    env.RECONCILE_INTERVAL = '31536000';
  });
  afterEach(async () => {
    await database.remove();
  });

  /** What stands in the whole database, as far as statistics and system tables go. */
  async function contents(): Promise<unknown> {
    const opened = await openDatabase(database.options);
    try {
      const tables = await opened.em.execute<Array<{ name: string }>>(
        "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1",
      );
      const rows = [];
      for (const { name } of tables) rows.push(name, await opened.em.execute(`select xmin::text, t.* from ${name} t order by t::text`));
      return rows;
    } finally {
      await opened.close();
    }
  }

  test('treats every project as new when there are no tables, and creates none', async () => {
    fill('acme/shop', 2, 1);
    expect(await plan()).toMatchObject({ projects: { known: 0, fresh: 1 }, rows: 3 });
    expect(await contents()).toEqual([]);
  });

  test('plans the changes since the last pass as the next pass reads them, and writes nothing', async () => {
    const shop = fill('acme/shop', 30, 20);
    world.pass(minutes(10));
    // The last minute that rows prove is read again.
    fill('acme/api', 1, 1);
    world.pass(minutes(10));
    await sync();
    const before = await contents();
    const idle = await plan();
    expect(idle).toMatchObject({ projects: { known: 2, fresh: 0 }, rows: 2, requests: { graphql: 1, rest: 0 } });
    expect(idle.complexity).toMatchObject([{ operation: 'ProjectChanges', ask: 'changes', projects: 10, limit: 250 }]);
    for (const mergeRequest of shop.mergeRequests) shop.editMergeRequest(mergeRequest, { title: 'Changed' });
    fill('acme/new', 5, 0);
    const planned = await plan();
    expect(await contents()).toEqual(before);
    expect(planned.projects).toMatchObject({ known: 2, fresh: 1 });
    expect(stepOf(planned, 'changes')).toMatchObject({ rows: 30 + 2, graphql: 2 });
    expect(stepOf(planned, 'first-sight')).toMatchObject({ projects: 1, rows: 5, graphql: 1 });
    const report = await sync();
    expect(report.requests).toEqual(planned.requests);
    expect(report.fetched).toBe(planned.rows);
  });

  test('plans a known group by its pages', async () => {
    for (let i = 0; i < 60; i++) world.addProject(`big/p${i}`);
    await sync(['--repos', 'big']);
    world.pass(minutes(30));
    const planned = await plan(['--repos', 'big']);
    expect(planned).toMatchObject({ projects: { known: 60, fresh: 0 }, requests: { graphql: 2, rest: 0 } });
    expect(planned.complexity).toMatchObject([{ operation: 'GroupChanges', projects: 50, limit: 250 }]);
    expect((await sync(['--repos', 'big'])).requests).toEqual(planned.requests);
  });

  test('plans a backfill with the missing history, and new projects down to the same moment', async () => {
    fill('acme/shop', 130, 40);
    await sync(['--sync-limit', '10']);
    fill('acme/new', 60, 0);
    const planned = await plan(['--since', '90d']);
    expect(stepOf(planned, 'backfill')).toMatchObject({ projects: 1, rows: 120 + 30, graphql: 3 });
    expect(stepOf(planned, 'first-sight')).toMatchObject({ projects: 1, rows: 60 });
    const { code, out } = await runCli(['backfill', '--since', '90d'], env);
    expect(code).toBe(0);
    expect(out).toContain(`stored ${120 + 30 + 60}`);
    expect(stepOf(await plan(['--since', '90d']), 'backfill')).toBeUndefined();
  });

  test('plans that a stopped first reading continues', async () => {
    // The pipelines have ended at the limit: they do not go on.
    fill('acme/shop', 250, 80);
    world.pass(minutes(10));
    // A row that is dated later moves the watermarks past all of these.
    fill('acme/zoo', 1, 0);
    await sync(['--sync-limit', '60']);
    const opened = await openDatabase(database.options);
    await opened.em.execute(
      `update gitlab_stream_state set backfill = backfill || '{"left": 90, "isDone": false}', outcome = 'partial'
       where stream = 'merge-requests' and project_id = (select min(project_id) from gitlab_projects)`,
    );
    await opened.close();
    const planned = await plan(['--sync-limit', '150']);
    expect(stepOf(planned, 'backfill')).toMatchObject({ rows: 90, graphql: 1 });
    expect(await sync(['--sync-limit', '150'])).toMatchObject({ stored: 90, requests: planned.requests });
  });

  test('plans a reconcile when it is due, and counts the known container tags', async () => {
    const shop = fill('acme/shop', 3, 2);
    shop.createRelease({ tag: 'v1' });
    const web = shop.addImageRepository('web');
    for (let i = 0; i < 12; i++) shop.pushTag(web, `v${i}`);
    await sync();
    world.pass(minutes(30));
    const usual = await plan();
    expect(stepOf(usual, 'reconcile')).toBeUndefined();
    expect(stepOf(usual, 'registry-images')).toMatchObject({ projects: 1, graphql: 1, rest: 0, certainty: 'at least' });
    expect((await sync()).requests).toEqual(usual.requests);
    const due = await plan([], { RECONCILE_INTERVAL: '0' });
    expect(stepOf(due, 'reconcile')).toMatchObject({ projects: 1, rows: 3 + 2 + 1, graphql: 1 });
    // The newest tags, and then all of them; their names.
    expect(stepOf(due, 'registry-images')).toMatchObject({ graphql: 2, rest: 1 });
    expect((await sync([], { RECONCILE_INTERVAL: '0' })).requests).toEqual(due.requests);
  });

  test('plans a request for each tag where the registry has no metadata database', async () => {
    world.hasRegistryMetadata = false;
    const web = fill('acme/shop', 0, 0).addImageRepository('web');
    for (let i = 0; i < 12; i++) world.projects[0]?.pushTag(web, `v${i}`);
    await sync();
    const usual = await plan();
    expect(stepOf(usual, 'registry-images')).toMatchObject({ graphql: 0, rest: 1 + 5 });
    const due = await plan([], { RECONCILE_INTERVAL: '0' });
    expect(stepOf(due, 'registry-images')).toMatchObject({ graphql: 0, rest: 2 + 5 + 12 });
    // One more is refused, which shows that there is no such database.
    expect((await sync([], { RECONCILE_INTERVAL: '0' })).requests.rest).toBe(due.requests.rest + 1);
  });

  test('plans one request for the commits of each branch, and one more in a new project', async () => {
    fill('acme/shop', 0, 0);
    const first = await plan(['--branches', 'main']);
    expect(stepOf(first, 'commits')).toMatchObject({ projects: 1, rest: 2, certainty: 'at least' });
    expect((await sync(['--branches', 'main'])).requests.rest).toBe(2);
    const second = await plan(['--branches', 'main']);
    expect(stepOf(second, 'commits')).toMatchObject({ graphql: 1, rest: 0 });
    expect((await sync(['--branches', 'main'])).requests).toEqual(second.requests);
  });

  test('prints the complexity of a query that GitLab refuses as too complex', async () => {
    fill('acme/shop', 1, 0);
    fake.intercept = (_, { variables }) =>
      variables.askCost
        ? new Response(JSON.stringify({ errors: [{ message: 'Query has complexity of 263, which exceeds max complexity of 250' }] }), {
            headers: { 'content-type': 'application/json' },
          })
        : undefined;
    expect((await plan()).complexity).toMatchObject([{ score: 260, limit: 250 }]);
  });
});

describe('the time in a plan', () => {
  test('is the time of concurrent requests, or the time that the rate limit needs', () => {
    const measure = { roundTripMs: 200, requestsPerMinute: null, concurrency: 4 };
    expect(secondsOf(400, measure)).toBe(20);
    expect(secondsOf(400, { ...measure, requestsPerMinute: 600 })).toBe(40);
    expect(secondsOf(400, { ...measure, requestsPerMinute: 2_000 })).toBe(20);
  });

  test('uses the median time of the answers, and the rate limit that they name', async () => {
    const delays = [5, 120, 5];
    const graphql = {
      Instance: async () => {
        await new Promise((resolve) => setTimeout(resolve, delays.shift()));
        return { headers: new Headers({ 'ratelimit-limit': '2000' }) };
      },
    };
    const answering = { graphql } as unknown as Gitlab;
    const { gitlab, measure } = measured(answering, { maxRequestsPerMinute: 0 });
    for (let i = 0; i < 3; i++) await gitlab.graphql.Instance();
    const { roundTripMs, requestsPerMinute } = measure();
    expect(requestsPerMinute).toBe(2000);
    expect(roundTripMs).toBeGreaterThanOrEqual(4);
    expect(roundTripMs).toBeLessThan(120);
    const limited = measured(answering, { maxRequestsPerMinute: 1_000 });
    expect(limited.measure().requestsPerMinute).toBe(1_000);
    await limited.gitlab.graphql.Instance();
    expect(limited.measure().requestsPerMinute).toBe(1_000);
    const generous = measured(answering, { maxRequestsPerMinute: 3_000 });
    await generous.gitlab.graphql.Instance();
    expect(generous.measure().requestsPerMinute).toBe(2_000);
    expect(measured(answering, { maxRequestsPerMinute: 0 }).measure().requestsPerMinute).toBeNull();
  });
});
