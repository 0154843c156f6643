import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { isoTime } from '../events/iso-time.ts';
import { pathMatches } from '../events/patterns.ts';
import { sharedTimes, walkTimes } from './shared-times.ts';

/** Which projects to tell of, as in TimelineFilter. Absent or empty = all. */
export interface CoverageQuery {
  readonly connectionIds?: readonly number[] | undefined;
  /** Patterns of project paths. */
  readonly projects?: readonly string[] | undefined;
}

/** How far one stream of a project was read. Times are ISO 8601 in UTC, by GitLab's clock. */
export interface CoverageEntry {
  readonly connectionId: number;
  readonly project: string;
  /** Name of the stream, such as `pipelines`. */
  readonly stream: string;
  /** Everything that happened before this moment was read; null when the stream was never read to its end. */
  readonly readUntil: string | null;
  /** The worst outcome of the stream's walks: `ok`, `partial`, `disabled`, `forbidden`, `gone`, `failed`, or `off`: STREAMS leaves it out. */
  readonly outcome: string;
  /** Rows that could not be read or stored, or not completely. */
  readonly gaps: number;
  /** What was read before this moment was pruned: no more than the last state of each event is there. Null when nothing was pruned. */
  readonly prunedBefore: string | null;
}

/** Whether a stream was read. There is nothing to read of a stream that is switched off in GitLab. */
export const isRead = ({ outcome, readUntil }: CoverageEntry): boolean =>
  readUntil !== null && ['ok', 'partial', 'disabled'].includes(outcome);

/** How far each stream of each project was read, by project and stream. Projects that the settings no longer select are left out. Throws DatabaseError. */
export async function readCoverage(
  em: SqlEntityManager,
  { connectionIds = [], projects = [] }: CoverageQuery = {},
): Promise<CoverageEntry[]> {
  return withDatabaseErrors(async () => {
    const ofPatterns = projects.map((pattern) => pathMatches(sql`p.full_path`, pattern));
    const { rows } = await sql<CoverageEntry>`
      select s.connection_id as "connectionId", p.full_path as project, s.stream,
        ${isoTime(sql`min(case when s.outcome = 'disabled' then ${walkTimes.lastAttemptAt} else ${walkTimes.lastSuccessAt} end)`)} as "readUntil",
        ${isoTime(sql`greatest(p.history_pruned_before, p.events_pruned_before)`)} as "prunedBefore",
        (array_agg(s.outcome order by array_position(array['ok', 'off', 'disabled', 'partial', 'forbidden', 'gone', 'failed'], s.outcome) desc))[1] as outcome,
        (select count(*)::int from gitlab_gaps g where g.connection_id = s.connection_id and g.project_id = s.project_id and g.stream = s.stream) as gaps
      from gitlab_stream_state s ${sharedTimes}
      join gitlab_projects p on p.connection_id = s.connection_id and p.project_id = s.project_id
      where p.unselected_at is null
        and (${connectionIds.length === 0} or s.connection_id = any (${[...connectionIds]}::int[]))
        and (${ofPatterns.length === 0 ? sql`true` : sql.join(ofPatterns, sql` or `)})
      group by p.connection_id, p.project_id, s.connection_id, s.project_id, s.stream
      order by p.full_path, s.connection_id, s.stream`.execute(em.fork({ clear: true }).getKysely());
    return rows;
  });
}
