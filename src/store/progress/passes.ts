import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';

/** How a pass of the poller ended. `ok` and `incomplete`: the pass read the connection. `busy`: another pass held the lock, so this pass read nothing. */
export type PassResult = 'ok' | 'incomplete' | 'busy' | 'configuration' | 'gitlab' | 'database' | 'error';

/** The last pass over a connection. Times are milliseconds since 1970 by the database's clock. */
export interface PassRecord {
  readonly connectionId: number;
  readonly startedAt: number;
  /** Last time that the pass made progress. */
  readonly movedAt: number;
  /** Null while the pass runs, and when its process died. */
  readonly endedAt: number | null;
  /** Start of the last pass that read the connection; null before the first. */
  readonly readAt: number | null;
  /** Result of the last pass that has ended; null before the first. */
  readonly result: PassResult | null;
  readonly error: string | null;
  /** Number of passes since the last pass that read the connection, with the current pass. */
  readonly failures: number;
  readonly createdAt: number;
}

/** The last passes of all connections, and the time of the database. */
export interface PassRecords {
  /** The database's clock, in milliseconds since 1970. */
  readonly now: number;
  readonly byConnection: ReadonlyMap<number, PassRecord>;
}

const millis = (column: string) => sql`floor(extract(epoch from ${sql.raw(column)}) * 1000)::float8`;

/** Reads the last pass of every connection, or of one connection. */
export async function readPasses(em: SqlEntityManager, connectionId?: number): Promise<PassRecords> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<{ now: number; passes: readonly PassRecord[] }>`
      select ${millis('clock_timestamp()')} as now, coalesce(json_agg(json_build_object(
          'connectionId', connection_id, 'startedAt', ${millis('started_at')}, 'movedAt', ${millis('moved_at')},
          'endedAt', ${millis('ended_at')}, 'readAt', ${millis('read_at')}, 'createdAt', ${millis('created_at')},
          'result', result, 'error', error, 'failures', failures)), '[]') as passes
      from gitlab_passes ${connectionId === undefined ? sql`` : sql`where connection_id = ${connectionId}`}`.execute(em.fork().getKysely());
    const { now = 0, passes = [] } = rows[0] ?? {};
    return { now, byConnection: new Map(passes.map((pass) => [pass.connectionId, pass])) };
  });
}

/** Stores the start of a pass. Resolves to the time of the start, in milliseconds by the database's clock. */
export async function beginPass(em: SqlEntityManager, connectionId: number): Promise<number> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<{ started: number }>`
      insert into gitlab_passes as p (connection_id, started_at, moved_at, failures)
      values (${connectionId}, clock_timestamp(), clock_timestamp(), 1)
      on conflict (connection_id) do update set started_at = excluded.started_at, ended_at = null, failures = p.failures + 1
      returning ${millis('started_at')} as started`.execute(em.fork().getKysely());
    return rows[0]?.started ?? 0;
  });
}

/** Stores that a pass has made progress. */
export async function movePass(em: SqlEntityManager, connectionId: number): Promise<void> {
  await withDatabaseErrors(() =>
    sql`update gitlab_passes set moved_at = clock_timestamp() where connection_id = ${connectionId}`.execute(em.fork().getKysely()),
  );
}

/** How a pass ended. */
export interface PassEnd {
  readonly connectionId: number;
  /** What `beginPass` resolved to: the end of a pass that another one has followed is not noted. */
  readonly startedAt: number;
  readonly result: PassResult;
  /** One line; null for `ok`. */
  readonly error: string | null;
}

/** Stores the end of a pass. A pass that was `busy` is no failure. A pass that was stopped has no end and is not stored here. */
export async function endPass(em: SqlEntityManager, { connectionId, startedAt, result, error }: PassEnd): Promise<void> {
  const hasRead = result === 'ok' || result === 'incomplete';
  const isFailure = !hasRead && result !== 'busy';
  await withDatabaseErrors(() =>
    sql`
      update gitlab_passes set
        ended_at = clock_timestamp(), result = ${result}, error = ${error},
        read_at = case when ${hasRead} then started_at else read_at end,
        moved_at = case when ${hasRead} then clock_timestamp() else moved_at end,
        failures = case when ${hasRead} then 0 when ${isFailure} then failures else greatest(failures - 1, 0) end
      where connection_id = ${connectionId} and ${millis('started_at')} = ${startedAt}::float8`.execute(em.fork().getKysely()),
  );
}
