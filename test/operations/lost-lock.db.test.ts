import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { describe, expect, test } from 'vitest';
import { LostLockError, createHostStates, syncGitlab } from '../../src/index.ts';
import type { SyncFailure, SyncReport } from '../../src/index.ts';
import { syncPart } from '../../src/operations/sync-part.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { blind, cutLocks } from '../support/cut-locks.ts';
import { useSync } from './fixture.ts';

/** A pass whose answer from GitLab is on its way: it is as old as the moment at which it was held. */
interface HeldPass {
  readonly ended: Promise<SyncReport | SyncFailure>;
  /** Lets the answer arrive. */
  readonly goOn: () => Promise<SyncReport | SyncFailure>;
}

describe('a pass that has lost its lock', () => {
  const given = useSync('postgres');
  const config = () => ({ token: given.token, url: 'https://gitlab.example.com', repos: 'acme' });
  const options = () => ({ hostStates: createHostStates() });
  const whole = (em: SqlEntityManager) => syncGitlab(em, config(), given.connectionId, options());
  const part = (em: SqlEntityManager, projectIds: readonly number[]) =>
    syncPart({ em, config: config(), connectionId: given.connectionId, options: options() }, projectIds);

  /** Starts a pass and holds the answer to its first question for changes. */
  const hold = async (start: () => Promise<SyncReport | SyncFailure>): Promise<HeldPass> => {
    const events = new EventEmitter();
    const gate = Promise.withResolvers<undefined>();
    given.fake.intercept = async (request, { operation }) => {
      if (!operation.endsWith('Changes')) return undefined;
      given.fake.intercept = undefined;
      const answer = await given.fake.answer(request.clone());
      events.emit('held');
      await gate.promise;
      return answer;
    };
    const ended = start();
    const early = ended.then((result) => Promise.reject(new Error(`the pass did not wait: ${JSON.stringify(result)}`)));
    await Promise.race([once(events, 'held'), early]);
    early.catch(() => {});
    return {
      ended,
      goOn: () => {
        gate.resolve(undefined);
        return ended;
      },
    };
  };

  const cut = async () => expect(await cutLocks(given.database.em, given.connectionId)).toBeGreaterThan(0);

  /** Everything that a pass may write, with what changes whenever a row is written. */
  const everything = async () => {
    const read = (table: string, key = 'connection_id') =>
      given.database.em
        .fork()
        .execute<unknown[]>(`select t.xmin::text as written, to_jsonb(t) as row from ${table} t where t.${key} = ? order by 2`, [
          given.connectionId,
        ]);
    return Promise.all([
      read('change_events'),
      read('gitlab_projects'),
      read('gitlab_stream_state'),
      read('gitlab_registry_tags'),
      read('connections', 'id'),
    ]);
  };
  const status = async (eventId = 'mr-acme/shop-1') => (await given.rows()).get(eventId)?.status;

  /** A merge request that is open when it is first read. */
  const openOne = async () => {
    const project = given.world.addProject('acme/shop');
    const mergeRequest = project.openMergeRequest({ title: 'Add a cart' });
    await given.sync({ repos: 'acme' });
    given.world.pass(minutes(10));
    project.editMergeRequest(mergeRequest, { title: 'Add a basket' });
    return { project, mergeRequest };
  };

  const tookOver = { code: 'busy', error: expect.stringMatching(/^Stopped: another pass took over connection \d+ /) as unknown };

  test('lets the connection be deleted, and says so', async () => {
    await openOne();
    const held = await hold(() => whole(given.database.em));
    const { em } = given.database;
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const areWaiting = async (count: number) => {
      while ((await em.fork().execute<unknown[]>(waiting)).length < count) await sleep(10);
    };
    // Whoever deletes has taken the connection, and waits for one of its rows; the pass then begins to write.
    const blocker = em.fork();
    await blocker.begin();
    await blocker.execute('select from change_events where connection_id = ? for update', [given.connectionId]);
    const deleted = em.fork().execute('delete from connections where id = ?', [given.connectionId]);
    await areWaiting(1);
    const ended = held.goOn();
    await areWaiting(2);
    await blocker.rollback();
    await deleted;
    expect(await ended).toMatchObject({
      code: 'database',
      error: `Stopped: connection ${given.connectionId} was deleted from the table connections during a pass over it, and all that was stored of it with it`,
    });
  });

  test('writes nothing after another one took over and ended', async () => {
    const { project, mergeRequest } = await openOne();
    const first = await hold(() => whole(blind(given.database.em)));
    given.world.pass(minutes(5));
    project.mergeMergeRequest(mergeRequest);
    given.world.pass(minutes(5));
    await cut();
    await given.sync({ repos: 'acme' });
    expect(await status()).toBe('merged');
    const before = await everything();
    expect(await first.goOn()).toMatchObject(tookOver);
    expect(await everything()).toEqual(before);
  });

  test('writes nothing while another one is under way', async () => {
    const { project, mergeRequest } = await openOne();
    const first = await hold(() => whole(blind(given.database.em)));
    given.world.pass(minutes(5));
    project.mergeMergeRequest(mergeRequest);
    given.world.pass(minutes(5));
    await cut();
    const second = await hold(() => whole(given.database.em));
    const before = await everything();
    const failure = await first.goOn();
    expect(failure).toMatchObject(tookOver);
    expect('error' in failure && failure.cause).toBeInstanceOf(LostLockError);
    expect(await everything()).toEqual(before);
    expect(await second.goOn()).toMatchObject({ problems: [] });
    expect(await status()).toBe('merged');
  });

  test('ends at once, whatever it waits for, when the session of its lock ends', async () => {
    await openOne();
    const first = await hold(() => whole(given.database.em));
    await cut();
    const failure = await first.ended;
    expect(failure).toMatchObject({ code: 'database', error: expect.stringMatching(/^Stopped: the database session that held the lock /) });
    expect('error' in failure && failure.cause).toMatchObject({ name: 'LostLockError', isSuperseded: false });
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 1, problems: [] });
  });

  test('leaves those alone that come after it: passes in quick succession', async () => {
    const { project, mergeRequest } = await openOne();
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 1, problems: [] });
    project.mergeMergeRequest(mergeRequest);
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 1, problems: [] });
    expect(await part(given.database.em, [project.id])).toMatchObject({ stored: 0, problems: [] });
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 0, problems: [] });
  });

  describe('over some projects', () => {
    /** Holds a pass, cuts it off, has the merge request merged and another pass take over, and lets the first one go on. */
    const outrun = async (first: (projectId: number) => Promise<SyncReport | SyncFailure>, second: typeof first) => {
      const { project, mergeRequest } = await openOne();
      const held = await hold(() => first(project.id));
      given.world.pass(minutes(5));
      project.mergeMergeRequest(mergeRequest);
      given.world.pass(minutes(5));
      await cut();
      expect(await second(project.id)).toMatchObject({ stored: 1, problems: [] });
      expect(await status()).toBe('merged');
      const before = await everything();
      const result = await held.goOn();
      expect(await everything()).toEqual(before);
      return result;
    };
    const stalePart = (projectId: number) => part(blind(given.database.em), [projectId]);
    const staleWhole = () => whole(blind(given.database.em));

    test('writes nothing after a pass over the whole connection', async () => {
      expect(await outrun(stalePart, () => whole(given.database.em))).toMatchObject(tookOver);
    });

    test('writes nothing after another one over the same projects', async () => {
      expect(await outrun(stalePart, (projectId) => part(given.database.em, [projectId]))).toMatchObject(tookOver);
    });

    test('writes nothing where it is one over the whole connection, and one over some projects came after it', async () => {
      expect(await outrun(staleWhole, (projectId) => part(given.database.em, [projectId]))).toMatchObject(tookOver);
    });

    test('is not disturbed by those over other projects, at the same time or after it has been cut off', async () => {
      const { project } = await openOne();
      const other = given.world.addProject('acme/api');
      other.openMergeRequest({ title: 'Add an endpoint' });
      const held = await hold(() => stalePart(project.id));
      expect(await part(given.database.em, [other.id])).toMatchObject({ stored: 1, problems: [] });
      await cut();
      other.openMergeRequest({ title: 'Add one more' });
      expect(await part(given.database.em, [other.id])).toMatchObject({ stored: 1, problems: [] });
      expect(await held.goOn()).toMatchObject({ stored: 1, problems: [] });
    });
  });
});
