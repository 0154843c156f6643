import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import { ofProjects } from './of-projects.ts';

/** How many related events an event names; a commit that is deployed every hour would grow without end. */
export const relatedEventsLimit = 100;

/** How many events are linked in one statement. */
const batchSize = 500;

/**
 * Fills `description.related_events` of a connection's events that are not linked yet, and of those that they are
 * related to: events of other kinds that share a key (a commit, a tag). Both ways, by id. Safe to stop and to repeat.
 * Events of different projects share no key: with `projectIds` nothing else is touched.
 */
export async function linkEvents(kysely: QueryExecutorProvider, connectionId: number, projectIds?: readonly number[]): Promise<void> {
  for (;;) {
    const { rows } = await linkBatch(connectionId, projectIds).execute(kysely);
    if ((rows[0]?.touched ?? 0) < batchSize) return;
  }
}

/** Events are joined by their keys, never row by row: each list of keys is looked up in the index once. */
const linkBatch = (connectionId: number, projectIds: readonly number[] | undefined) => sql<{ touched: number }>`
  with touched as materialized (
    select id, stream, link_keys from change_events
    where connection_id = ${connectionId} and is_unlinked ${ofProjects(projectIds)} order by id limit ${batchSize}
  ),
  touched_keys as materialized (select distinct stream, key from touched, unnest(link_keys) as key),
  near as materialized (
    select id, stream, link_keys from change_events
    where connection_id = ${connectionId} and link_keys && (select coalesce(array_agg(distinct key), '{}') from touched_keys)
  ),
  affected as materialized (
    select id, stream, link_keys from touched
    union
    select near.id, near.stream, near.link_keys from near, unnest(near.link_keys) as k join touched_keys t on t.key = k where t.stream <> near.stream
  ),
  affected_keys as materialized (select id, stream, key from affected, unnest(link_keys) as key),
  pool as materialized (
    select id, stream, event_id, key from change_events, unnest(link_keys) as key
    where connection_id = ${connectionId} and link_keys && (select coalesce(array_agg(distinct key), '{}') from affected_keys)
  ),
  pairs as (
    select distinct a.id, p.id as other_id, p.event_id from affected_keys a join pool p on p.key = a.key and p.stream <> a.stream
  ),
  first_pairs as (
    select id, event_id from (select *, row_number() over (partition by id order by other_id) as place from pairs) p
    where place <= ${relatedEventsLimit}
  ),
  related as (
    select a.id, coalesce(jsonb_agg(p.event_id order by p.event_id) filter (where p.event_id is not null), '[]') as event_ids
    from affected a left join first_pairs p on p.id = a.id group by a.id
  ),
  written as (
    update change_events e set
      description = coalesce(e.description::jsonb, '{}') || jsonb_build_object('related_events', r.event_ids),
      is_unlinked = false,
      updated_at = case when e.description::jsonb -> 'related_events' is distinct from r.event_ids then now() else e.updated_at end
    from related r
    where e.id = r.id and (e.is_unlinked or e.description::jsonb -> 'related_events' is distinct from r.event_ids)
  )
  select count(*)::int as touched from touched`;
