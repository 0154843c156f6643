import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import type { DatabaseOptions } from '../../src/store/database/database.ts';
import { createRandom } from '../convergence/random.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { cliProgram } from '../support/cli-process.ts';
import { createTestDatabase, describeDatabases } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eventRows } from '../support/rows.ts';

/** What a second process ends with: on PostgreSQL it cannot have the pass, on the embedded database not even the directory. */
const stepsAside = {
  postgres: { code: 1, err: 'ERROR: Another pass over connection 1 is running: this pass read nothing\n' },
  pglite: { code: 3, err: expect.stringContaining('is in use by another process') as unknown },
};

describeDatabases('processes', (kind) => {
  let world: World;
  let fake: FakeGitlab;
  let served: Awaited<ReturnType<typeof serve>>;
  const databases: TestDatabase[] = [];
  beforeEach(async () => {
    world = new World();
    fake = createFakeGitlab(world);
    served = await serve(fake);
  });
  afterEach(async () => {
    await served.close();
    for (const { remove } of databases.splice(0)) await remove();
  });

  const newDatabase = async (): Promise<DatabaseOptions> => {
    const database = await createTestDatabase(kind);
    databases.push(database);
    return database.options;
  };

  /** The command line as a user starts it. */
  const start = ({ databaseUrl, dataDir }: DatabaseOptions): ChildProcess => {
    const database = databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir };
    const settings = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, BRANCHES: 'main', SYNC_LIMIT: 'all' };
    const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...settings, ...database };
    return spawn(process.execPath, [...cliProgram, 'sync'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const end = async (child: ChildProcess) => {
    let err = '';
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdout?.resume();
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, err };
  };
  const contents = async (options: DatabaseOptions) => {
    const database = await openDatabase(options);
    try {
      return [...(await eventRows(database.em, 1)).values()]
        .map((row) => ({ ...row, xmin: undefined }))
        .toSorted((a, b) => (a.event_id < b.event_id ? -1 : 1));
    } finally {
      await database.close();
    }
  };

  test('that are killed at any moment and started again leave the same rows as if nothing had happened', async () => {
    for (const path of ['acme/shop', 'acme/api']) {
      const project = world.addProject(path);
      project.largestPage = 8;
      for (let i = 0; i < 40; i++) {
        world.pass(minutes(3));
        project.git.commit('main', { title: `${i}` });
        project.startPipeline({ ref: 'main' });
        project.mergeMergeRequest(project.openMergeRequest({ title: `${i}` }));
        project.createRelease({ tag: `v${i}` });
      }
    }
    world.pass(minutes(5));
    const killed = await newDatabase();
    const random = createRandom(kind === 'pglite' ? 1 : 2);
    let isSlow = true;
    const arrivals = new EventEmitter();
    fake.intercept = async () => {
      arrivals.emit('request');
      if (isSlow) await sleep(20);
      return undefined;
    };
    let kills = 0;
    for (let attempt = 0; attempt < 4; attempt++) {
      const child = start(killed);
      const ended = end(child);
      // Killed some time after the first request, when it is in the middle of things.
      await Promise.race([once(arrivals, 'request'), ended]);
      await sleep(random.below(400));
      child.kill('SIGKILL');
      if ((await ended).signal === 'SIGKILL') kills++;
    }
    isSlow = false;
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(await end(start(killed))).toMatchObject({ code: 0, err: '' });
    const calm = await newDatabase();
    expect(await end(start(calm))).toMatchObject({ code: 0 });
    const rows = await contents(killed);
    expect(rows).toHaveLength(2 * 40 * 5);
    expect(rows).toEqual(await contents(calm));
  });

  test('that run at once over one connection step aside, and a lock dies with its holder', async () => {
    world.addProject('acme/shop').openMergeRequest({ title: 'x' });
    const database = await newDatabase();
    const arrivals = new EventEmitter();
    const answers = Promise.withResolvers<undefined>();
    fake.intercept = async () => {
      arrivals.emit('request');
      return answers.promise;
    };
    const first = start(database);
    const firstEnd = end(first);
    await once(arrivals, 'request');
    const second = await end(start(database));
    expect(second).toEqual({ signal: null, ...stepsAside[kind] });
    first.kill('SIGKILL');
    await firstEnd;
    answers.resolve(undefined);
    expect(await end(start(database))).toMatchObject({ code: 0, err: '' });
    expect(await contents(database)).toHaveLength(1);
  });
});
