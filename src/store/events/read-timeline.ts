import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Json } from '../../events/change-event.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { conditionsOf } from './event-conditions.ts';
import type { EventConditions, FilteredColumns } from './event-conditions.ts';
import { isoTime } from './iso-time.ts';

/** Which changes to show. Absent or empty = all. */
export interface TimelineFilter extends EventConditions {
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

interface Row extends TimelineChange {
  readonly id: number | string;
}

const selected = sql`
  select t.version_id as id, ${isoTime(sql.raw('t.happened_at'), 'US')} as "happenedAt", ${isoTime(sql.raw('t.arrived_at'), 'US')} as "arrivedAt", t.connection_id as "connectionId",
    t.stream, t.kind as type, t.project, t.headline, t.author, t.url, t.event_id as "eventId", t.version, t.status, t.changes,
    t.is_noise as "isNoise", t.is_history as "isHistory"
  from gitlab_timeline t`;

const defaultLimit = 100;

/** Changes in a window of time: versions of events, not their present states. Those by arrival leave out what is known from history. Throws DatabaseError. */
export async function readTimeline(em: SqlEntityManager, query: TimelineQuery): Promise<TimelinePage> {
  const { by = 'happened', after, limit = defaultLimit } = query;
  const time = timeOf(by);
  const [at = '', id = ''] = after?.split('/') ?? [];
  const onward = after === undefined ? sql`true` : sql`(${time}, t.version_id) > (${at}::timestamptz, ${id}::bigint)`;
  return withDatabaseErrors(async () => {
    const { rows } = await sql<Row>`
      ${selected}
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

/** Changes that have been stored since a moment, whatever their times. */
export interface NewChanges {
  readonly changes: readonly TimelineChange[];
  /** Give it to the next call. */
  readonly seen: SeenVersions;
}

/** The versions that a reader of new changes has seen. */
export interface SeenVersions {
  readonly last: number;
  readonly recent: ReadonlySet<number>;
}

/** Transactions that run at the same time may store a version after one with a larger number: so many numbers back are read again. */
const lookBack = 1_000;

/** What was stored since the last call; nothing without `seen`, which only begins. Throws DatabaseError. */
export async function readNewChanges(em: SqlEntityManager, filter: TimelineFilter, seen?: SeenVersions): Promise<NewChanges> {
  return withDatabaseErrors(async () => {
    const kysely = em.fork({ clear: true }).getKysely();
    const newest = await sql<{ readonly id: number }>`select coalesce(max(id), 0)::int8::float8 as id from change_event_versions`.execute(
      kysely,
    );
    const last = newest.rows[0]?.id ?? 0;
    const { rows } = await sql<Row>`
      ${selected}
      where t.version_id > ${(seen?.last ?? last) - lookBack} and ${sql.join(conditionsIn(filter), sql` and `)}
      order by t.version_id`.execute(kysely);
    const changes = seen ? rows.filter(({ id, isHistory }) => !isHistory && !seen.recent.has(Number(id))) : [];
    return {
      changes: changes.map(({ id: _id, ...change }) => change),
      seen: { last, recent: new Set(rows.map(({ id }) => Number(id))) },
    };
  });
}

/** The column of the window. */
export const timeOf = (by: TimelineQuery['by']) => sql.raw(by === 'arrival' ? 't.arrived_at' : 't.happened_at');

const columns: FilteredColumns = {
  connectionId: 't.connection_id',
  project: 't.project',
  title: 't.title',
  author: 't.author',
  environment: `t.metadata ->> 'environment'`,
  status: 't.status',
  eventId: 't.event_id',
};

/** What the rows of the view, as `t`, fulfil. */
export function inWindow({ from, to, by, ...filter }: TimelineQuery): RawBuilder<unknown> {
  const time = timeOf(by);
  const conditions = [
    sql`${time} >= ${from.toISOString()}::timestamptz`,
    sql`${time} < ${to.toISOString()}::timestamptz`,
    ...(by === 'arrival' ? [sql`not t.is_history`] : []),
    ...conditionsIn(filter),
  ];
  return sql.join(conditions, sql` and `);
}

const conditionsIn = ({ showNoise = false, ...filter }: TimelineFilter): ReadonlyArray<RawBuilder<unknown>> => [
  showNoise ? sql`true` : sql`not t.is_noise`,
  ...conditionsOf(filter, columns),
];
