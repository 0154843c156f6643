import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeGitlab } from '../../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../../fake-gitlab/fake-gitlab.ts';
import { deliver, hookKinds, hookOf, systemHookOf } from '../../../fake-gitlab/hooks.ts';
import type { FakeHook } from '../../../fake-gitlab/hooks.ts';
import { serve } from '../../../fake-gitlab/serve.ts';
import type { Served } from '../../../fake-gitlab/serve.ts';
import type { FakeProject } from '../../../fake-gitlab/world/project.ts';
import { World, goodToken } from '../../../fake-gitlab/world/world.ts';
import { jobSchema } from '../../../src/store/database/inspect-jobs.ts';
import { createTestDatabase, describeDatabases } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { chunks } from '../../../src/pass/pass-state.ts';
import { createRandom } from '../../convergence/random.ts';
import { startPoller, until } from '../poller.ts';
import type { PollerProcess } from '../poller.ts';

const token = 'das-wort-der-hooks';

describeDatabases('a poller that takes webhooks', (kind) => {
  let world: World;
  let fake: FakeGitlab;
  let served: Served;
  let shop: FakeProject;
  let database: TestDatabase;
  let poller: PollerProcess;
  beforeEach(async () => {
    world = new World();
    shop = world.addProject('acme/shop');
    shop.openMergeRequest({ title: 'Refunds' });
    fake = createFakeGitlab(world);
    served = await serve(fake);
    database = await createTestDatabase(kind);
  });
  afterEach(async () => {
    poller.child.kill('SIGKILL');
    await poller.ended;
    await served.close();
    await database.remove();
  });

  const start = async () => {
    const { databaseUrl, dataDir } = database.options;
    poller = startPoller({
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir }),
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: served.url,
      REPOS: 'acme/shop,acme/web',
      POLL_INTERVAL: '3600',
      LOG_LEVEL: 'debug',
      HEALTH_HOST: '127.0.0.1',
      WEBHOOK_SECRET: token,
    });
    await poller.line(({ msg }) => msg === 'pass ended');
  };
  const send = async ({ headers, body }: FakeHook) =>
    (await fetch(`${await poller.url()}/hooks/gitlab`, { method: 'POST', headers, body })).status;
  const metric = async (name: string) => {
    const text = await (await fetch(`${await poller.url()}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')
        .at(-1) ?? Number.NaN,
    );
  };
  const hints = (result: string) => metric(`gitlab_connector_hints_total{result="${result}"}`);
  const page = async () => (await fetch(`${await poller.url()}/?from=2026-11-23T00:00Z&to=2026-11-24T00:00Z`)).text();
  /** Requests that read projects. */
  const reads = () => fake.seen.filter(({ operation }) => operation === 'ProjectChanges').length;

  test('reads the project of a hook long before the next poll, and stores what GitLab has, not what the hook says', async () => {
    await start();
    world.pass();
    shop.openMergeRequest({ title: 'Discounts' });
    const hook = hookOf(shop, 'merge_request', { token });
    const before = fake.seen.length;
    expect(await send({ ...hook, body: hook.body.replace('"iid":1', '"iid":1,"title":"Forged"') })).toBe(202);
    await until(async () => (await hints('read')) === 1, 'the hint is read');
    const text = await page();
    expect([text.includes('Discounts'), text.includes('Forged')]).toEqual([true, false]);
    expect(await metric('gitlab_connector_hint_duration_seconds_count')).toBe(1);
    // As many requests as a poll of this project alone.
    const ofHint = fake.seen.slice(before).map(({ operation }) => operation);
    expect([ofHint.filter((operation) => operation === 'ProjectChanges').length, ofHint.length < 10]).toEqual([1, true]);
  });

  test('reads nothing for a hook that is forged, of a project that it does not read, or of none, and tells the token to nobody', async () => {
    const secret = world.addProject('acme/secret');
    await start();
    const before = fake.seen.length;
    const forged = { ...hookOf(shop, 'push').headers, 'X-Gitlab-Token': `${token}x` };
    expect(await send({ headers: forged, body: hookOf(shop, 'push').body })).toBe(401);
    expect(await send(hookOf(shop, 'push'))).toBe(401);
    expect(await send(hookOf(secret, 'push', { token }))).toBe(202);
    expect(await send(systemHookOf(shop, 'user_create', { token }))).toBe(202);
    await until(async () => (await hints('unknown')) === 1, 'the hint is dropped');
    expect(fake.seen.slice(before)).toEqual([]);
    const status = await (await fetch(`${await poller.url()}/status`)).text();
    const shown = [status, await page(), poller.err(), ...poller.lines.map((line) => JSON.stringify(line))];
    expect(shown.filter((text) => text.includes(token))).toEqual([]);
    expect(status).not.toContain('acme/secret');
  });

  test.each(kind === 'postgres' ? [kind] : [])(
    'leaves what it has received to other replicas when it is stopped before reading it',
    async () => {
      await start();
      expect(await send(hookOf(shop, 'push', { token }))).toBe(202);
      poller.child.kill('SIGTERM');
      expect(await poller.ended).toEqual({ code: 0, signal: null });
      const client = new Client({ connectionString: database.options.databaseUrl });
      await client.connect();
      const { rows } = await client.query<{ data: object; state: string }>(
        `select data, state from ${jobSchema}.job where name = 'gitlab-hints-1' and state <> 'completed'`,
      );
      await client.end();
      expect(rows).toMatchObject([{ data: { connectionId: 1, projectId: shop.id } }]);
    },
  );

  test('reads a project once in 10 seconds at most for a thousand hooks that are doubled, replayed, reordered and partly lost', async () => {
    const web = world.addProject('acme/web');
    await start();
    const before = reads();
    world.pass();
    shop.openMergeRequest({ title: 'Discounts' });
    web.openMergeRequest({ title: 'Imprint' });
    const sent = [shop, web].flatMap((project) =>
      Array.from({ length: 300 }, (_, index) => hookOf(project, hookKinds[index % hookKinds.length] ?? 'push', { token })),
    );
    const arriving = deliver(sent, { random: createRandom(7).next, lost: 0.3, doubled: 0.5 });
    const all = [...arriving, ...arriving];
    expect(all.length).toBeGreaterThan(1_000);
    const startedAt = performance.now();
    for (const some of chunks(all, 50)) expect(new Set(await Promise.all(some.map(send)))).toEqual(new Set([202]));
    await until(async () => (await hints('read')) >= 2, 'both projects are read');
    const text = await page();
    expect(['Discounts', 'Imprint'].filter((title) => !text.includes(title))).toEqual([]);
    // One more for the slot in which it began, on PostgreSQL. Hints of both projects may be joined apart.
    const slots = Math.ceil((performance.now() - startedAt) / 10_000) + 1;
    expect(reads() - before).toBeLessThanOrEqual(2 * slots);
    const [read, joined] = [await hints('read'), await hints('joined')];
    expect(read).toBeLessThanOrEqual(2 * slots);
    expect(joined).toBeGreaterThanOrEqual(all.length - 4 * slots);
  });
});
