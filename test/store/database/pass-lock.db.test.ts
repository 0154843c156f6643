import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import { PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LostLockError, entities } from '../../../src/index.ts';
import { openDatabase } from '../../../src/store/database/database.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { onPoolCreated } from '../../../src/store/database/lost-connections.ts';
import { withPassLock } from '../../../src/store/database/pass-lock.ts';
import type { PassLock } from '../../../src/store/database/pass-lock.ts';
import { cutLocks } from '../../support/cut-locks.ts';
import { createTestDatabase, describeDatabases } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { useServers } from '../../support/servers.ts';

const impatientMs = 100;

/** Opens a database with tables and six connections, 1 to 6. */
async function openWithConnections({ options }: TestDatabase): Promise<Database> {
  const database = await openDatabase(options);
  await database.migrate();
  await database.em
    .fork()
    .execute(`insert into connections (name, type, config) select 'Company ' || i, 'gitlab', '{}' from generate_series(1, 6) i`);
  return database;
}

describe('the database session of a pass lock on PostgreSQL', () => {
  const servers = useServers();
  let created: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    created = await createTestDatabase('postgres');
    database = await openWithConnections(created);
  });
  afterAll(async () => {
    await database.close();
    await created.remove();
  });
  const terminate = () => cutLocks(database.em, 1);
  const lossOf = async ({ signal }: PassLock): Promise<unknown> => {
    if (!signal.aborted) await once(signal, 'abort');
    return signal.reason;
  };

  test('reports to the pass at once that the server has ended it', async () => {
    const loss = await withPassLock(database.em, { connectionId: 1 }, async (lock) => {
      await lock.confirm();
      await terminate();
      const reason = await lossOf(lock);
      await expect(lock.confirm()).rejects.toBe(reason);
      return reason;
    });
    expect(loss).toBeInstanceOf(LostLockError);
    expect(loss).toMatchObject({
      connectionId: 1,
      isSuperseded: false,
      message: expect.stringContaining('terminating connection due to administrator command') as unknown,
    });
    expect(await withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('free'))).toBe('free');
  });

  test('is checked regularly, and is given up when the server does not answer', async () => {
    const { hostname, port, username, password, pathname } = new URL(created.options.databaseUrl ?? '');
    let isSilent = false;
    const proxied = await servers.tcp((socket) => {
      const server = connect(Number(port), hostname);
      server.on('error', () => socket.destroy());
      socket.on('close', () => server.destroy());
      server.on('close', () => socket.destroy());
      socket.on('data', (bytes) => isSilent || server.write(bytes));
      server.on('data', (bytes) => isSilent || socket.write(bytes));
    });
    const distant = await openDatabase({ databaseUrl: `postgres://${username}:${password}@127.0.0.1:${proxied}${pathname}`, dataDir: '' });
    try {
      const watch = { everyMs: 20, missedAnswers: 3 };
      const loss = await withPassLock(
        distant.em,
        { connectionId: 1 },
        async (lock) => {
          isSilent = true;
          return lossOf(lock);
        },
        watch,
      );
      expect(loss).toMatchObject({ name: 'LostLockError', message: expect.stringContaining('the server does not answer') as unknown });
    } finally {
      isSilent = false;
      await distant.close();
    }
  });

  test("is checked by queries in a host's own Kysely, where the connection cannot be watched", async () => {
    const { username, password, hostname, port, pathname } = new URL(created.options.databaseUrl ?? '');
    const pool = new Pool({ user: username, password, host: hostname, port: Number(port), database: pathname.slice(1) });
    pool.on('connect', (client) => client.on('error', () => {}));
    onPoolCreated(pool);
    const host = await MikroORM.init({ entities, dbName: pathname.slice(1), driverOptions: new PostgresDialect({ pool }) });
    try {
      const loss = await withPassLock(
        host.em,
        { connectionId: 1 },
        async (lock) => {
          expect(await withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('other'))).toBeNull();
          await terminate();
          return lossOf(lock);
        },
        { everyMs: 20, missedAnswers: 3 },
      );
      expect(loss).toMatchObject({ name: 'LostLockError' });
    } finally {
      await host.close().catch(() => {});
    }
  });
});

describe('the locks of processes on one PostgreSQL', () => {
  let created: TestDatabase;
  let here: Database;
  let there: Database;
  beforeAll(async () => {
    created = await createTestDatabase('postgres');
    here = await openWithConnections(created);
    there = await openDatabase(created.options);
  });
  afterAll(async () => {
    await here.close();
    await there.close();
    await created.remove();
  });
  const take = (database: Database, connectionId: number, projectIds?: readonly number[]) =>
    withPassLock(database.em, { connectionId, projectIds }, () => Promise.resolve('taken'));
  const heldRows = () => there.em.fork().execute<unknown[]>('select from gitlab_pass_locks');
  /** Takes a lock, and holds it until `end`. */
  const hold = async (database: Database, connectionId: number, projectIds?: readonly number[]) => {
    const taken = Promise.withResolvers<PassLock>();
    const gate = Promise.withResolvers<undefined>();
    const held = withPassLock(database.em, { connectionId, projectIds }, (lock) => {
      taken.resolve(lock);
      return gate.promise;
    });
    const lock = await taken.promise;
    return {
      lock,
      end: () => {
        gate.resolve(undefined);
        return held;
      },
    };
  };

  test('exclude each other as within one process, and are free one by one', async () => {
    const part = await hold(here, 1, [1, 2]);
    const whole = await hold(here, 2);
    expect([await take(there, 1, [3]), await take(there, 1, []), await take(there, 1, [2, 3]), await take(there, 1)]).toEqual([
      'taken',
      'taken',
      null,
      null,
    ]);
    expect([await take(there, 2), await take(there, 2, [1]), await take(there, 3)]).toEqual([null, null, 'taken']);
    await part.end();
    expect([await take(there, 1, [2, 3]), await take(there, 1), await take(there, 2)]).toEqual(['taken', 'taken', null]);
    await whole.end();
    expect(await take(there, 2)).toBe('taken');
  });

  test('take one session, however many they are, which says what it is for and ends with the last', async () => {
    const sessions = () =>
      there.em
        .fork()
        .execute(
          `select application_name as name, state from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
        );
    const locks = await Promise.all([1, 2, 3, 4, 5, 6].map((connectionId) => hold(here, connectionId)));
    expect(await sessions()).toEqual([{ name: 'gitlab-connector locks', state: 'idle in transaction' }]);
    await Promise.all(locks.slice(1).map(({ end }) => end()));
    expect(await sessions()).toHaveLength(1);
    await locks[0]?.end();
    expect(await sessions()).toEqual([]);
    expect(await take(here, 1)).toBe('taken');
  });

  test('are all lost with the session, and the next pass opens another one', async () => {
    const locks = await Promise.all([1, 2, 3].map((connectionId) => hold(here, connectionId)));
    await cutLocks(there.em, 2);
    for (const [index, { lock }] of locks.entries()) {
      if (!lock.signal.aborted) await once(lock.signal, 'abort');
      expect(lock.signal.reason).toMatchObject({ name: 'LostLockError', connectionId: index + 1, isSuperseded: false });
    }
    const next = await hold(here, 4);
    expect(await take(there, 4)).toBeNull();
    expect([await take(there, 1), await take(there, 2), await take(there, 3)]).toEqual(['taken', 'taken', 'taken']);
    await Promise.all(locks.map(({ end }) => end()));
    expect(await take(there, 4)).toBeNull();
    await next.end();
    expect(await take(there, 4)).toBe('taken');
  });

  test('are taken by one of two processes that begin at the same moment', async () => {
    let inside = 0;
    let most = 0;
    const enter = async () => {
      most = Math.max(most, ++inside);
      await sleep(5);
      inside--;
      return 'taken';
    };
    for (let round = 0; round < 20; round++) {
      const results = await Promise.all([here, there].map(({ em }) => withPassLock(em, { connectionId: 1 }, enter)));
      expect(results).toContain('taken');
    }
    expect(most).toBe(1);
  });

  test('whose rows cannot be deleted are free all the same, when the next pass of the process ends', async () => {
    const stays = await hold(here, 1);
    const first = await hold(here, 2);
    const second = await hold(here, 3);
    const third = await hold(here, 4);
    await there.em.fork().execute('create rule keep as on delete to gitlab_pass_locks do instead select 1 / 0');
    await first.end();
    await third.end();
    await there.em.fork().execute('drop rule keep on gitlab_pass_locks');
    expect([await take(there, 2), await take(here, 4)]).toEqual([null, 'taken']);
    await second.end();
    expect(await take(there, 2)).toBe('taken');
    await stays.end();
  });

  test('leave no more rows than connections and parts', async () => {
    for (let round = 0; round < 5; round++) for (const connectionId of [1, 2, 3, 4, 5, 6]) await take(here, connectionId);
    expect((await heldRows()).length).toBeLessThanOrEqual(6);
  });

  test('are refused where the connection is deleted', async () => {
    await expect(take(here, 99)).rejects.toThrow('connection 99 was deleted');
  });
});

describeDatabases('the lock of a pass', (kind) => {
  let created: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    created = await createTestDatabase(kind);
    const first = await openWithConnections(created);
    const [row] = await first.em.execute<Array<{ name: string }>>('select current_database() as name');
    await first.em.execute(`alter database ${row?.name} set idle_in_transaction_session_timeout = ${impatientMs}`);
    await first.close();
    database = await openDatabase(created.options);
  });
  afterAll(async () => {
    await database.close();
    await created.remove();
  });

  test('belongs to one connection, and is released when its action ends or fails', async () => {
    const other = () => withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('other'));
    const during = await withPassLock(database.em, { connectionId: 1 }, async () => [
      await other(),
      await withPassLock(database.em, { connectionId: 2 }, () => Promise.resolve('second')),
    ]);
    expect(during).toEqual([null, 'second']);
    expect(await other()).toBe('other');
    await expect(withPassLock(database.em, { connectionId: 1 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await other()).toBe('other');
  });

  test('is shared by passes over different projects, but not by passes over the same project or over all', async () => {
    const take = (projectIds?: readonly number[]) =>
      withPassLock(database.em, { connectionId: 1, projectIds }, () => Promise.resolve('taken'));
    const during = await withPassLock(database.em, { connectionId: 1, projectIds: [1, 2] }, async () => ({
      others: await take([3]),
      none: await take([]),
      overlapping: await take([2, 3]),
      whole: await take(),
      otherConnection: await withPassLock(database.em, { connectionId: 2, projectIds: [1] }, () => Promise.resolve('taken')),
    }));
    expect(during).toEqual({ others: 'taken', none: 'taken', overlapping: null, whole: null, otherConnection: 'taken' });
    expect(await withPassLock(database.em, { connectionId: 1 }, () => take([9]))).toBeNull();
    // What an attempt took before it failed is free again.
    expect(await take([1, 2, 3])).toBe('taken');
  });

  test('is not lost when it lasts longer than idle_in_transaction_session_timeout', async () => {
    const during = await withPassLock(database.em, { connectionId: 1 }, async () => {
      await sleep(5 * impatientMs);
      return withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('other'));
    });
    expect(during).toBeNull();
  });
});
