import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryExecutorProvider } from 'kysely';
import { LostLockError } from '../../errors.ts';
import { checkFence, dropFences, raiseFence } from './fence.ts';
import type { PassScope } from './fence.ts';
import { withLockHolder } from './lock-holder.ts';
import type { LockHolder, Watch } from './lock-holder.ts';

/** The lock of a pass, while it is held. */
export interface PassLock {
  /** Aborts with LostLockError when the pass has lost its lock. */
  readonly signal: AbortSignal;
  /**
   * Call it first in every transaction that writes. Rejects with LostLockError when another pass has taken over, or the connection is
   * deleted. Otherwise neither can happen before the transaction ends.
   */
  readonly check: (transaction: QueryExecutorProvider) => Promise<void>;
  /** Rejects with LostLockError when the session that holds the lock has ended, although nothing has told this process yet. */
  readonly confirm: () => Promise<void>;
}

/** PostgreSQL also gives up a client that was silent for half a minute (`noticeLoss`). */
const usualWatch: Watch = { everyMs: 10_000, missedAnswers: 3 };

/** What this process runs in a database. */
interface Running {
  readonly scopes: Set<PassScope>;
  /** Fencing numbers of passes that have ended, and whose rows could not be deleted yet. */
  readonly ended: Set<string>;
}

/** By the driver of the database. */
const runningIn = new WeakMap<object, Running>();

/**
 * Runs an action under the lock of a pass. A pass over a whole connection excludes every other pass over the connection, in
 * any process. A pass over some projects excludes passes over the same projects. Resolves to null at once when another pass
 * holds the lock.
 *
 * A lock is a row of `gitlab_pass_locks`. It counts as long as the session lives that the row names: one session for all locks of a process.
 * The embedded database belongs to one process, and needs no session.
 */
export async function withPassLock<T>(
  em: SqlEntityManager,
  scope: PassScope,
  action: (lock: PassLock) => Promise<T>,
  watch = usualWatch,
): Promise<T | null> {
  const driver = em.getDriver();
  const running = runningIn.get(driver) ?? { scopes: new Set(), ended: new Set() };
  runningIn.set(driver, running);
  if ([...running.scopes].some((other) => overlap(other, scope))) return null;
  running.scopes.add(scope);
  try {
    if (driver.constructor.name === 'PgliteDriver') return await underFence({ em, scope, running }, action);
    return await withLockHolder(em, watch, (holder, isShared) => underFence({ em, scope, running, holder, isShared }, action));
  } finally {
    running.scopes.delete(scope);
  }
}

interface Taking {
  readonly em: SqlEntityManager;
  readonly scope: PassScope;
  readonly running: Running;
  readonly holder?: LockHolder;
  readonly isShared?: () => boolean;
}

async function underFence<T>({ em, scope, running, holder, isShared }: Taking, action: (lock: PassLock) => Promise<T>): Promise<T | null> {
  const number = await raiseFence(em, scope, holder?.key ?? null);
  if (number === null) return null;
  const lost = new AbortController();
  const onLost = () => lost.abort(new LostLockError(scope.connectionId, { cause: holder?.signal.reason }));
  holder?.signal.addEventListener('abort', onLost);
  if (holder?.signal.aborted) onLost();
  try {
    return await action(lockOf(scope, number, { lost, confirm: holder?.confirm }));
  } finally {
    holder?.signal.removeEventListener('abort', onLost);
    // When the session ends, or there is none, the row says nothing any more.
    if (isShared?.()) await release(em, running, number);
  }
}

interface Losing {
  readonly lost: AbortController;
  readonly confirm: LockHolder['confirm'] | undefined;
}

const lockOf = ({ connectionId }: PassScope, number: string, { lost, confirm }: Losing): PassLock => ({
  signal: lost.signal,
  check: async (transaction) => {
    const { hasConnection, isHeld } = await checkFence(transaction, { connectionId, number });
    if (isHeld) return;
    lost.abort(new LostLockError(connectionId, hasConnection ? undefined : { isDeleted: true }));
    lost.signal.throwIfAborted();
  },
  confirm: async () => {
    // The signal has the reason.
    await confirm?.().catch(() => {});
    lost.signal.throwIfAborted();
  },
});

/** Deletes the row of a lock while the session stays. Where that fails, the next pass that ends deletes it too. */
async function release(em: SqlEntityManager, { ended }: Running, number: string): Promise<void> {
  ended.add(number);
  const numbers = [...ended];
  try {
    await dropFences(em, numbers);
    for (const one of numbers) ended.delete(one);
  } catch {
    // Whatever the database suffers from, the pass itself has ended well.
  }
}

function overlap(a: PassScope, b: PassScope): boolean {
  if (a.connectionId !== b.connectionId) return false;
  return !a.projectIds || !b.projectIds || a.projectIds.some((id) => b.projectIds?.includes(id));
}
