import { sql } from 'kysely';
import { isOfOneStream, relatedEventsLimit, relates } from './link-events.ts';

/**
 * Parts of the statement that stores events, after `changed`: `linked` has the related events of each row that is new or has other link keys,
 * stored before or by the same statement; `queued` notes the stored ones, which are to name the new row too.
 */
export const linkedRows = (connectionId: number) => sql`
    new_keys as materialized (
      select c.event_id, c.stream, key from changed c, unnest(c.link_keys) as key where c.is_relinked and ${relates('key')}
    ),
    -- One search for each key, as in linkEvents.
    kin as materialized (
      select k.key, k.stream, n.id, n.event_id from (select distinct key, stream from new_keys) k,
        lateral (
          select o.id, o.connection_id, o.event_id from change_events o
          where o.link_keys @> array[k.key] and (o.stream <> k.stream or ${isOfOneStream('k.key')}) offset 0
        ) n
      where n.connection_id = ${connectionId}
    ),
    linked as materialized (
      select event_id, jsonb_agg(other order by other) as event_ids, count(*) > ${relatedEventsLimit} as is_cut from (
        select k.event_id, n.event_id as other from new_keys k join kin n on n.key = k.key and n.stream = k.stream where n.event_id <> k.event_id
        union
        select k.event_id, o.event_id from new_keys k join new_keys o on o.key = k.key and o.event_id <> k.event_id
        where o.stream <> k.stream or ${isOfOneStream('k.key')}
      ) pairs group by event_id
    ),
    queued as (
      insert into gitlab_unlinked (connection_id, change_event_id)
      select distinct ${connectionId}::int, n.id from kin n
      where exists (select from new_keys k where k.key = n.key and k.stream = n.stream and k.event_id <> n.event_id)
      order by 2
      on conflict do nothing
    )`;

/** What a row says of its related events. One with more than fit is linked at the end of the pass, which chooses those that stay. */
export const related = sql`case when not c.is_relinked then '{}'
        else jsonb_build_object('related_events', case when l.event_id is null or l.is_cut then '[]' else l.event_ids end) end`;
