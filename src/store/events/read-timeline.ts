import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Json, JsonObject } from '../../events/change-event.ts';
import { headlineOf } from '../../events/headline.ts';
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

/** One change. Times are ISO 8601 in UTC. */
export interface TimelineChange {
  /** When it happened, by GitLab's clock; never later than `arrivedAt`. */
  readonly happenedAt: string;
  /** When a pass read it, by GitLab's clock. */
  readonly arrivedAt: string;
  readonly connectionId: number;
  /** Name of the stream, such as `merge-requests`. */
  readonly stream: string;
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
  readonly isNoise: boolean;
}

/** A page of changes, the oldest first. */
export interface TimelinePage {
  readonly changes: readonly TimelineChange[];
  /** The place of the next page; null at the end. */
  readonly next: string | null;
}

interface Row extends Omit<TimelineChange, 'headline' | 'isNoise'> {
  readonly id: number | string;
  readonly title: string;
  readonly metadata: JsonObject | null;
  readonly failedJobs: Json;
  /** What later versions have changed, as it was before. */
  readonly since: JsonObject;
  readonly isRollBack: boolean;
}

const defaultLimit = 100;

/** Changes in a window of time: versions of events, not their present states. Throws DatabaseError. */
export async function readTimeline(em: SqlEntityManager, query: TimelineQuery): Promise<TimelinePage> {
  const { by = 'happened', showNoise = false, limit = defaultLimit } = query;
  return withDatabaseErrors(async () => {
    const kysely = em.fork({ clear: true }).getKysely();
    const time = sql.raw(by === 'happened' ? 'v.happened_at' : 'v.seen_at');
    const { rows } = await sql<Row>`
      select v.id, v.version, v.status, v.changes, ${iso('v.happened_at')} as "happenedAt", ${iso('v.seen_at')} as "arrivedAt",
        e.connection_id as "connectionId", e.stream, e.metadata::jsonb ->> 'project' as project, e.title, e.author, e.url,
        e.event_id as "eventId", e.metadata::jsonb as metadata,
        e.description::jsonb -> 'failed_jobs' as "failedJobs",
        (
          select coalesce(jsonb_object_agg(c.key, c.value -> 'old' order by l.version desc), '{}')
          from change_event_versions l cross join lateral jsonb_each(l.changes::jsonb) as c
          where l.change_event_id = v.change_event_id and l.version > v.version
        ) as since,
        e.stream = 'registry-images' and exists (
          select from change_events o where o.connection_id = e.connection_id and o.link_keys @> e.link_keys and o.stream = e.stream and o.id < e.id
            and o.metadata::jsonb ->> 'digest' = e.metadata::jsonb ->> 'digest' and o.metadata::jsonb ->> 'tag' = e.metadata::jsonb ->> 'tag'
            and o.metadata::jsonb ->> 'repository_id' = e.metadata::jsonb ->> 'repository_id'
        ) as "isRollBack"
      from change_event_versions v
      join change_events e on e.id = v.change_event_id
      where ${time} >= ${query.from.toISOString()}::timestamptz and ${time} < ${query.to.toISOString()}::timestamptz
        and ${sql.join(conditions(query, time), sql` and `)}
      order by ${time}, v.id
      limit ${limit + 1}`.execute(kysely);
    const shown = rows.slice(0, limit).map(changeOf);
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const next = last ? `${by === 'happened' ? last.happenedAt : last.arrivedAt}/${last.id}` : null;
    return { changes: showNoise ? shown : shown.filter(({ isNoise }) => !isNoise), next };
  });
}

const iso = (column: string) => sql<string>`to_char(${sql.raw(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

function conditions({ after, by, ...filter }: TimelineQuery, time: ReturnType<typeof sql.raw>) {
  const [at = '', id = ''] = after?.split('/') ?? [];
  return [
    // The row of the next push says it.
    sql`(v.changes is null or not v.changes::jsonb ? 'replaced_by')`,
    ...filters(filter),
    ...(after === undefined ? [] : [sql`(${time}, v.id) > (${at}::timestamptz, ${id}::bigint)`]),
  ];
}

function filters({ connectionIds = [], projects = [], types = [], authors = [], statuses = [], text = '' }: TimelineFilter) {
  const anyOf = (conditions: ReadonlyArray<RawBuilder<unknown>>) =>
    conditions.length === 0 ? [] : [sql`(${sql.join(conditions, sql` or `)})`];
  const contained = `%${escapeLike(text.toLowerCase())}%`;
  return [
    ...(connectionIds.length === 0 ? [] : [sql`e.connection_id = any (${[...connectionIds]}::int[])`]),
    ...anyOf(projects.map((pattern) => pathMatches(sql`e.metadata::jsonb ->> 'project'`, pattern))),
    ...anyOf(types.map((type) => sql`starts_with(e.title, ${`[${type}] `})`)),
    ...anyOf(authors.map((pattern) => sql`lower(e.author) like ${likePattern(pattern)}`)),
    ...(statuses.length === 0 ? [] : [sql`v.status = any (${statuses.map((status) => status.toLowerCase())}::text[])`]),
    ...(text === '' ? [] : [sql`(lower(e.title) like ${contained} or lower(e.event_id) like ${contained})`]),
  ];
}

function changeOf({ id: _id, title, metadata, failedJobs, since, isRollBack, ...row }: Row): TimelineChange {
  const then = { ...metadata, failed_jobs: failedJobs ?? [], title, ...since };
  const { text: headline, isNoise } = headlineOf({
    ...row,
    title: typeof then.title === 'string' ? then.title : title,
    isRollBack,
    metadata: then,
  });
  return { ...row, headline, isNoise };
}
