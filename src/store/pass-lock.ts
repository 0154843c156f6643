import type { SqlEntityManager } from '@mikro-orm/postgresql';

/** First half of the key of our advisory locks; the second is the connection's id. */
const lockSpace = 7_468_202;

/** Passes that run on an embedded database, by the driver that owns it: it has one session for all. */
const embedded = new WeakMap<object, Set<number>>();

/**
 * Runs an action while no other pass over the connection runs, in this process or another. Resolves to null at once when
 * one does. The lock is PostgreSQL's and belongs to a transaction that stays open meanwhile: it dies with its holder, and
 * works through a pooler.
 */
export async function withPassLock<T>(em: SqlEntityManager, connectionId: number, action: () => Promise<T>): Promise<T | null> {
  const driver = em.getDriver();
  // PGlite has one session, which an open transaction would keep for itself.
  if (driver.constructor.name === 'PgliteDriver') return withEmbeddedLock(driver, connectionId, action);
  const holder = em.fork({ clear: true });
  await holder.begin();
  try {
    // A pass may take long, and the transaction waits all the while; it holds no snapshot, and so hinders no vacuum.
    await holder.execute(
      `select set_config(name, '0', true) from pg_settings where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')`,
    );
    const [row] = await holder.execute<Array<{ free: boolean }>>(`select pg_try_advisory_xact_lock(${lockSpace}, ?) as free`, [
      connectionId,
    ]);
    return row?.free ? await action() : null;
  } finally {
    await holder.rollback().catch(() => {}); // The connection may be gone, and the lock with it.
  }
}

async function withEmbeddedLock<T>(driver: object, connectionId: number, action: () => Promise<T>): Promise<T | null> {
  const running = embedded.get(driver) ?? new Set();
  embedded.set(driver, running);
  if (running.has(connectionId)) return null;
  running.add(connectionId);
  try {
    return await action();
  } finally {
    running.delete(connectionId);
  }
}
