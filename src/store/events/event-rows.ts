import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { EventPage } from './save-events.ts';
import { distinguishedEventId, storableAuthor, storableEventId, storableJson } from './storable.ts';

/** An event as the statement that stores it takes it. */
export type EventRow = ReturnType<typeof rowsOf>[number];

function rowsOf(pages: readonly EventPage[]) {
  return pages.flatMap(({ events, projectId, stream, seenAt, updatesOnly = false }, page) =>
    events.map(({ eventId, formerEventIds, timestamp, statusSince, author, linkKeys, identifiedBy, ...event }) => ({
      ...event,
      page,
      event_id: storableEventId(eventId),
      former: (formerEventIds ?? []).map(storableEventId),
      author: storableAuthor(author),
      at: isPossible(timestamp) ? timestamp : null,
      status_at: statusSince && isPossible(statusSince) ? statusSince : null,
      metadata: isPossible(timestamp) ? event.metadata : { ...event.metadata, timestamp_is_first_sight: true },
      project_id: projectId,
      stream,
      identified_by: identifiedBy ?? null,
      link_keys: (linkKeys ?? []).map((key) => `${projectId}:${key}`),
      seen_at: seenAt,
      updates_only: updatesOnly,
    })),
  );
}

/** Whether the database, and everybody who reads it, knows such a time: a year from 1 to 9999. Null is no time at all. */
function isPossible(time: Date | null): boolean {
  if (time === null) return true;
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999;
}

/** What an event is about, whatever its id is. */
const objectOf = ({ project_id: projectId, stream, identified_by: keys, metadata }: EventRow): string =>
  JSON.stringify([projectId, stream, ...(keys ?? []).map((key) => metadata[key] ?? null)]);

/**
 * The rows by their ids, one for each: PostgreSQL refuses to touch a row twice in one statement. An id belongs to the object that was
 * stored first under it. Another object with the same id gets an id of its own, the same each time.
 */
export async function rowsById(
  kysely: QueryExecutorProvider,
  connectionId: number,
  pages: readonly EventPage[],
): Promise<Map<string, EventRow>> {
  const rows = rowsOf(pages);
  const taken = await takenIds(kysely, connectionId, rows);
  const owners = new Map<string, string>();
  const byId = new Map<string, EventRow>();
  for (const row of rows) {
    const object = objectOf(row);
    const isTaken = row.identified_by !== null && (taken.has(object) || (owners.get(row.event_id) ?? object) !== object);
    // The rows of an older connector belong to the first one as well.
    const own = isTaken ? { ...row, event_id: distinguishedEventId(row.event_id, object), former: [] } : row;
    if (!isTaken) owners.set(row.event_id, object);
    if (!(own.keep && byId.has(own.event_id))) byId.set(own.event_id, own);
  }
  return byId;
}

/** The objects whose id is stored as that of another object. Rows of PainChain's connector name no project: they belong to whoever comes. */
async function takenIds(kysely: QueryExecutorProvider, connectionId: number, rows: readonly EventRow[]): Promise<ReadonlySet<string>> {
  const ambiguous = rows.filter(({ identified_by: keys }) => keys !== null);
  if (ambiguous.length === 0) return new Set();
  const wanted = ambiguous.map((row, position) => ({
    position,
    event_id: row.event_id,
    project_id: row.project_id,
    stream: row.stream,
    identity: Object.fromEntries((row.identified_by ?? []).map((key) => [key, row.metadata[key] ?? null])),
  }));
  const { rows: found } = await sql<{ readonly position: number }>`
    select i.position from jsonb_to_recordset(${storableJson(wanted)}::jsonb) as i (
      position int, event_id text, project_id bigint, stream text, identity jsonb
    )
    join lateral (
      select project_id, stream, metadata::jsonb as metadata from change_events c
      where c.connection_id = ${connectionId} and c.event_id = i.event_id limit 1
    ) e on true
    where e.project_id is not null
      and (e.project_id <> i.project_id or e.stream <> i.stream or exists (
        select from jsonb_each(i.identity) as k where coalesce(e.metadata -> k.key, 'null') <> k.value
      ))`.execute(kysely);
  return new Set(found.flatMap(({ position }) => (ambiguous[position] ? [objectOf(ambiguous[position])] : [])));
}
