import { IsolationLevel } from '@mikro-orm/postgresql';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import { LostLockError } from '../../errors.ts';

/** What a pass reads. */
export interface PassScope {
  readonly connectionId: number;
  /** Ids of the projects; absent = the whole connection. */
  readonly projectIds?: readonly number[] | undefined;
}

/** First half of the key of the advisory lock under which locks of a connection are taken. The second half is the connection's id. */
const takingSpace = 7_468_203;

/** Two installations in one database, each in a schema of its own, do not wait for each other. */
const takingSpaceOfSchema = sql.raw(
  `(${takingSpace} + case when current_schema() = 'public' then 0 else 1 + abs(hashtext(current_schema()) % 1000000000) end)`,
);

/** The server ends a session that stays idle in a transaction for longer, so that a paused process does not block the pass that takes over. */
const longestIdle = '60s';

/**
 * Gives a new fencing number to a pass, unless a living session holds the lock of an overlapping pass: then resolves to null. `holder` is
 * the key of the process's own session, whose other passes do not overlap; null = no session, nobody else uses the database. Deletes the
 * numbers of the passes that held the lock before. Waits for their open transactions; their later transactions fail in `checkFence`.
 * Rejects with LostLockError when the connection is deleted.
 */
export function raiseFence(em: SqlEntityManager, { connectionId, projectIds }: PassScope, holder: string | null): Promise<string | null> {
  const ids = projectIds ? projectIds.map(String) : null;
  const take = sql<{ readonly number: string | null; readonly has_connection: boolean }>`
    with ${theConnection(connectionId)}, former as materialized (
      select l.number, l.holder from connection c join gitlab_pass_locks l on l.connection_id = c.id
      where l.project_ids is null or ${ids}::text[] is null or l.project_ids && ${ids}::text[]
    ), living as materialized (
      select from former where holder <> ${holder}::bigint and not pg_try_advisory_xact_lock_shared(holder)
    ), ended as (
      delete from gitlab_pass_locks where number in (select number from former) and not exists (select from living)
    ), raised as (
      insert into gitlab_pass_locks (connection_id, project_ids, holder)
      select id, ${ids}::text[], ${holder}::bigint from connection where not exists (select from living)
      returning number
    )
    select (select number::text from raised), exists (select from connection) as has_connection`;
  // The second statement must see what others have committed while the first one waited.
  return em.fork({ clear: true }).transactional(
    async (transaction) => {
      const kysely = transaction.getKysely();
      await sql`select pg_advisory_xact_lock(${takingSpaceOfSchema}, ${connectionId})`.execute(kysely);
      const [row] = (await take.execute(kysely)).rows;
      if (!row?.has_connection) throw new LostLockError(connectionId, { isDeleted: true });
      return row.number;
    },
    { isolationLevel: IsolationLevel.READ_COMMITTED },
  );
}

/**
 * Whether a connection is there, and whether a pass still has its fencing number. Until the transaction ends, nobody can delete either.
 */
export async function checkFence(
  kysely: QueryExecutorProvider,
  { connectionId, number }: { readonly connectionId: number; readonly number: string },
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

/** Deletes the fencing numbers of passes that have ended. */
export async function dropFences(em: SqlEntityManager, numbers: readonly string[]): Promise<void> {
  await sql`delete from gitlab_pass_locks where number = any (${numbers}::bigint[])`.execute(em.fork({ clear: true }).getKysely());
}

/**
 * The row of a connection, locked before anything that belongs to it: whoever deletes a connection takes the row first too, and then what
 * belongs to it. In another order the two would wait for each other, and PostgreSQL would end one of them.
 */
const theConnection = (connectionId: number) =>
  sql`connection as materialized (select id from connections where id = ${connectionId} for key share)`;
