import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { runCli } from '../support/run-cli.ts';
import { startPoller } from './poller.ts';

let world: World;
let served: Awaited<ReturnType<typeof serve>>;
let created: TestDatabase;
beforeEach(async () => {
  world = new World();
  served = await serve(createFakeGitlab(world));
  created = await createTestDatabase('postgres');
});
afterEach(async () => {
  await served.close();
  await created.remove();
});

interface Status {
  readonly connections: ReadonlyArray<{
    readonly lastPass: { readonly result: string };
    readonly projects: ReadonlyArray<{ readonly path: string; readonly gaps: readonly object[] }>;
  }>;
}

test('a row that fails is a failure once, and then a known gap: in the exit code, the summary, the audit, /status, the metrics and the result of passes', async () => {
  const shop = world.addProject('acme/shop');
  const first = shop.openMergeRequest({ title: 'Cart' });
  shop.openMergeRequest({ title: 'Basket' });
  world.addProject('acme/closed').role = 'guest';
  const repository = shop.addImageRepository('web');
  for (const name of ['1.0', '1.1']) shop.pushTag(repository, name);
  const tag = repository.tags.get('1.1');
  if (tag) tag.isBroken = true;
  const poison = { type: 'mergeRequest', projectId: shop.id, iid: first.iid, how: 'error-500' } as const;
  world.poisons.add(poison);
  const env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, DATABASE_URL: created.options.databaseUrl ?? '', MAX_ATTEMPTS: '1' };

  const found = await runCli(['sync'], env);
  expect(found.code).toBe(1);
  expect(found.out).toMatch(
    /Could not be read:\n(.*\n)*? {2}acme\/shop > merge requests: partial: 1: GitLab failed on MergeRequestLight \(500/,
  );
  expect(found.out).not.toContain('Known gaps');

  const again = await runCli(['sync'], env);
  expect(again).toMatchObject({ code: 0, err: '' });
  expect(again.out).not.toContain('Could not be read');
  const known = /Known gaps:\n((?: {2}.*\n)+)/.exec(again.out)?.[1]?.split('\n').filter(Boolean) ?? [];
  expect(known.map((line) => line.replace(/: GitLab .*\(since/, ' (since').replace(/\d{4}-.*Z/, 'then'))).toEqual([
    ...['deployments', 'merge requests', 'pipelines', 'registry images'].map(
      (label) => `  acme/closed > ${label}: forbidden: this token may not read ${label}: it needs at least the role Reporter (since then)`,
    ),
    '  acme/shop > merge requests: partial: 1 (since then)',
    '  acme/shop > registry images > acme/shop/web: partial: 1.1 (since then)',
  ]);
  expect((await runCli(['sync', '--strict'], env)).code).toBe(1);

  const audit = await runCli(['audit', '--json'], env);
  const { entries } = JSON.parse(audit.out) as {
    entries: ReadonlyArray<{ project: string; stream: string; gaps: number; result: string }>;
  };
  expect(entries.filter(({ gaps }) => gaps > 0).map(({ project, stream, gaps, result }) => [project, stream, gaps, result])).toEqual([
    ...['merge-requests', 'pipelines', 'registry-images', 'deployments'].map((stream) => ['acme/closed', stream, 1, 'unknown']),
    ['acme/shop', 'merge-requests', 1, expect.any(String)],
    ['acme/shop', 'registry-images', 1, 'unknown'],
  ]);

  world.poisons.add({ ...poison, iid: 2 });
  world.pass(minutes(2));
  shop.editMergeRequest(shop.mergeRequests[1] ?? first, { title: 'Other' });
  const worse = await runCli(['sync'], env);
  expect(worse.code).toBe(1);
  expect(worse.out).toMatch(/Could not be read:\n {2}acme\/shop > merge requests: partial: 2: /);

  const poller = startPoller({ ...env, LOG_LEVEL: 'info' });
  try {
    const ended = await poller.line(({ msg }) => msg === 'pass ended');
    expect(ended).toMatchObject({ result: 'ok' });
    const status = (await (await fetch(`${await poller.url()}/status`)).json()) as Status;
    const [connection] = status.connections;
    expect(connection?.lastPass.result).toBe('ok');
    expect(connection?.projects.find(({ path }) => path === 'acme/shop')?.gaps).toMatchObject([
      { stream: 'merge-requests', scope: '', key: '1', tries: 1, reason: expect.stringContaining('500') as unknown },
      { stream: 'merge-requests', scope: '', key: '2' },
      { stream: 'registry-images', scope: 'acme/shop/web', key: '1.1' },
    ]);
    const metrics = await (await fetch(`${await poller.url()}/metrics`)).text();
    console.log(
      metrics
        .split('\n')
        .filter((l) => l.includes('gaps') || l.includes('_projects'))
        .join('\n'),
    );
    expect(metrics).toMatch(/gitlab_connector_gaps\{connection="1",stream="merge-requests"\} 3\n/);
    expect(metrics).toMatch(/gitlab_connector_gaps\{connection="1",stream="releases"\} 0\n/);
  } finally {
    poller.child.kill('SIGTERM');
    await poller.ended;
  }
});
