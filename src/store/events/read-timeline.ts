import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Json } from '../../events/change-event.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { escapeLike, likePattern, pathMatches } from './patterns.ts';

/**
 * Which changes to show. Absent or empty = all. Patterns are compared without regard to case; `*` in a pattern stands for any characters,
 * `/` among them.
 */
export interface TimelineFilter {
  readonly connectionIds?: readonly number[] | undefined;
  /** Patterns of project paths. A path without `*` may also be that of a group, for all its projects. */
  readonly projects?: readonly string[] | undefined;
  /** The words in the titles: `MR`, `Pipeline`, `Release`, `Commit`, `Image`. */
  readonly types?: readonly string[] | undefined;
  /** Patterns of the author. */
  readonly authors?: readonly string[] | undefined;
  /** Statuses of the version, such as `merged` or `failed`. */
  readonly statuses?: readonly string[] | undefined;
  /** A part of the title or of the event id, in any case. */
  readonly text?: string | undefined;
  /** Also votes, comments and what GitLab computes. @default false */
  readonly showNoise?: boolean | undefined;
}

/** A window of time, and which changes of it to read. */
export interface TimelineQuery extends TimelineFilter {
  /** Start of the window, inclusive. */
  readonly from: Date;
  /** End of the window, exclusive. */
  readonly to: Date;
  /** Whether the window is of the times at which changes happened in GitLab, or at which they arrived here. @default 'happened' */
  readonly by?: 'happened' | 'arrival' | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** At most this many changes. @default 100 */
  readonly limit?: number | undefined;
}

/** One change: a row of the view `gitlab_timeline`. Times are ISO 8601 in UTC. */
export interface TimelineChange {
  /** When it happened, by GitLab's clock; never later than `arrivedAt`. */
  readonly happenedAt: string;
  /** When a pass read it, by GitLab's clock. */
  readonly arrivedAt: string;
  readonly connectionId: number;
  /** Name of the stream, such as `merge-requests`. */
  readonly stream: string;
  /** The word in the title, such as `MR`. */
  readonly type: string;
  /** Path of the project; null where the row has none. */
  readonly project: string | null;
  /** What changed, in one line, such as `merged !12 into main by grace`. From GitLab: escape it. */
  readonly headline: string;
  readonly author: string;
  readonly url: string;
  readonly eventId: string;
  readonly version: number;
  readonly status: string;
  /** Old and new value by field; null for the first version. */
  readonly changes: Readonly<Record<string, { readonly old: Json; readonly new: Json }>> | null;
  /** Whether only votes, comments and what GitLab computes have changed. */
  readonly isNoise: boolean;
  /** Whether it happened before the project was first read: it is known from history. */
  readonly isHistory: boolean;
}

/** A page of changes, the oldest first. */
export interface TimelinePage {
  readonly changes: readonly TimelineChange[];
  /** The place of the next page; null at the end. */
  readonly next: string | null;
}

const defaultLimit = 100;

/** Changes in a window of time: versions of events, not their present states. Those by arrival leave out what is known from history. Throws DatabaseError. */
export async function readTimeline(em: SqlEntityManager, query: TimelineQuery): Promise<TimelinePage> {
  const { by = 'happened', after, limit = defaultLimit } = query;
  const time = timeOf(by);
  const [at = '', id = ''] = after?.split('/') ?? [];
  const onward = after === undefined ? sql`true` : sql`(${time}, t.version_id) > (${at}::timestamptz, ${id}::bigint)`;
  return withDatabaseErrors(async () => {
    const { rows } = await sql<TimelineChange & { readonly id: number | string }>`
      select t.version_id as id, ${iso('t.happened_at')} as "happenedAt", ${iso('t.arrived_at')} as "arrivedAt", t.connection_id as "connectionId",
        t.stream, t.kind as type, t.project, t.headline, t.author, t.url, t.event_id as "eventId", t.version, t.status, t.changes,
        t.is_noise as "isNoise", t.is_history as "isHistory"
      from gitlab_timeline t
      where ${inWindow(query)} and ${onward}
      order by ${time}, t.version_id
      limit ${limit + 1}`.execute(em.fork({ clear: true }).getKysely());
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const next = last ? `${by === 'happened' ? last.happenedAt : last.arrivedAt}/${last.id}` : null;
    return { changes: rows.slice(0, limit).map(({ id: _id, ...change }) => change), next };
  });
}

/** How many changes a window has, of all pages. Throws DatabaseError. */
export async function countTimeline(em: SqlEntityManager, query: Omit<TimelineQuery, 'after' | 'limit'>): Promise<number> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<{ readonly count: number }>`
      select count(*)::int as count from gitlab_timeline t where ${inWindow(query)}`.execute(em.fork({ clear: true }).getKysely());
    return rows[0]?.count ?? 0;
  });
}

const iso = (column: string) => sql<string>`to_char(${sql.raw(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const timeOf = (by: TimelineQuery['by']) => sql.raw(by === 'arrival' ? 't.arrived_at' : 't.happened_at');

function inWindow({ from, to, by, ...filter }: TimelineQuery): RawBuilder<unknown> {
  const time = timeOf(by);
  const conditions = [
    sql`${time} >= ${from.toISOString()}::timestamptz`,
    sql`${time} < ${to.toISOString()}::timestamptz`,
    ...(by === 'arrival' ? [sql`not t.is_history`] : []),
    ...filters(filter),
  ];
  return sql.join(conditions, sql` and `);
}

function filters({
  connectionIds = [],
  projects = [],
  types = [],
  authors = [],
  statuses = [],
  text = '',
  showNoise = false,
}: TimelineFilter): Array<RawBuilder<unknown>> {
  const anyOf = (conditions: ReadonlyArray<RawBuilder<unknown>>) =>
    conditions.length === 0 ? [] : [sql`(${sql.join(conditions, sql` or `)})`];
  const contained = `%${escapeLike(text.toLowerCase())}%`;
  return [
    ...(showNoise ? [] : [sql`not t.is_noise`]),
    ...(connectionIds.length === 0 ? [] : [sql`t.connection_id = any (${[...connectionIds]}::int[])`]),
    ...anyOf(projects.map((pattern) => pathMatches(sql`t.project`, pattern))),
    ...anyOf(types.map((type) => sql`starts_with(t.title, ${`[${type}] `})`)),
    ...anyOf(authors.map((pattern) => sql`lower(t.author) like ${likePattern(pattern)}`)),
    ...(statuses.length === 0 ? [] : [sql`t.status = any (${statuses.map((status) => status.toLowerCase())}::text[])`]),
    ...(text === '' ? [] : [sql`(lower(t.title) like ${contained} or lower(t.event_id) like ${contained})`]),
  ];
}
