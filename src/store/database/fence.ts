import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import { LostLockError } from '../../errors.ts';
import { withDatabaseErrors } from './database-errors.ts';
import type { PassLock, PassScope } from './pass-lock.ts';

/** Keeps a pass that has lost its lock from writing. */
export interface Fence {
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

/** What `takeFence` needs. */
export interface FenceOptions {
  readonly em: SqlEntityManager;
  readonly scope: PassScope;
  readonly lock: PassLock;
}

/** Takes the fencing number for a pass that has just taken its lock. Rejects with LostLockError when the pass has lost the lock since. */
export async function takeFence({ em, scope, lock }: FenceOptions): Promise<Fence> {
  const number = await withDatabaseErrors(() => raiseFence(em.fork({ clear: true }).getKysely(), scope));
  // Two passes that raise the number at the same moment do not see each other. Only the pass that holds the lock is confirmed.
  await lock.confirm();
  const superseded = new AbortController();
  return {
    signal: AbortSignal.any([lock.signal, superseded.signal]),
    check: async (transaction) => {
      const { hasConnection, isHeld } = await lookAtFence(transaction, { connectionId: scope.connectionId, number });
      if (isHeld) return;
      superseded.abort(new LostLockError(scope.connectionId, hasConnection ? undefined : { isDeleted: true }));
      superseded.signal.throwIfAborted();
    },
    confirm: lock.confirm,
  };
}

/** The server ends a session that stays idle in a transaction for longer, so that a paused process does not block the pass that takes over. */
const longestIdle = '60s';

/**
 * Gives a new fencing number to a pass that has just taken its lock, and deletes the numbers of the passes that held the
 * lock before. Waits for their open transactions. Their later transactions fail in `lookAtFence`.
 */
async function raiseFence(kysely: QueryExecutorProvider, { connectionId, projectIds }: PassScope): Promise<number> {
  const ids = projectIds ? projectIds.map(String) : null;
  // Rows are locked in the order of their numbers, so that two passes that begin at the same time do not wait for each other.
  const { rows } = await sql<{ readonly number: string }>`
    with ${theConnection(connectionId)}, former as (
      select l.number from connection c join gitlab_pass_locks l on l.connection_id = c.id
      where l.project_ids is null or ${ids}::text[] is null or l.project_ids && ${ids}::text[]
      order by l.number for update of l
    ), taken as (
      delete from gitlab_pass_locks where number in (select number from former)
    )
    insert into gitlab_pass_locks (connection_id, project_ids) values (${connectionId}, ${ids}::text[])
    returning number::text as number`.execute(kysely);
  return Number(rows[0]?.number);
}

/**
 * Whether a connection is there, and whether a pass still has its fencing number. Until the transaction ends, nobody can delete either.
 */
async function lookAtFence(
  kysely: QueryExecutorProvider,
  { connectionId, number }: { readonly connectionId: number; readonly number: number },
): Promise<{ readonly hasConnection: boolean; readonly isHeld: boolean }> {
  const { rows } = await sql<{ readonly is_held: boolean }>`
    with ${theConnection(connectionId)}, held as materialized (
      select l.number from connection c join gitlab_pass_locks l on l.connection_id = c.id where l.number = ${number} for key share of l
    )
    select exists (select from held) as is_held, set_config('idle_in_transaction_session_timeout', ${longestIdle}, true) from connection`.execute(
    kysely,
  );
  return { hasConnection: rows.length > 0, isHeld: rows[0]?.is_held ?? false };
}

/**
 * The row of a connection, locked before anything that belongs to it: whoever deletes a connection takes the row first too, and then what
 * belongs to it. In another order the two would wait for each other, and PostgreSQL would end one of them.
 */
const theConnection = (connectionId: number) =>
  sql`connection as materialized (select id from connections where id = ${connectionId} for key share)`;
