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

describe('the database session of a pass lock on PostgreSQL', () => {
  const servers = useServers();
  let created: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    created = await createTestDatabase('postgres');
    database = await openDatabase(created.options);
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

describeDatabases('the lock of a pass', (kind) => {
  let created: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    created = await createTestDatabase(kind);
    const first = await openDatabase(created.options);
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
