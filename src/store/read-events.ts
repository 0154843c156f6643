import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { JsonObject } from '../events/change-event.ts';
import { withDatabaseErrors } from './database-errors.ts';
import { eventTableOf } from './save-events.ts';

/** Which stored events to list. Absent = all. */
export interface EventFilter {
  readonly connectionId?: number | undefined;
  /** The word in the titles: `MR`, `Pipeline`, `Release`, `Commit` or `Image`. */
  readonly type?: string | undefined;
  /** Path of a project, or of a group, which means its projects. */
  readonly project?: string | undefined;
  readonly status?: string | undefined;
  /** Those that happened at this moment or later. */
  readonly since?: Date | undefined;
  /** Those that this connector stored or changed at this moment or later. */
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

/** Stored events that a filter lets through, the latest first. */
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
