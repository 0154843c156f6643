import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Json, JsonObject } from '../../events/change-event.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { conditionsOf } from './event-conditions.ts';
import type { EventConditions, FilteredColumns } from './event-conditions.ts';
import { isoTime } from './iso-time.ts';
import { readEventTable } from '../layouts/event-table.ts';
import type { EventTable } from '../layouts/event-table.ts';

/** Which stored events to list. Absent = all. */
export interface EventFilter extends EventConditions {
  readonly eventIds?: readonly string[] | undefined;
  /** Only events whose last update in GitLab is at this moment or later. */
  readonly since?: Date | undefined;
  /** Only events whose last update in GitLab is before this moment. */
  readonly until?: Date | undefined;
  /** Only events that this connector stored or changed at this moment or later. */
  readonly storedSince?: Date | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** At most this many events. @default 100 */
  readonly limit?: number | undefined;
}

/** A page of events, the latest first. */
export interface EventsPage {
  readonly events: readonly StoredEvent[];
  /** The place of the next page; null at the end. */
  readonly next: string | null;
}

/** An event as it is stored. Times are ISO 8601 in UTC. */
export interface StoredEvent {
  readonly connectionId: number | null;
  readonly eventId: string;
  readonly title: string;
  readonly description: JsonObject | null;
  readonly author: string;
  readonly timestamp: string;
  readonly url: string;
  readonly status: string;
  readonly metadata: JsonObject | null;
  readonly storedAt: string | null;
}

const defaultLimit = 100;

/** Stored events that match a filter, the latest first: states, not changes. Throws DatabaseError. */
export async function readEvents(em: SqlEntityManager, filter: EventFilter = {}): Promise<EventsPage> {
  return withDatabaseErrors(async () => {
    const fork = em.fork({ clear: true });
    const table = await tableOf(fork);
    const at = sql.raw(table.timestamp('e'));
    const { after, limit = defaultLimit } = filter;
    const [time = '', id = ''] = after?.split('/') ?? [];
    const onward = after === undefined ? sql`true` : sql`(${at}, e.id) < (${time}::timestamptz, ${id}::bigint)`;
    const { rows } = await sql<StoredEvent & { readonly id: number | string; readonly place: string }>`
      select e.id, ${isoTime(at, 'US')} as place, e.connection_id as "connectionId", e.event_id as "eventId", e.title, ${columnsOf(table)}, e.author,
        ${isoTime(at)} as "timestamp", e.url, e.status, ${isoTime(sql.raw(table.updatedAt('e')))} as "storedAt"
      from change_events e
      where ${matching(filter, table)} and ${onward}
      order by ${at} desc, e.id desc
      limit ${limit + 1}`.execute(fork.getKysely());
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return {
      events: rows.slice(0, limit).map(({ id: _id, place: _place, ...event }) => event),
      next: last ? `${last.place}/${last.id}` : null,
    };
  });
}

/** How many events match a filter. Throws DatabaseError. */
export async function countStored(em: SqlEntityManager, filter: Omit<EventFilter, 'after' | 'limit'>): Promise<number> {
  return withDatabaseErrors(async () => {
    const fork = em.fork({ clear: true });
    const { rows } = await sql<{ readonly count: number }>`
      select count(*)::int as count from change_events e where ${matching(filter, await tableOf(fork))}`.execute(fork.getKysely());
    return rows[0]?.count ?? 0;
  });
}

/** How change_events was made in a database. */
export const tableOf = (fork: SqlEntityManager): Promise<EventTable> => readEventTable((statement) => fork.execute(statement));

/** The JSON columns of a row `e`. */
export const columnsOf = ({ description, metadata }: EventTable): RawBuilder<unknown> =>
  sql.raw(`e.${description} as description, ${metadata('e')} as metadata`);

const columns: FilteredColumns = {
  connectionId: 'e.connection_id',
  project: `e.metadata ->> 'project'`,
  title: 'e.title',
  author: 'e.author',
  environment: `e.metadata ->> 'environment'`,
  status: 'e.status',
  eventId: 'e.event_id',
};

function matching({ eventIds = [], since, until, storedSince, ...conditions }: EventFilter, table: EventTable): RawBuilder<unknown> {
  const at = sql.raw(table.timestamp('e'));
  const all = [
    sql`e.source = 'gitlab'`,
    ...conditionsOf(conditions, columns),
    ...(eventIds.length === 0 ? [] : [sql`e.event_id = any (${[...eventIds]}::text[])`]),
    ...(since === undefined ? [] : [sql`${at} >= ${since.toISOString()}::timestamptz`]),
    ...(until === undefined ? [] : [sql`${at} < ${until.toISOString()}::timestamptz`]),
    ...(storedSince === undefined ? [] : [sql`${sql.raw(table.updatedAt('e'))} >= ${storedSince.toISOString()}::timestamptz`]),
  ];
  return sql.join(all, sql` and `);
}

/** One version of an event: its state, and what changed. Times are ISO 8601 in UTC. */
export interface EventVersion {
  /** Counted from 1. */
  readonly version: number;
  readonly status: string;
  /** Old and new value by field; null for the first version. */
  readonly changes: Readonly<Record<string, { readonly old: Json; readonly new: Json }>> | null;
  /** When the change happened in GitLab. */
  readonly happenedAt: string;
  /** When the connector read the change, by GitLab's clock. */
  readonly seenAt: string;
}

/** All versions of an event, oldest first. Null when there is no such event. Throws DatabaseError. */
export async function readHistory(em: SqlEntityManager, { connectionId, eventId }: EventKey): Promise<EventVersion[] | null> {
  return withDatabaseErrors(async () => {
    const kysely = em.fork({ clear: true }).getKysely();
    const { rows } = await sql<{ versions: Array<EventVersion | null> }>`
      select json_agg(case when v.id is not null then json_build_object(
        'version', v.version, 'status', v.status, 'changes', v.changes,
        'happenedAt', to_char(v.happened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'seenAt', to_char(v.seen_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end order by v.version) as versions
      from change_events e left join change_event_versions v on v.change_event_id = e.id
      where e.source = 'gitlab' and e.event_id = ${eventId} and (${connectionId ?? null}::int is null or e.connection_id = ${connectionId ?? null}::int)
      group by e.id order by e.id limit 1`.execute(kysely);
    const [row] = rows;
    return row ? row.versions.filter((version) => version !== null) : null;
  });
}

/** Which event to read. Without a connection, the first event with this id. */
export interface EventKey {
  readonly connectionId?: number | undefined;
  readonly eventId: string;
}
