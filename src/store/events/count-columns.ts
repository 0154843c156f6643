import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { inWindow, timeOf } from './read-timeline.ts';
import type { TimelineQuery } from './read-timeline.ts';

/** How many changes of one kind fell into one column of a window. */
export interface TimelineCount {
  readonly project: string | null;
  readonly stream: string;
  /** Counted from 0. The window is cut into `columns` of equal length. */
  readonly column: number;
  readonly count: number;
  /** How many of them are failed pipelines. */
  readonly failed: number;
}

/** Counts of the changes of a window by project, stream and column. Throws DatabaseError. */
export async function countColumns(em: SqlEntityManager, query: TimelineQuery, columns: number): Promise<TimelineCount[]> {
  return withDatabaseErrors(async () => {
    const widthSeconds = (query.to.getTime() - query.from.getTime()) / 1000 / columns;
    const { rows } = await sql<TimelineCount>`
      select project, stream, "column", count(*)::int as count, count(*) filter (where status = 'failed')::int as failed
      from (
        select t.project, t.stream, t.status,
          floor(extract(epoch from ${timeOf(query.by)} - ${query.from.toISOString()}::timestamptz)::float8 / ${widthSeconds}::float8)::int as "column"
        from gitlab_timeline t
        where ${inWindow(query)}
      ) as counted
      group by project, stream, "column"
      order by project, "column", stream`.execute(em.fork({ clear: true }).getKysely());
    return rows;
  });
}
