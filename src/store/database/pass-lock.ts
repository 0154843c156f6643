import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LostLockError } from '../../errors.ts';
import { openLockSession } from './lock-session.ts';
import type { LockSession } from './lock-session.ts';
import { noticeLoss } from './lost-connections.ts';

/** First half of the key of the advisory locks. The second half is the connection's id. */
const lockSpace = 7_468_202;

/** What a pass reads. */
export interface PassScope {
  readonly connectionId: number;
  /** Ids of the projects; absent = the whole connection. */
  readonly projectIds?: readonly number[] | undefined;
}

/** A lock while it is held. */
export interface PassLock {
  /** Aborts with LostLockError when the session that holds the lock has ended. */
  readonly signal: AbortSignal;
  /** Sends a query in the session. Resolves when the lock was held without a break until now, rejects with LostLockError otherwise. */
  readonly confirm: () => Promise<void>;
}

/** How often a query checks that the session of a lock still exists. */
export interface Watch {
  readonly everyMs: number;
  /** The lock counts as lost after this many intervals without an answer. */
  readonly missedAnswers: number;
}

/** PostgreSQL also gives up a client that was silent for half a minute (`noticeLoss`). */
const usualWatch: Watch = { everyMs: 10_000, missedAnswers: 3 };

/** Settings of the transaction that holds a lock, because the connections of a host's MikroORM may lack them. */
const holderSettings = JSON.stringify({ idle_in_transaction_session_timeout: '0', transaction_timeout: '0', ...noticeLoss });

/** The passes that run on an embedded database, by its driver. An embedded database has only one session. */
const embedded = new WeakMap<object, Set<PassScope>>();

/**
 * Runs an action under the lock of a pass. A pass over a whole connection excludes every other pass over the connection, in
 * any process. A pass over some projects excludes passes over the same projects. Resolves to null at once when another pass
 * holds the lock. The lock is an advisory lock of a transaction that stays open: it ends with its process, and works through
 * a pooler. A process whose connection is cut may continue without the lock: see `takeFence`.
 */
export async function withPassLock<T>(
  em: SqlEntityManager,
  scope: PassScope,
  action: (lock: PassLock) => Promise<T>,
  watch = usualWatch,
): Promise<T | null> {
  const driver = em.getDriver();
  // PGlite has only one session, which an open transaction would block.
  if (driver.constructor.name === 'PgliteDriver') return withEmbeddedLock(driver, scope, action);
  const lost = new AbortController();
  const onLost = (cause: unknown) => lost.abort(new LostLockError(scope.connectionId, { cause }));
  const session = await openLockSession(em, onLost);
  const stopWatching = watchSession(session, watch, onLost);
  try {
    // The transaction stays open as long as the pass runs. It holds no snapshot, so it does not hinder vacuum.
    await session.query(
      'select set_config(name, value, true) from pg_settings join json_each_text($1::json) as wanted (key, value) on key = name',
      [holderSettings],
    );
    if (!(await lock(session, scope))) return null;
    return await action({ signal: lost.signal, confirm: () => confirm(session, onLost, lost.signal) });
  } finally {
    // `close` never rejects, also when the connection has already ended.
    await session.close();
    stopWatching();
  }
}

async function confirm(session: LockSession, onLost: (cause: unknown) => void, lost: AbortSignal): Promise<void> {
  await session.query('select 1').catch(onLost);
  lost.throwIfAborted();
}

/** Checks at intervals that the session exists. Returns a function that stops the checks. */
function watchSession(session: LockSession, { everyMs, missedAnswers }: Watch, onLost: (cause: unknown) => void): () => void {
  let unanswered = 0;
  // Counts intervals instead of time, because a process that was paused for long has missed no answer.
  const timer = setInterval(() => {
    if (unanswered >= missedAnswers) {
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

/** Two installations in one database, each in a schema of its own, do not exclude each other. `public` has the number of earlier versions. */
const lockSpaceOfSchema = `(${lockSpace} + case when current_schema() = 'public' then 0 else 1 + abs(hashtext(current_schema()) % 1000000000) end)`;

async function lock({ query }: LockSession, { connectionId, projectIds }: PassScope): Promise<boolean> {
  const take = async (statement: string, parameters: readonly unknown[]) => {
    const [row] = await query(statement, parameters);
    return row?.['free'] !== false;
  };
  if (!projectIds) return take(`select pg_try_advisory_xact_lock(${lockSpaceOfSchema}, $1) as free`, [connectionId]);
  if (!(await take(`select pg_try_advisory_xact_lock_shared(${lockSpaceOfSchema}, $1) as free`, [connectionId]))) return false;
  return take(
    `select bool_and(pg_try_advisory_xact_lock(hashtextextended($1 || id, ${lockSpaceOfSchema}))) as free from json_array_elements_text($2::json) as id`,
    [`${connectionId} `, JSON.stringify(projectIds)],
  );
}

async function withEmbeddedLock<T>(driver: object, scope: PassScope, action: (lock: PassLock) => Promise<T>): Promise<T | null> {
  const running = embedded.get(driver) ?? new Set();
  embedded.set(driver, running);
  if ([...running].some((other) => overlap(other, scope))) return null;
  running.add(scope);
  try {
    // Only this process uses the database, so the lock cannot be lost.
    return await action({ signal: new AbortController().signal, confirm: () => Promise.resolve() });
  } finally {
    running.delete(scope);
  }
}

function overlap(a: PassScope, b: PassScope): boolean {
  if (a.connectionId !== b.connectionId) return false;
  return !a.projectIds || !b.projectIds || a.projectIds.some((id) => b.projectIds?.includes(id));
}
