import { statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { startPoller } from './poller.ts';
import type { PollerProcess } from './poller.ts';

let served: Served;
let database: TestDatabase;
let poller: PollerProcess;
beforeEach(async () => {
  const world = new World();
  world.addProject('acme/shop').openMergeRequest({ title: 'Add a cart', author: 'ada' });
  served = await serve(createFakeGitlab(world));
  database = await createTestDatabase('pglite');
  poller = startPoller({ DATA_DIR: database.options.dataDir, GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, POLL_INTERVAL: '3600' });
});
afterEach(async () => {
  poller.child.kill('SIGKILL');
  await poller.ended;
  await served.close();
  await database.remove();
});

test('commands that only read ask the poller that has the embedded database open, and no other user can', async () => {
  const env = { DATA_DIR: database.options.dataDir };
  const socket = path.join(database.options.dataDir, 'poller.sock');
  await poller.line(({ msg }) => msg === 'pass ended');
  const commands = [
    ['timeline', '--from', '2026-01-01', '--to', '2026-12-31', '--json'],
    ['timeline', '--from', '2026-01-01', '--by', 'arrival', '--csv'],
    ['timeline', '--project', 'acme/shoop'],
    ['events', '--json', '--author', 'a*'],
    ['events'],
    ['events', '--history', 'mr-acme/shop-1'],
    ['events', '--history', 'mr-acme/shop-7'],
  ];
  const withGitlab = { ...env, GITLAB_TOKEN: goodToken, GITLAB_URL: served.url };
  const looks = ['audit', 'plan', 'check'].map((command) => runCliProcess([command, '--json'], withGitlab));
  const [audit, plan, check] = (await Promise.all(looks)).map(({ out }) => JSON.parse(out) as Readonly<Record<string, unknown>>);
  expect(audit).toMatchObject({
    missing: [],
    entries: expect.arrayContaining([expect.objectContaining({ inTable: 1, result: 'complete' })]),
  });
  expect(plan).toMatchObject({ projects: { known: 1, fresh: 0 } });
  const entry = (name: string) =>
    (check?.['checks'] as ReadonlyArray<{ check: string; result: string }> | undefined)?.find(({ check: one }) => one === name);
  for (const name of ['database', 'migrations', 'privileges', 'connection']) expect(entry(name)).toMatchObject({ result: 'ok' });
  const whileItRuns = await Promise.all(commands.map((args) => runCliProcess(args, env)));
  expect(whileItRuns.map(({ code }) => code)).toEqual([0, 0, 2, 0, 0, 0, 2]);
  expect(whileItRuns[0]?.out).toContain('opened !1 Add a cart');
  expect(whileItRuns[2]?.err).toContain('did you mean acme/shop?');
  const page = await fetch(`${await poller.url()}/?from=2026-01-01&type=mr`);
  expect(await page.text()).toContain('opened !1 Add a cart');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  // What writes is refused as before.
  expect(await runCliProcess(['migrate'], env)).toMatchObject({
    code: 3,
    err: expect.stringContaining('is in use by another process') as unknown,
  });
  poller.child.kill('SIGKILL');
  await poller.ended;
  // The socket is still there, and nobody listens.
  const alone = [];
  for (const args of commands) alone.push(await runCliProcess(args, env));
  expect(alone).toEqual(whileItRuns);
});

test('a poller that other machines can reach starts with a password for its page, or without the page', async () => {
  const env = {
    DATA_DIR: database.options.dataDir,
    GITLAB_TOKEN: goodToken,
    GITLAB_URL: served.url,
    HEALTH_PORT: '0',
    HEALTH_HOST: '0.0.0.0',
  };
  const refused = await runCliProcess(['poll'], env);
  expect(refused).toMatchObject({ code: 2, out: '' });
  expect(refused.err).toBe(
    'ERROR: other machines can reach the page of changes (HEALTH_HOST is 0.0.0.0): set PAGE_PASSWORD or PAGE_PASSWORD_FILE, or PAGE=off [configuration_invalid]\n',
  );
  const closed = startPoller({ ...env, PAGE: 'off' });
  try {
    expect((await fetch((await closed.url()).replace('0.0.0.0', '127.0.0.1'))).status).toBe(404);
  } finally {
    closed.child.kill('SIGKILL');
    await closed.ended;
  }
});
