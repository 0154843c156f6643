import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { ChangeEvent } from '../events/change-event.ts';
import { storableAuthor, storableEventId, storableJson } from './clean.ts';

/** How many rows a page made and changed. Rows that were already as they should be are not touched. */
export interface SavedEvents {
  readonly inserted: number;
  readonly updated: number;
}

/** What depends on who created change_events. */
export interface EventTable {
  /** PainChain's own table has timestamps without a zone, in UTC by convention. */
  readonly hasNaiveTimestamps: boolean;
}

/** A page of events of one stream of one project. */
export interface EventPage {
  readonly connectionId: number;
  readonly projectId: number;
  readonly stream: string;
  readonly events: readonly ChangeEvent[];
  readonly seenAt: Date;
  readonly table: EventTable;
}

/** How change_events was created in this database. */
export async function eventTableOf(em: SqlEntityManager): Promise<EventTable> {
  const rows = await em.execute<Array<{ data_type: string }>>(
    `select data_type from information_schema.columns
     where table_schema = any (current_schemas(false)) and table_name = 'change_events' and column_name = 'timestamp'`,
  );
  return { hasNaiveTimestamps: rows[0]?.data_type === 'timestamp without time zone' };
}

/**
 * Inserts events that are new and updates those that differ, in one statement; the rest is not written at all.
 * Related events that are already linked, and first values of the keys in `keep`, stay. Idempotent.
 */
export async function saveEvents(kysely: Kysely<never>, page: EventPage): Promise<SavedEvents> {
  if (page.events.length === 0) return { inserted: 0, updated: 0 };
  const rows = rowsOf(page.events);
  const json = storableJson(rows);
  if (rows.some(({ former }) => former.length > 0)) await continueFormerRows(kysely, page.connectionId, json);
  const { rows: written } = await upsert(page, json).execute(kysely);
  const inserted = written.filter((row) => row.inserted).length;
  return { inserted, updated: written.length - inserted };
}

/** One row for each event id: PostgreSQL refuses to touch a row twice in one statement. */
function rowsOf(events: readonly ChangeEvent[]) {
  const rows = events.map(({ eventId, formerEventIds, timestamp, author, ...event }) => ({
    ...event,
    event_id: storableEventId(eventId),
    former: (formerEventIds ?? []).map(storableEventId),
    author: storableAuthor(author),
    at: timestamp !== null && Number.isNaN(timestamp.getTime()) ? null : timestamp,
  }));
  return [...new Map(rows.map((row) => [row.event_id, row])).values()];
}

/** Gives the row of an older connector its new id, so that the update finds it. */
async function continueFormerRows(kysely: Kysely<never>, connectionId: number, json: string): Promise<void> {
  await sql`
    with former as (
      select distinct on (i.event_id) i.event_id, e.id
      from json_to_recordset(${json}::json) as i (event_id text, former json)
      cross join lateral json_array_elements_text(i.former) with ordinality as f (event_id, position)
      join change_events e on e.connection_id = ${connectionId} and e.event_id = f.event_id
      where not exists (select 1 from change_events x where x.connection_id = ${connectionId} and x.event_id = i.event_id)
      order by i.event_id, f.position
    )
    update change_events e set event_id = former.event_id from former where e.id = former.id`.execute(kysely);
}

function upsert({ connectionId, projectId, stream, seenAt, table }: EventPage, json: string): RawBuilder<{ inserted: boolean }> {
  const toColumn = (time: 'at' | 'now()') => sql.raw(table.hasNaiveTimestamps ? `${time} at time zone 'UTC'` : time);
  const storedAt = sql.raw(table.hasNaiveTimestamps ? `(e."timestamp" at time zone 'UTC')` : 'e."timestamp"');
  return sql<{ inserted: boolean }>`
    with incoming as (
      select * from json_to_recordset(${json}::json) as i (
        event_id text, title text, description jsonb, author text, at timestamptz, url text, status text, metadata jsonb, keep jsonb
      )
    ),
    merged as (
      select
        e as stored, i.event_id, i.title, i.author, i.url, i.status,
        coalesce(i.at, ${storedAt}, ${seenAt.toISOString()}::timestamptz) as at,
        case when e.description::jsonb ? 'related_events'
          then i.description || jsonb_build_object('related_events', e.description::jsonb -> 'related_events')
          else i.description end as description,
        case when i.keep is null or e.metadata is null then i.metadata
          else i.metadata || (
            select coalesce(jsonb_object_agg(k, e.metadata::jsonb -> k), '{}')
            from jsonb_array_elements_text(i.keep) as k where e.metadata::jsonb ? k
          ) end as metadata
      from incoming i
      left join change_events e on e.connection_id = ${connectionId} and e.event_id = i.event_id
    ),
    changed as (
      select m.* from merged m, lateral (select (m.stored).*) as e
      where e.id is null
        or (e.title, e.author, e.url, e.status, ${storedAt}, e.description::jsonb, e.metadata::jsonb, e.project_id, e.stream)
          is distinct from (m.title, m.author, m.url, m.status, m.at, m.description, m.metadata, ${projectId}::bigint, ${stream}::text)
    )
    insert into change_events (
      connection_id, source, event_id, title, description, author, "timestamp", url, status, metadata, project_id, stream, created_at, updated_at
    )
    select ${connectionId}, 'gitlab', event_id, title, description, author, ${toColumn('at')}, url, status, metadata,
      ${projectId}::bigint, ${stream}::text, ${toColumn('now()')}, now()
    from changed
    on conflict (connection_id, event_id) do update set
      title = excluded.title, description = excluded.description, author = excluded.author, "timestamp" = excluded."timestamp",
      url = excluded.url, status = excluded.status, metadata = excluded.metadata, project_id = excluded.project_id,
      stream = excluded.stream, updated_at = excluded.updated_at
    returning (xmax = 0) as inserted`;
}
