import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createPostgres } from '../support/postgres.ts';
import type { OwnPostgres } from '../support/postgres.ts';
import { eventRows } from '../support/rows.ts';
import { startPoller, until } from './poller.ts';
import type { PollerProcess } from './poller.ts';

describe('the poller survives', () => {
  let postgres: OwnPostgres;
  let world: World;
  let project: FakeProject;
  let fake: FakeGitlab;
  let served: Served;
  let poller: PollerProcess;
  beforeEach(async () => {
    postgres = await createPostgres();
    world = new World();
    project = world.addProject('acme/shop');
    project.openMergeRequest({ title: 'the first' });
    fake = createFakeGitlab(world);
    served = await serve(fake);
  });
  afterEach(async () => {
    poller.child.kill('SIGKILL');
    await poller.ended;
    await served.close();
    await postgres.stop();
    await postgres.remove();
  });

  const databaseUrl = () => `${postgres.url}/postgres`;
  const start = () => {
    poller = startPoller({
      DATABASE_URL: databaseUrl(),
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: served.url,
      REPOS: 'acme/shop',
      POLL_INTERVAL: '1',
    });
  };
  const probe = async (path: string) => {
    const response = await fetch(`${await poller.url()}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const ready = (status: number, text = '') =>
    until(async () => {
      const probed = await probe('/readyz');
      return probed.status === status && probed.text.includes(text);
    }, `/readyz answers ${status} ${text}`);
  const stored = async () => {
    const opened = await openDatabase({ databaseUrl: databaseUrl(), dataDir: '' });
    try {
      return [...(await eventRows(opened.em, 1)).values()].map(({ title }) => title);
    } finally {
      await opened.close();
    }
  };
  /** Something happens in GitLab, and is stored before long. */
  const happens = async (title: string) => {
    world.pass(minutes(5));
    project.openMergeRequest({ title });
    await until(async () => (await stored()).includes(`[MR] ${title}`), `the row of ${title}`);
  };
  const linesOf = (msg: string) => poller.lines.filter((line) => line.msg === msg);

  test('a database that starts after the poller, stops, and starts again', async () => {
    start();
    await poller.line(({ msg }) => msg === 'retrying after a failure');
    await ready(503, 'ECONNREFUSED');
    expect(await probe('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect((await probe('/metrics')).text).toContain('gitlab_connector_database_up 0\n');

    await postgres.start();
    await ready(200);
    expect(await stored()).toEqual(['[MR] the first']);

    await postgres.stop();
    await ready(503, 'database');
    world.pass(minutes(5));
    project.openMergeRequest({ title: 'while the database was away' });
    await postgres.start();
    await ready(200);
    await happens('after the outage');
    expect(await stored()).toContain('[MR] while the database was away');
    expect(poller.child.exitCode).toBeNull();
    expect(poller.err()).toBe('');
    // An outage is told when it begins and when it is over, not all the time.
    expect(linesOf('retrying after a failure').length).toBeLessThan(8);
    expect(JSON.stringify(poller.lines)).not.toContain('postgres:test@');

    // Told to stop while it is away, it does.
    await postgres.stop();
    await ready(503, 'database');
    poller.child.kill('SIGTERM');
    expect(await poller.ended).toEqual({ code: 0, signal: null });
    await postgres.start();
  });

  test('an outage of GitLab and a refused token, with a log line for each', async () => {
    await postgres.start();
    start();
    await ready(200);
    fake.intercept = () => html(world, 502, 'Bad gateway');
    await poller.line(({ msg }) => msg.startsWith('pass failed'));
    await ready(503, 'something in front of GitLab answers');
    fake.intercept = undefined;
    await happens('after the outage');
    await ready(200);

    world.tokens.set(goodToken, { state: 'revoked', scopes: ['read_api'] });
    await ready(503, 'refused the token');
    const from = fake.seen.length;
    await until(() => fake.seen.length > from + 2, 'three more passes');
    world.tokens.set(goodToken, { state: 'active', scopes: ['read_api'] });
    await happens('with the token');
    await ready(200);
    expect(linesOf('pass failed; retrying until it succeeds').map(({ error }) => String(error))).toEqual([
      expect.stringContaining('502'),
      expect.stringContaining('401'),
    ]);
    expect(linesOf('connection recovered: everything is read again')).toHaveLength(2);
    expect(JSON.stringify(poller.lines)).not.toContain(goodToken);
    expect((await probe('/metrics')).text).toMatch(/gitlab_connector_requests_total\{operation="ProjectChanges",status="502"\} [2-9]/);
  });
});
