import { sql } from 'kysely';
import type { QueryExecutorProvider, RawBuilder } from 'kysely';
import type { ChangeEvent } from '../../events/change-event.ts';
import type { EventTable } from '../layouts/event-table.ts';
import { rowsById } from './event-rows.ts';
import type { EventRow } from './event-rows.ts';
import { linkedRows, related } from './link-new-events.ts';
import { storableJson } from './storable.ts';

/** How many rows a page inserted and updated. Rows that are equal to their events are not written. */
export interface SavedEvents {
  readonly inserted: number;
  readonly updated: number;
}

/** Events of one stream of one project. */
export interface EventPage {
  readonly projectId: number;
  readonly stream: string;
  readonly events: readonly ChangeEvent[];
  /** When the events were read, by GitLab's clock. Events without a time get this time. */
  readonly seenAt: Date;
  /** Whether to update stored events only, and insert none. */
  readonly updatesOnly?: boolean | undefined;
}

/** The connection and the table to write to. */
export interface EventTarget {
  readonly connectionId: number;
  readonly table: EventTable;
}

/**
 * Inserts new events, updates events that differ, and adds a version for each, in one statement. Does not write rows that are
 * equal. Keeps related events that are already linked, and the first values of the keys in `keep`. Idempotent.
 * Resolves to the counts of each page, in the order of the pages.
 */
export async function saveEvents(kysely: QueryExecutorProvider, target: EventTarget, pages: readonly EventPage[]): Promise<SavedEvents[]> {
  const saved = pages.map(() => ({ inserted: 0, updated: 0 }));
  const rows = await rowsById(kysely, target.connectionId, pages);
  if (rows.size === 0) return saved;
  await continueFormerRows(kysely, target.connectionId, [...rows.values()]);
  const { rows: written } = await upsert(target, storableJson([...rows.values()].map((row, place) => ({ ...row, place })))).execute(kysely);
  await relinkFormerly(
    kysely,
    target.connectionId,
    written.flatMap(({ lost_keys }) => lost_keys ?? []),
  );
  for (const { event_id, inserted } of written) {
    const counts = saved[rows.get(event_id)?.page ?? -1];
    if (counts) counts[inserted ? 'inserted' : 'updated']++;
  }
  return saved;
}

/** Gives the row of an older connector the new event id, so that the update finds the row. */
async function continueFormerRows(kysely: QueryExecutorProvider, connectionId: number, rows: readonly EventRow[]): Promise<void> {
  const renamed = rows
    .filter(({ former }) => former.length > 0)
    .map(({ event_id, former, project_id }) => ({ event_id, former, project_id }));
  if (renamed.length === 0) return;
  await sql`
    with former as (
      select distinct on (i.event_id) i.event_id, e.id
      from jsonb_to_recordset(${storableJson(renamed)}::jsonb) as i (event_id text, former json, project_id bigint)
      cross join lateral json_array_elements_text(i.former) with ordinality as f (event_id, position)
      join change_events e on e.connection_id = ${connectionId} and e.event_id = f.event_id and coalesce(e.project_id, i.project_id) = i.project_id
      where not exists (select 1 from change_events x where x.connection_id = ${connectionId} and x.event_id = i.event_id)
      order by i.event_id, f.position
    )
    update change_events e set event_id = former.event_id from former where e.id = former.id`.execute(kysely);
}

/** What is stored of the keys that GitLab could not answer this time. */
const known = (key: 'description' | 'metadata', column: string) => `coalesce((
    select jsonb_object_agg(k, e.${column}::jsonb -> k) from jsonb_array_elements_text(i.unknown -> '${key}') as k
    where jsonb_typeof(e.${column}::jsonb -> k) <> 'null'
  ), '{}')`;

/** The columns of which something stored may stay: links, the first values of the keys in `keep`, what GitLab could not answer. */
const mergedColumns = ({ description }: EventTable) => `
  case when (i.unknown ->> 'isAuthor')::boolean then coalesce(e.author, i.author) else i.author end as author,
  case when i.unknown is null or e.id is null then i.link_keys
    else coalesce((select array_agg(distinct key) from unnest(i.link_keys || e.link_keys) as key), '{}') end as link_keys,
  (case when e.${description}::jsonb ? 'related_events'
    then i.description || jsonb_build_object('related_events', e.${description}::jsonb -> 'related_events')
    else i.description end) || ${known('description', description)} as description,
  (case when i.keep is null or e.metadata is null then i.metadata
    else i.metadata || (
      select coalesce(jsonb_object_agg(k, e.metadata::jsonb -> k), '{}')
      from jsonb_array_elements_text(i.keep) as k where e.metadata::jsonb ? k
    ) end) || ${known('metadata', 'metadata')} as metadata`;

/** Everything that a version compares: the columns, and the keys of both JSON columns, in one object. */
const flat = (row: string, description: string) =>
  `jsonb_build_object('title', ${row}.title, 'author', ${row}.author, 'url', ${row}.url, 'status', ${row}.status)
   || (coalesce(${row}.${description}::jsonb, '{}') - 'related_events') || (coalesce(${row}.metadata::jsonb, '{}') - 'incomplete')`;

/** A value in a version. A long value is cut; the event itself has the whole value. */
const shortened = (value: string) =>
  `case when length(${value}::text) > 10000 then to_jsonb(left(${value} #>> '{}', 10000) || '...') else ${value} end`;

/** What a row that an older connector has stored does not have is not a change. */
const differences = ({ description }: EventTable) => `
  select jsonb_object_agg(key, jsonb_build_object('old', ${shortened('o.value')}, 'new', ${shortened('n.value')}))
  from jsonb_each(${flat('e', description)}) o full join jsonb_each(${flat('m', 'description')}) n using (key)
  where o.value is distinct from n.value and (e.project_id is not null or o.value is not null and n.value is not null)`;

interface Written {
  readonly event_id: string;
  readonly inserted: boolean;
  /** Link keys that the event no longer has. */
  readonly lost_keys: readonly string[] | null;
}

/** Marks events that share a lost key as unlinked, because they may name an event to which they are no longer related. */
async function relinkFormerly(kysely: QueryExecutorProvider, connectionId: number, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`update change_events set is_unlinked = true where connection_id = ${connectionId} and link_keys && ${[...keys]}::text[]`.execute(
    kysely,
  );
}

/**
 * Looks up each event in the unique index separately (`lateral … limit 1`). With a join PostgreSQL reads the whole table for
 * every page as long as the table has no statistics.
 */
function upsert({ connectionId, table }: EventTarget, json: string): RawBuilder<Written> {
  const { description } = table;
  const storedAt = sql.raw(table.timestamp('e'));
  const before = table.timestamp('(c.stored)');
  // A status begins when GitLab says so, but not before the state that is stored: a merge request may be opened again. GitLab has no time for
  // a change that leaves the row's time as it was, such as the edit of a release. Such a change happens when it is seen.
  const happenedAt = `case
    when (c.stored).id is null then coalesce(c.status_at, c.at)
    when (c.stored).status is distinct from c.status and c.status_at >= ${before} then c.status_at
    when c.at = ${before} then c.seen_at
    else c.at end`;
  return sql<Written>`
    with incoming as (
      select * from jsonb_to_recordset(${json}::jsonb) as i (
        event_id text, title text, description jsonb, author text, at timestamptz, url text, status text, metadata jsonb, keep jsonb,
        project_id bigint, stream text, link_keys text[], seen_at timestamptz, updates_only boolean, unknown jsonb, status_at timestamptz, place int
      )
    ),
    merged as (
      select
        i.place, e.stored, i.event_id, i.title, i.url, i.status, i.project_id, i.stream, i.seen_at, i.updates_only, i.status_at,
        ${sql.raw(table.rounded(`coalesce(i.at, ${table.timestamp('e')}, i.seen_at)`))} as at,
        ${sql.raw(mergedColumns(table))}
      from incoming i
      left join lateral (select c as stored, c.* from change_events c where c.connection_id = ${connectionId} and c.event_id = i.event_id limit 1) e on true
    ),
    changed as (
      select m.*, e.id is null or e.link_keys is distinct from m.link_keys as is_relinked,
        case when e.id is not null then (${sql.raw(differences(table))}) end as changes
      from merged m, lateral (select (m.stored).*) as e
      where (e.id is null and not m.updates_only and m.at >= coalesce((
          select p.events_pruned_before from gitlab_projects p where p.connection_id = ${connectionId} and p.project_id = m.project_id), '-infinity'))
        or e.id is not null and (e.title, e.author, e.url, e.status, ${storedAt}, ${sql.raw(`e.${description}::jsonb, ${table.metadata('e')}::jsonb`)}, e.project_id, e.stream, e.link_keys)
          is distinct from (m.title, m.author, m.url, m.status, m.at, m.description, m.metadata, m.project_id, m.stream, m.link_keys)
    ),
    ${linkedRows(connectionId)},
    written as (
      insert into change_events as e (
        connection_id, source, event_id, title, ${sql.raw(description)}, author, "timestamp", url, status, metadata,
        project_id, stream, link_keys, is_unlinked, created_at, updated_at
      )
      select ${connectionId}, 'gitlab', c.event_id, c.title, c.description || ${related}, c.author, ${sql.raw(table.toTimestamp('c.at'))}, c.url, c.status, c.metadata,
        c.project_id, c.stream, c.link_keys, coalesce(l.is_cut, false), ${sql.raw(table.toCreatedAt('now()'))}, now()
      from changed c left join linked l on l.event_id = c.event_id
      order by c.place
      on conflict (connection_id, event_id) do update set
        title = excluded.title, ${sql.raw(`${description} = excluded.${description}`)}, author = excluded.author, "timestamp" = excluded."timestamp",
        url = excluded.url, status = excluded.status, metadata = excluded.metadata, project_id = excluded.project_id,
        stream = excluded.stream, link_keys = excluded.link_keys, is_unlinked = e.is_unlinked or excluded.is_unlinked,
        updated_at = excluded.updated_at
      returning e.id, e.event_id
    ),
    ${sql.raw(versioned(table, happenedAt))}
    select w.event_id, (c.stored).id is null as inserted,
      (select array_agg(key) from unnest((c.stored).link_keys) as key where key <> all (c.link_keys)) as lost_keys
    from written w join changed c on c.event_id = w.event_id`;
}

/** A new event begins with a version, and each change adds one. Of a row that an older connector has stored, its state there is the first version. */
const versioned = (table: EventTable, happenedAt: string): string => `
    versions as (
      select w.id, 1 as place, (c.stored).status, null::jsonb as changes, least(${table.timestamp('(c.stored)')}, c.seen_at) as happened_at,
        least(greatest(${table.timestamp('(c.stored)')}, ${table.createdAt('(c.stored)')}), c.seen_at) as seen_at
      from written w join changed c on c.event_id = w.event_id
      where (c.stored).id is not null and (c.stored).project_id is null
        and not exists (select from change_event_versions v where v.change_event_id = w.id)
      union all
      select w.id, 2, c.status, c.changes, least(${happenedAt}, c.seen_at), c.seen_at
      from written w join changed c on c.event_id = w.event_id
      where (c.stored).id is null or c.changes is not null
    ),
    versioned as (
      insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
      select n.id, coalesce((select max(v.version) from change_event_versions v where v.change_event_id = n.id), 0)
          + row_number() over (partition by n.id order by n.place), n.status, n.changes, n.happened_at, n.seen_at
      from versions n
    )`;
