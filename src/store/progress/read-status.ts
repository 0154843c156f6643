import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Outcome } from '../../walk-state.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { sharedTimes, walkTimes } from './shared-times.ts';

/** The state of one walk of a project. Times are ISO 8601 in UTC. */
export interface StreamStatus {
  readonly stream: string;
  /** A branch or a container repository where the stream has several walks; else empty. */
  readonly scope: string;
  readonly outcome: Outcome;
  /** Why the outcome is not `ok`; null when the outcome is `ok`. */
  readonly error: string | null;
  /** Everything that GitLab changed before this moment is stored; null before the first walk has ended. */
  readonly watermark: string | null;
  readonly lastAttemptAt: string;
  /** Null when the walk has never ended `ok`. */
  readonly lastSuccessAt: string | null;
}

/** A row of a project that could not be read or stored, or not completely. Times are ISO 8601 in UTC. */
export interface GapStatus {
  readonly stream: string;
  /** A container repository; else empty. */
  readonly scope: string;
  /** What names the row in its list; empty = the list as a whole. */
  readonly key: string;
  readonly since: string;
  readonly lastTriedAt: string;
  readonly tries: number;
  readonly reason: string;
}

/** The state of a project. */
export interface ProjectStatus {
  readonly id: number;
  readonly path: string;
  readonly lastSeenAt: string;
  /** Since when GitLab no longer returns the project; null while GitLab returns it. */
  readonly goneAt: string | null;
  /** Since when the settings no longer select the project; null while they select it. */
  readonly unselectedAt: string | null;
  readonly streams: readonly StreamStatus[];
  readonly gaps: readonly GapStatus[];
}

const iso = (time: string | RawBuilder<unknown>) =>
  sql`to_char((${typeof time === 'string' ? sql.raw(time) : time}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The projects of a connection with their streams, by path. */
export async function readProjectStatus(em: SqlEntityManager, connectionId: number): Promise<ProjectStatus[]> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<{ project: ProjectStatus }>`
      select json_build_object(
        'id', p.project_id, 'path', p.full_path, 'lastSeenAt', ${iso(sql`greatest(p.last_seen_at, max(${walkTimes.lastAttemptAt}))`)}, 'goneAt', ${iso('p.gone_at')},
        'unselectedAt', ${iso('p.unselected_at')},
        'streams', coalesce(json_agg(json_build_object(
          'stream', s.stream, 'scope', s.scope, 'outcome', s.outcome, 'error', s.error, 'watermark', ${iso(walkTimes.watermark)},
          'lastAttemptAt', ${iso(walkTimes.lastAttemptAt)}, 'lastSuccessAt', ${iso(walkTimes.lastSuccessAt)}
        ) order by s.stream, s.scope) filter (where s.stream is not null), '[]'),
        'gaps', coalesce((
          select json_agg(json_build_object(
            'stream', g.stream, 'scope', g.scope, 'key', g.key, 'since', ${iso('g.since')}, 'lastTriedAt', ${iso('g.last_tried_at')},
            'tries', g.tries, 'reason', g.reason
          ) order by g.stream, g.scope, g.key)
          from gitlab_gaps g where g.connection_id = p.connection_id and g.project_id = p.project_id
        ), '[]')) as project
      from gitlab_projects p
      left join gitlab_stream_state s on s.connection_id = p.connection_id and s.project_id = p.project_id
      ${sharedTimes}
      where p.connection_id = ${connectionId}
      group by p.connection_id, p.project_id order by p.full_path`.execute(em.fork().getKysely());
    return rows.map(({ project }) => project);
  });
}

/** Number of walks of one stream that ended with one outcome, in the selected projects of a connection. */
export interface OutcomeCount {
  readonly connectionId: number;
  readonly stream: string;
  readonly outcome: Outcome;
  readonly walks: number;
}

/** Counts of walks, of projects and of gaps, over all connections. */
export interface Counts {
  readonly outcomes: readonly OutcomeCount[];
  readonly projects: ReadonlyArray<{ readonly connectionId: number; readonly count: number }>;
  /** Gaps of selected projects. */
  readonly gaps: ReadonlyArray<{ readonly connectionId: number; readonly stream: string; readonly count: number }>;
}

/** Counts walks by outcome, selected projects and gaps, over all connections. */
export async function readCounts(em: SqlEntityManager): Promise<Counts> {
  return withDatabaseErrors(async () => {
    const kysely = em.fork().getKysely();
    const { rows: outcomes } = await sql<OutcomeCount>`
      select s.connection_id as "connectionId", s.stream, s.outcome, count(*)::int as walks
      from gitlab_stream_state s join gitlab_projects p on p.connection_id = s.connection_id and p.project_id = s.project_id
      where p.unselected_at is null
      group by s.connection_id, s.stream, s.outcome`.execute(kysely);
    const { rows: projects } = await sql<Counts['projects'][number]>`
      select connection_id as "connectionId", count(*)::int as count from gitlab_projects
      where gone_at is null and unselected_at is null group by connection_id`.execute(kysely);
    const { rows: gaps } = await sql<Counts['gaps'][number]>`
      select g.connection_id as "connectionId", g.stream, count(*)::int as count
      from gitlab_gaps g join gitlab_projects p on p.connection_id = g.connection_id and p.project_id = g.project_id
      where p.gone_at is null and p.unselected_at is null
      group by g.connection_id, g.stream`.execute(kysely);
    return { outcomes, projects, gaps };
  });
}
