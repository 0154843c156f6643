import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Json, JsonObject } from '../../events/change-event.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { eventTableOf } from './save-events.ts';

/** Which stored events to list. Absent = all. */
export interface EventFilter {
  readonly connectionId?: number | undefined;
  /** The word in the titles: `MR`, `Pipeline`, `Release`, `Commit` or `Image`. */
  readonly type?: string | undefined;
  /** Path of a project, or of a group for all its projects. */
  readonly project?: string | undefined;
  readonly status?: string | undefined;
  /** Only events that happened at this moment or later. */
  readonly since?: Date | undefined;
  /** Only events that this connector stored or changed at this moment or later. */
  readonly storedSince?: Date | undefined;
  readonly limit: number;
}

/** An event as it is stored. Times are ISO 8601 in UTC. */
export interface StoredEvent {
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

/** Stored events that match a filter, the latest first. */
export async function readEvents(em: SqlEntityManager, filter: EventFilter): Promise<StoredEvent[]> {
  return withDatabaseErrors(async () => {
    const fork = em.fork({ clear: true });
    const { hasNaiveTimestamps } = await eventTableOf(fork);
    const at = sql.raw(hasNaiveTimestamps ? `(e."timestamp" at time zone 'UTC')` : 'e."timestamp"');
    const iso = (time: typeof at) => sql<string>`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
    const { rows } = await sql<StoredEvent>`
      select e.event_id as "eventId", e.title, e.description, e.author, ${iso(at)} as "timestamp", e.url, e.status, e.metadata,
        ${iso(sql.raw('e.updated_at'))} as "storedAt"
      from change_events e
      where e.source = 'gitlab' and ${sql.join(conditions(filter, at), sql` and `)}
      order by ${at} desc, e.id desc
      limit ${filter.limit}`.execute(fork.getKysely());
    return rows;
  });
}

function conditions(filter: EventFilter, at: ReturnType<typeof sql.raw>) {
  const { connectionId, type, project, status, since, storedSince } = filter;
  const path = project?.toLowerCase();
  return [
    sql`true`,
    ...(connectionId === undefined ? [] : [sql`e.connection_id = ${connectionId}`]),
    ...(type === undefined ? [] : [sql`starts_with(e.title, ${`[${type}] `})`]),
    ...(path === undefined
      ? []
      : [sql`(lower(e.metadata ->> 'project') = ${path} or starts_with(lower(e.metadata ->> 'project'), ${`${path}/`}))`]),
    ...(status === undefined ? [] : [sql`e.status = ${status.toLowerCase()}`]),
    ...(since === undefined ? [] : [sql`${at} >= ${since.toISOString()}::timestamptz`]),
    ...(storedSince === undefined ? [] : [sql`e.updated_at >= ${storedSince.toISOString()}::timestamptz`]),
  ];
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

/** All versions of an event, oldest first. Null when there is no such event. */
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
