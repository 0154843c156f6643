import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';

/** How many related events an event names; a commit that is deployed every hour would grow without end. */
export const relatedEventsLimit = 100;

/** How many events are linked in one statement. */
const batchSize = 500;

/**
 * Fills `description.related_events` of a connection's events that are not linked yet, and of those that they are
 * related to: events of other kinds that share a key (a commit, a tag). Both ways, by id. Safe to stop and to repeat.
 */
export async function linkEvents(kysely: QueryExecutorProvider, connectionId: number): Promise<void> {
  for (;;) {
    const { rows } = await linkBatch(connectionId).execute(kysely);
    if ((rows[0]?.touched ?? 0) < batchSize) return;
  }
}

const linkBatch = (connectionId: number) => sql<{ touched: number }>`
  with touched as (
    select id, stream, link_keys from change_events where connection_id = ${connectionId} and is_unlinked order by id limit ${batchSize}
  ),
  affected as (
    select id from touched
    union
    select e.id from touched t join change_events e
      on e.connection_id = ${connectionId} and e.link_keys && t.link_keys and e.stream <> t.stream
  ),
  related as (
    select a.id, coalesce((
      select jsonb_agg(r.event_id order by r.event_id) from (
        select o.event_id from change_events o
        where o.connection_id = ${connectionId} and o.link_keys && e.link_keys and o.stream <> e.stream
        order by o.id limit ${relatedEventsLimit}
      ) r
    ), '[]') as event_ids
    from affected a join change_events e on e.id = a.id
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
