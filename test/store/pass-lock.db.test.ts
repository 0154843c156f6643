import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import type { Database } from '../../src/store/database.ts';
import { withPassLock } from '../../src/store/pass-lock.ts';
import { createTestDatabase, describeDatabases } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';

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

  test('outlasts the time that the database allows an idle transaction', async () => {
    const during = await withPassLock(database.em, { connectionId: 1 }, async () => {
      await sleep(5 * impatientMs);
      return withPassLock(database.em, { connectionId: 1 }, () => Promise.resolve('other'));
    });
    expect(during).toBeNull();
  });
});
