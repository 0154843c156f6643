import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { noticeLoss } from './lost-connections.ts';

/** First half of the key of our advisory locks; the second is the connection's id. */
const lockSpace = 7_468_202;

/** What a pass reads. */
export interface PassScope {
  readonly connectionId: number;
  /** Only these; absent = the whole connection. */
  readonly projectIds?: readonly number[] | undefined;
}

/** What the transaction of a holder asks of the server, which a host's MikroORM may not ask of its own accord. */
const holderSettings = JSON.stringify({ idle_in_transaction_session_timeout: '0', transaction_timeout: '0', ...noticeLoss });

/** Passes that run on an embedded database, by the driver that owns it: it has one session for all. */
const embedded = new WeakMap<object, Set<PassScope>>();

/**
 * Runs an action while no other pass reads the same, in this process or another: a pass over a whole connection excludes
 * every other one over it, passes over some of its projects exclude those over the same projects. Resolves to null at
 * once when there is one. The lock is PostgreSQL's and belongs to a transaction that stays open meanwhile: it dies with
 * its holder, and works through a pooler.
 */
export async function withPassLock<T>(em: SqlEntityManager, scope: PassScope, action: () => Promise<T>): Promise<T | null> {
  const driver = em.getDriver();
  // PGlite has one session, which an open transaction would keep for itself.
  if (driver.constructor.name === 'PgliteDriver') return withEmbeddedLock(driver, scope, action);
  const holder = em.fork({ clear: true });
  await holder.begin();
  try {
    // A pass may take long, and the transaction waits all the while; it holds no snapshot, and so hinders no vacuum.
    await holder.execute(
      'select set_config(name, value, true) from pg_settings join json_each_text(?::json) as wanted (key, value) on key = name',
      [holderSettings],
    );
    return (await lock(holder, scope)) ? await action() : null;
  } finally {
    await holder.rollback().catch(() => {}); // The connection may be gone, and the lock with it.
  }
}

async function lock(holder: SqlEntityManager, { connectionId, projectIds }: PassScope): Promise<boolean> {
  const take = async (statement: string, parameters: unknown[]) => {
    const [row] = await holder.execute<Array<{ free: boolean | null }>>(statement, parameters);
    return row?.free !== false;
  };
  if (!projectIds) return take(`select pg_try_advisory_xact_lock(${lockSpace}, ?) as free`, [connectionId]);
  if (!(await take(`select pg_try_advisory_xact_lock_shared(${lockSpace}, ?) as free`, [connectionId]))) return false;
  return take(
    `select bool_and(pg_try_advisory_xact_lock(hashtextextended(? || id, ${lockSpace}))) as free from json_array_elements_text(?::json) as id`,
    [`${connectionId} `, JSON.stringify(projectIds)],
  );
}

async function withEmbeddedLock<T>(driver: object, scope: PassScope, action: () => Promise<T>): Promise<T | null> {
  const running = embedded.get(driver) ?? new Set();
  embedded.set(driver, running);
  if ([...running].some((other) => overlap(other, scope))) return null;
  running.add(scope);
  try {
    return await action();
  } finally {
    running.delete(scope);
  }
}

function overlap(a: PassScope, b: PassScope): boolean {
  if (a.connectionId !== b.connectionId) return false;
  return !a.projectIds || !b.projectIds || a.projectIds.some((id) => b.projectIds?.includes(id));
}
