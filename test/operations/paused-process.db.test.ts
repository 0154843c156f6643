import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { cliProgram } from '../support/cli-process.ts';
import { cutLocks } from '../support/cut-locks.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eventRows } from '../support/rows.ts';

describe('a process that is paused in the middle of a pass', () => {
  let world: World;
  let fake: FakeGitlab;
  let served: Awaited<ReturnType<typeof serve>>;
  let created: TestDatabase;
  let database: Database;
  beforeEach(async () => {
    world = new World();
    fake = createFakeGitlab(world);
    served = await serve(fake);
    created = await createTestDatabase('postgres');
    database = await openDatabase(created.options);
  });
  afterEach(async () => {
    await served.close();
    await database.close();
    await created.remove();
  });

  const start = (): ChildProcess => {
    const settings = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, BRANCHES: 'main', DATABASE_URL: created.options.databaseUrl };
    const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...settings };
    return spawn(process.execPath, [...cliProgram, 'sync'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const end = async (child: ChildProcess) => {
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdout?.resume();
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, err };
  };
  const everything = () =>
    database.em.fork().execute<unknown[]>(
      `select 'event' as kind, xmin::text as written, event_id as key, status as value from change_events
       union all select 'state', xmin::text, project_id || stream || scope, watermark::text from gitlab_stream_state
       union all select 'project', xmin::text, project_id::text, last_seen_at::text from gitlab_projects order by 1, 3`,
    );

  test('writes nothing when it goes on after another one took over, and says why it stopped', async () => {
    const project = world.addProject('acme/shop');
    const mergeRequest = project.openMergeRequest({ title: 'Add a cart' });
    expect(await end(start())).toMatchObject({ code: 0, err: '' });
    world.pass(minutes(10));
    project.editMergeRequest(mergeRequest, { title: 'Add a basket' });
    const events = new EventEmitter();
    const gate = Promise.withResolvers<undefined>();
    fake.intercept = async (request, { operation }) => {
      if (!operation.endsWith('Changes')) return undefined;
      fake.intercept = undefined;
      const answer = await fake.answer(request.clone());
      events.emit('held');
      await gate.promise;
      return answer;
    };
    const held = once(events, 'held');
    const paused = start();
    const ended = end(paused);
    await held;
    paused.kill('SIGSTOP');
    await database.em
      .fork()
      .execute(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
    expect(await cutLocks(database.em, 1)).toBeLessThanOrEqual(1);
    world.pass(minutes(5));
    project.mergeMergeRequest(mergeRequest);
    world.pass(minutes(5));
    expect(await end(start())).toMatchObject({ code: 0, err: '' });
    expect((await eventRows(database.em, 1)).get('mr-acme/shop-1')?.status).toBe('merged');
    const before = await everything();
    gate.resolve(undefined);
    paused.kill('SIGCONT');
    expect(await ended).toEqual({
      code: 3,
      err: expect.stringMatching(
        /^ERROR: Stopped: the database session that held the lock of the pass over connection 1 has ended .*\[lock_lost\]\n$/,
      ) as unknown,
    });
    expect(await everything()).toEqual(before);
  });
});
