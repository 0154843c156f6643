import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../../src/store/database/database.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { withPassLock } from '../../../src/store/database/pass-lock.ts';
import { createTestDatabase, describeDatabases } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';

const impatientMs = 100;

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

  test("is one connection's, and free again when its action ends or fails", async () => {
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

  test('is held by passes over different projects at once, but not together with one over the same, or over all', async () => {
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

  test('outlasts the time that the database allows an idle transaction', async () => {
    const during = await withPassLock(database.em, { connectionId: 1 }, async () => {
      await sleep(5 * impatientMs);
      return withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('other'));
    });
    expect(during).toBeNull();
  });
});
