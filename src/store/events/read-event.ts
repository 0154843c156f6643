import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { isoTime } from './iso-time.ts';
import { columnsOf, tableOf } from './read-events.ts';
import type { StoredEvent } from './read-events.ts';

/** Which events to read: those of a connection, by their ids. */
export interface EventKeys {
  readonly connectionId: number;
  readonly eventIds: readonly string[];
}

/** An event as it is stored, with its stream. */
export interface StreamedEvent extends StoredEvent {
  readonly connectionId: number;
  readonly stream: string | null;
}

/** The events of a connection with these ids, by time. Unknown ids are left out. Throws DatabaseError. */
export async function readEventsById(em: SqlEntityManager, { connectionId, eventIds }: EventKeys): Promise<StreamedEvent[]> {
  return withDatabaseErrors(async () => {
    const fork = em.fork({ clear: true });
    const table = await tableOf(fork);
    const at = sql.raw(table.timestamp('e'));
    const { rows } = await sql<StreamedEvent>`
      select e.connection_id as "connectionId", e.stream, e.event_id as "eventId", e.title, ${columnsOf(table)}, e.author, ${isoTime(at)} as "timestamp",
        e.url, e.status, ${isoTime(sql.raw(table.updatedAt('e')))} as "storedAt"
      from change_events e
      where e.source = 'gitlab' and e.connection_id = ${connectionId} and e.event_id = any (${[...eventIds]}::text[])
      order by ${at}, e.id`.execute(fork.getKysely());
    return rows;
  });
}

/** When a pipeline began and ended, as GitLab says it. Times are ISO 8601; null = unknown, or not yet. */
export interface Span {
  readonly connectionId: number;
  readonly eventId: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** The spans of the pipelines with these ids. Throws DatabaseError. */
export async function readSpans(em: SqlEntityManager, { connectionId, eventIds }: EventKeys): Promise<Span[]> {
  return withDatabaseErrors(async () => {
    const text = (key: string) => sql<string | null>`e.metadata::jsonb ->> ${key}::text`;
    const { rows } = await sql<Span>`
      select e.connection_id as "connectionId", e.event_id as "eventId", coalesce(${text('started_at')}, ${text('created_at')}) as "startedAt",
        ${text('finished_at')} as "finishedAt"
      from change_events e
      where e.source = 'gitlab' and e.connection_id = ${connectionId} and e.event_id = any (${[...eventIds]}::text[])`.execute(
      em.fork({ clear: true }).getKysely(),
    );
    return rows;
  });
}
