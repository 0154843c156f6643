import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LostLockError } from '../../errors.ts';
import { openLockSession } from './lock-session.ts';
import type { LockSession } from './lock-session.ts';
import { noticeLoss } from './lost-connections.ts';

/** First half of the key of our advisory locks; the second is the connection's id. */
const lockSpace = 7_468_202;

/** What a pass reads. */
export interface PassScope {
  readonly connectionId: number;
  /** Only these; absent = the whole connection. */
  readonly projectIds?: readonly number[] | undefined;
}

/** A lock while it is held. */
export interface PassLock {
  /** Aborts with LostLockError when the session that holds the lock has ended. */
  readonly signal: AbortSignal;
  /** Asks the session: resolves when the lock has been held without a break until now, rejects with LostLockError otherwise. */
  readonly confirm: () => Promise<void>;
}

/** How often the session of a lock is asked whether it is still there. */
export interface Watch {
  readonly everyMs: number;
  /** The lock counts as lost after so many questions without an answer. */
  readonly patience: number;
}

/** PostgreSQL, too, gives a client up that has been silent for half a minute. */
const usualWatch: Watch = { everyMs: 10_000, patience: 3 };

/** What the transaction of a holder asks of the server, which a host's MikroORM may not ask of its own accord. */
const holderSettings = JSON.stringify({ idle_in_transaction_session_timeout: '0', transaction_timeout: '0', ...noticeLoss });

/** Passes that run on an embedded database, by the driver that owns it: it has one session for all. */
const embedded = new WeakMap<object, Set<PassScope>>();

/**
 * Runs an action while no other pass reads the same, in this process or another: a pass over a whole connection excludes
 * every other one over it, passes over some of its projects exclude those over the same projects. Resolves to null at
 * once when there is one. The lock is PostgreSQL's and belongs to a transaction that stays open meanwhile: it dies with
 * its holder, and works through a pooler. A holder that is cut off may go on without it: see `takeFence`.
 */
export async function withPassLock<T>(
  em: SqlEntityManager,
  scope: PassScope,
  action: (lock: PassLock) => Promise<T>,
  watch = usualWatch,
): Promise<T | null> {
  const driver = em.getDriver();
  // PGlite has one session, which an open transaction would keep for itself.
  if (driver.constructor.name === 'PgliteDriver') return withEmbeddedLock(driver, scope, action);
  const lost = new AbortController();
  const onLost = (cause: unknown) => lost.abort(new LostLockError(scope.connectionId, { cause }));
  const session = await openLockSession(em, onLost);
  const stopWatching = watchSession(session, watch, onLost);
  try {
    // A pass may take long, and the transaction waits all the while; it holds no snapshot, and so hinders no vacuum.
    await session.query(
      'select set_config(name, value, true) from pg_settings join json_each_text($1::json) as wanted (key, value) on key = name',
      [holderSettings],
    );
    if (!(await lock(session, scope))) return null;
    return await action({ signal: lost.signal, confirm: () => confirm(session, onLost, lost.signal) });
  } finally {
    // The connection may be gone, and the lock with it.
    await session.close();
    stopWatching();
  }
}

async function confirm(session: LockSession, onLost: (cause: unknown) => void, lost: AbortSignal): Promise<void> {
  await session.query('select 1').catch(onLost);
  lost.throwIfAborted();
}

/** Asks the session again and again whether it is there. The result ends it. */
function watchSession(session: LockSession, { everyMs, patience }: Watch, onLost: (cause: unknown) => void): () => void {
  let unanswered = 0;
  // Questions are counted, not time: a process that was paused for long has missed no answer.
  const timer = setInterval(() => {
    if (unanswered >= patience) {
      const reason = new Error('the server does not answer');
      clearInterval(timer);
      session.destroy(reason);
      onLost(reason);
    } else if (unanswered++ === 0) {
      session.query('select 1').then(() => (unanswered = 0), onLost);
    }
  }, everyMs);
  return () => clearInterval(timer);
}

async function lock({ query }: LockSession, { connectionId, projectIds }: PassScope): Promise<boolean> {
  const take = async (statement: string, parameters: readonly unknown[]) => {
    const [row] = await query(statement, parameters);
    return row?.['free'] !== false;
  };
  if (!projectIds) return take(`select pg_try_advisory_xact_lock(${lockSpace}, $1) as free`, [connectionId]);
  if (!(await take(`select pg_try_advisory_xact_lock_shared(${lockSpace}, $1) as free`, [connectionId]))) return false;
  return take(
    `select bool_and(pg_try_advisory_xact_lock(hashtextextended($1 || id, ${lockSpace}))) as free from json_array_elements_text($2::json) as id`,
    [`${connectionId} `, JSON.stringify(projectIds)],
  );
}

async function withEmbeddedLock<T>(driver: object, scope: PassScope, action: (lock: PassLock) => Promise<T>): Promise<T | null> {
  const running = embedded.get(driver) ?? new Set();
  embedded.set(driver, running);
  if ([...running].some((other) => overlap(other, scope))) return null;
  running.add(scope);
  try {
    // The database is this process's own: the lock cannot be lost.
    return await action({ signal: new AbortController().signal, confirm: () => Promise.resolve() });
  } finally {
    running.delete(scope);
  }
}

function overlap(a: PassScope, b: PassScope): boolean {
  if (a.connectionId !== b.connectionId) return false;
  return !a.projectIds || !b.projectIds || a.projectIds.some((id) => b.projectIds?.includes(id));
}
