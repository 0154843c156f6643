import { sql } from 'kysely';
import type { QueryExecutorProvider, RawBuilder } from 'kysely';

/** How many related events an event names; a commit that is deployed every hour would grow without end. */
export const relatedEventsLimit = 100;

/** How many events are linked in one statement. */
const batchSize = 500;

/** How many ids of events are held at once. */
const listSize = 100_000;

/** What events are read with, and what they are changed with. */
export interface Linking {
  readonly kysely: QueryExecutorProvider;
  readonly inTransaction: (action: (kysely: QueryExecutorProvider) => Promise<unknown>) => Promise<unknown>;
}

/**
 * Fills `description.related_events` of a connection's events that are not linked yet, and of those that they are
 * related to: events of other kinds that share a key (a commit, a tag). Both ways, by id. Safe to stop and to repeat.
 * Events of different projects share no key: with `projectIds` nothing else is touched.
 */
export async function linkEvents({ kysely, inTransaction }: Linking, connectionId: number, projectIds?: readonly number[]): Promise<void> {
  for (let after = 0; ;) {
    const { rows } = await unlinked(connectionId, projectIds, after).execute(kysely);
    const ids = rows.map(({ id }) => id);
    for (let start = 0; start < ids.length; start += batchSize) {
      const batch = linkBatch(connectionId, ids.slice(start, start + batchSize));
      await inTransaction((transaction) => batch.execute(transaction));
    }
    if (ids.length < listSize) return;
    after = ids.at(-1) ?? after;
  }
}

function unlinked(connectionId: number, projectIds: readonly number[] | undefined, after: number): RawBuilder<{ id: number }> {
  const ids = projectIds
    ? sql`and project_id in (select value::bigint from json_array_elements_text(${JSON.stringify(projectIds)}::json))`
    : sql``;
  return sql`
    select id from change_events
    where connection_id = ${connectionId} and is_unlinked and id > ${after} ${ids} order by id limit ${listSize}`;
}

/**
 * Each key is looked up in the index of keys on its own: one search for many of them at once compares every key with every
 * row that is found. `offset 0` keeps PostgreSQL to that, whatever it believes to know of the table.
 */
const linkBatch = (connectionId: number, ids: readonly number[]) => sql`
  with touched as materialized (
    -- Many have been linked with others of the list meanwhile.
    select id, stream, link_keys from change_events where id = any (${[...ids]}::int[]) and is_unlinked
  ),
  touched_keys as materialized (select distinct stream, key from touched, unnest(link_keys) as key),
  affected as materialized (
    select id, stream, link_keys from touched
    union
    select n.id, n.stream, n.link_keys from touched_keys t, ${eventsWithKey('t.key')} n
    where n.connection_id = ${connectionId} and n.stream <> t.stream
  ),
  affected_keys as materialized (select id, stream, key from affected, unnest(link_keys) as key),
  pool as materialized (
    select k.key, n.id, n.stream, n.event_id from (select distinct key from affected_keys) k, ${eventsWithKey('k.key')} n
    where n.connection_id = ${connectionId}
  ),
  pairs as (
    select distinct a.id, p.id as other_id, p.event_id from affected_keys a join pool p on p.key = a.key and p.stream <> a.stream
  ),
  first_pairs as (
    select id, event_id from (select *, row_number() over (partition by id order by other_id) as place from pairs) p
    where place <= ${relatedEventsLimit}
  ),
  related as materialized (
    select a.id, coalesce(jsonb_agg(p.event_id order by p.event_id) filter (where p.event_id is not null), '[]') as event_ids
    from affected a left join first_pairs p on p.id = a.id group by a.id
  )
  update change_events e set
    description = coalesce(e.description::jsonb, '{}') || jsonb_build_object('related_events', r.event_ids),
    is_unlinked = false,
    updated_at = case when e.description::jsonb -> 'related_events' is distinct from r.event_ids then now() else e.updated_at end
  from related r
  where e.id = any ((select coalesce(array_agg(id), '{}') from related)::int[]) and e.id = r.id
    and (e.is_unlinked or e.description::jsonb -> 'related_events' is distinct from r.event_ids)`;

/** The events that have a key, of whatever connection. */
const eventsWithKey = (key: string) =>
  sql`lateral (select id, connection_id, stream, event_id, link_keys from change_events where link_keys @> array[${sql.raw(key)}] offset 0)`;
