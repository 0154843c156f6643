import { sql } from 'kysely';
import type { QueryExecutorProvider, RawBuilder } from 'kysely';
import type { EventTarget } from './save-events.ts';

/** How many related events an event lists at most. Without a limit the row of a commit that is deployed every hour would grow forever. */
export const relatedEventsLimit = 100;

/** How many events are linked in one statement. */
const batchSize = 500;

/** How many ids of events are in memory at once. */
const listSize = 100_000;

/** Access to the database: for reading, and for changes in a transaction. */
export interface Linking {
  readonly kysely: QueryExecutorProvider;
  readonly inTransaction: (action: (kysely: QueryExecutorProvider) => Promise<unknown>) => Promise<unknown>;
}

/**
 * Fills `description.related_events` of the events of a connection to which a related event was added since they were stored (`gitlab_unlinked`), and
 * of events that lost a key or that an earlier version has stored (`is_unlinked`), with their related events.
 * Two events are related when they are of different streams and share a key, such as that of a commit or a tag; or when one is the child pipeline of the other. Each names the
 * other by its id. A call that was stopped can be repeated. With `projectIds` only events of these projects change, because
 * events of different projects share no key.
 */
export async function linkEvents({ kysely, inTransaction }: Linking, target: EventTarget, projectIds?: readonly number[]): Promise<void> {
  for (let after = 0; ;) {
    const { rows } = await unlinked(target.connectionId, projectIds, after).execute(kysely);
    const ids = rows.map(({ id }) => id);
    for (let start = 0; start < ids.length; start += batchSize) {
      const batch = linkBatch(target, ids.slice(start, start + batchSize));
      await inTransaction((transaction) => batch.execute(transaction));
    }
    if (ids.length < listSize) return;
    after = ids.at(-1) ?? after;
  }
}

function unlinked(connectionId: number, projectIds: readonly number[] | undefined, after: number): RawBuilder<{ id: number }> {
  const ids = projectIds
    ? sql`e.project_id in (select value::bigint from json_array_elements_text(${JSON.stringify(projectIds)}::json))`
    : sql`true`;
  return sql`
    (
      select id from change_events e where connection_id = ${connectionId} and is_unlinked and id > ${after} and ${ids} order by id limit ${listSize}
    ) union (
      select u.change_event_id from gitlab_unlinked u left join change_events e on e.id = u.change_event_id
      where u.connection_id = ${connectionId} and u.change_event_id > ${after} and (e.id is null or ${ids}) order by 1 limit ${listSize}
    ) order by 1 limit ${listSize}`;
}

/**
 * Looks up each key in the index separately, because one search for many keys compares every key with every row that is
 * found. `offset 0` prevents PostgreSQL from choosing that plan, whatever its statistics say.
 */
const linkBatch = ({ connectionId, table }: EventTarget, ids: readonly number[]) => sql`
  with touched as materialized (
    select id, stream, link_keys, is_unlinked from change_events where id = any (${[...ids]}::int[])
  ),
  -- Those that are related to an event of the queue are in the queue themselves, or name it already.
  touched_keys as materialized (select distinct stream, key from touched, unnest(link_keys) as key where is_unlinked and ${relates('key')}),
  affected as materialized (
    select id, stream, link_keys from touched
    union
    select n.id, n.stream, n.link_keys from touched_keys t, ${eventsWithKey('t.key')} n
    where n.connection_id = ${connectionId} and (n.stream <> t.stream or ${isOfOneStream('t.key')})
  ),
  affected_keys as materialized (select id, stream, key from affected, unnest(link_keys) as key where ${relates('key')}),
  pool as materialized (
    select k.key, n.id, n.stream, n.event_id from (select distinct key from affected_keys) k, ${eventsWithKey('k.key')} n
    where n.connection_id = ${connectionId}
  ),
  pairs as (
    select distinct a.id, p.id as other_id, p.event_id from affected_keys a join pool p on p.key = a.key and p.id <> a.id and (p.stream <> a.stream or ${isOfOneStream('a.key')})
  ),
  first_pairs as (
    select id, event_id from (select *, row_number() over (partition by id order by other_id) as place from pairs) p
    where place <= ${relatedEventsLimit}
  ),
  related as materialized (
    select a.id, coalesce(jsonb_agg(p.event_id order by p.event_id) filter (where p.event_id is not null), '[]') as event_ids
    from affected a left join first_pairs p on p.id = a.id group by a.id
  ), linked as (
    delete from gitlab_unlinked where connection_id = ${connectionId} and change_event_id = any (${[...ids]}::int[])
  )
  update change_events e set
    ${sql.raw(`${table.description} = coalesce(e.${table.description}::jsonb, '{}')`)} || jsonb_build_object('related_events', r.event_ids),
    is_unlinked = false,
    updated_at = case when ${relatedEvents(table)} is distinct from r.event_ids then now() else e.updated_at end
  from related r
  where e.id = any ((select coalesce(array_agg(id), '{}') from related)::int[]) and e.id = r.id
    and (e.is_unlinked or ${relatedEvents(table)} is distinct from r.event_ids)`;

const relatedEvents = ({ description }: EventTarget['table']) => sql.raw(`e.${description}::jsonb -> 'related_events'`);

/** Whether a key relates events of one stream: that of a pipeline and its children. */
export const isOfOneStream = (key: string) => sql`${sql.raw(key)} like '%:pipeline:%'`;

/** Whether a key relates events. That of an environment only finds its deployments, which may be very many. */
export const relates = (key: string) => sql`${sql.raw(key)} not like '%:env:%'`;

/** The events that have a key, of all connections. */
const eventsWithKey = (key: string) =>
  sql`lateral (select id, connection_id, stream, event_id, link_keys from change_events where link_keys @> array[${sql.raw(key)}] offset 0)`;
