import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { runCli } from '../support/run-cli.ts';
import { startPoller, until } from './poller.ts';
import type { PollerProcess } from './poller.ts';

describe('history of a merge request that has changed, read long ago', () => {
  let served: Served;
  let created: TestDatabase;
  let database: Database;
  let poller: PollerProcess | undefined;
  let env: Readonly<Record<string, string>>;
  beforeEach(async () => {
    const world = new World();
    served = await serve(createFakeGitlab(world));
    created = await createTestDatabase('postgres');
    database = await openDatabase(created.options);
    env = { DATABASE_URL: created.options.databaseUrl ?? '', GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, REPOS: 'acme' };
    const project = world.addProject('acme/shop');
    const mergeRequest = project.openMergeRequest({ title: 'Add a cart' });
    await runCli(['sync'], env);
    world.pass(minutes(10));
    project.mergeMergeRequest(mergeRequest);
    await runCli(['sync'], env);
    await database.em.fork().execute(`update change_event_versions set seen_at = '2001-01-01'`);
  });
  afterEach(async () => {
    poller?.child.kill('SIGKILL');
    await poller?.ended;
    await database.close();
    await created.remove();
    await served.close();
  });
  const statuses = async () =>
    (await database.em.fork().execute<Array<{ status: string }>>('select status from change_event_versions order by version')).map(
      ({ status }) => status,
    );

  test('is kept by a poller without RETENTION, and deleted by one with it', async () => {
    poller = startPoller(env);
    await poller.line(({ msg }) => msg === 'pass ended');
    expect(await statuses()).toEqual(['opened', 'merged']);
    poller.child.kill('SIGTERM');
    await poller.ended;
    poller = startPoller({ ...env, RETENTION: '400d' });
    expect(await poller.line(({ msg }) => msg === 'old history deleted')).toMatchObject({ level: 'info', versions: 1, events: 0, gaps: 0 });
    expect(await statuses()).toEqual(['merged']);
    poller.child.kill('SIGTERM');
    expect(await poller.ended).toMatchObject({ code: 0 });
  });

  test('is deleted with its event where RETENTION_EVENTS says so', async () => {
    await database.em.fork().execute(`update change_events set "timestamp" = '2001-01-01'`);
    poller = startPoller({ ...env, RETENTION: '400d', RETENTION_EVENTS: 'true' });
    await until(async () => (await statuses()).length === 0, 'no versions');
    expect(await poller.line(({ msg }) => msg === 'old history deleted')).toMatchObject({ events: 1 });
  });

  test('that cannot be deleted is a warning, and the poller goes on', async () => {
    await database.em.fork().execute('create rule keep as on delete to change_event_versions do instead select 1 / 0');
    poller = startPoller({ ...env, RETENTION: '400d' });
    expect(await poller.line(({ msg }) => msg.startsWith('old history could not be deleted'))).toMatchObject({
      level: 'warn',
      error: expect.stringMatching(/^the database refused \(/) as unknown,
    });
    await poller.line(({ msg }) => msg === 'pass ended');
  });

  test('is deleted by `prune`, which says what it has done', async () => {
    expect(await runCli(['prune', '--older-than', '400d'], env)).toEqual({
      code: 0,
      out: expect.stringMatching(/^deleted what was read before 20\S+Z: 1 version, 0 gaps\n$/) as unknown,
      err: '',
    });
    expect(await statuses()).toEqual(['merged']);
    expect(await runCli(['prune', '--older-than', '2002-01-01', '--events', '--connection-id', '7'], env)).toMatchObject({
      code: 0,
      out: 'deleted what was read before 2002-01-01T00:00:00.000Z: 0 versions, 0 events, 0 gaps\n',
    });
    expect(await runCli(['prune', '--older-than', '1h'], env)).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be at least a day old') as unknown,
    });
    expect(await runCli(['prune', '--older-than', 'soon'], env)).toMatchObject({ code: 2 });
    expect(await runCli(['prune'], env)).toMatchObject({ code: 2 });
    expect(await statuses()).toEqual(['merged']);
  });
});
