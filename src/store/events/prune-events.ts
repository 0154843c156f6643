import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueryExecutorProvider, RawBuilder } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { readEventTable } from '../layouts/event-table.ts';
import type { EventTable } from '../layouts/event-table.ts';

/** What to delete. */
export interface PruneQuery {
  /** Delete what was read before this moment. */
  readonly before: Date;
  /** Whether to delete events too; else each event keeps its last version. */
  readonly events: boolean;
  /** Absent = of every connection. */
  readonly connectionId?: number | undefined;
  /** Stops after the batch in progress. */
  readonly signal?: AbortSignal | undefined;
}

/** How many rows were deleted. */
export interface Pruned {
  /** Versions, beside those that went with their events. */
  readonly versions: number;
  readonly events: number;
  /** Gaps of projects that are not read any more. */
  readonly gaps: number;
}

/** How many rows are looked at in one transaction. */
const batchSize = 5_000;

/** Events that go on: GitLab is asked for them again, whatever their age. */
const unfinished = [
  'opened',
  'locked',
  'upcoming',
  'created',
  'waiting_for_resource',
  'waiting_for_callback',
  'preparing',
  'pending',
  'running',
  'canceling',
  'manual',
  'scheduled',
  'blocked',
];

/** Deletes in batches, each in a transaction of its own, with what it says of the projects. Can be repeated after it was stopped. Throws DatabaseError. */
export async function pruneEvents(em: SqlEntityManager, query: PruneQuery): Promise<Pruned> {
  return withDatabaseErrors(async () => {
    const table = await readEventTable((statement) => em.fork({ clear: true }).execute(statement));
    const deleted = { versions: 0, events: 0, gaps: 0 };
    const inBatches = async (kind: keyof Pruned, batch: (after: Place) => RawBuilder<Batch>) => {
      let after: Place = { at: '-infinity', id: '0' };
      for (;;) {
        query.signal?.throwIfAborted();
        const [done] = await runBatch(em, batch(after));
        if (!done) return;
        deleted[kind] += done.deleted;
        if (done.id === null || done.at === null) return;
        after = { at: done.at, id: done.id };
      }
    };
    if (query.events) await inBatches('events', (after) => eventBatch(table, query, after));
    await inBatches('versions', (after) => versionBatch(query, after));
    deleted.gaps = await pruneGaps(em.fork({ clear: true }).getKysely(), query);
    return deleted;
  });
}

/** The last row of a batch. */
interface Place {
  readonly at: string;
  readonly id: string;
}

interface Batch {
  readonly deleted: number;
  /** The last row that was looked at; null = none was. */
  readonly at: string | null;
  readonly id: string | null;
}

const runBatch = (em: SqlEntityManager, batch: RawBuilder<Batch>): Promise<readonly Batch[]> =>
  em.fork({ clear: true }).transactional(async (transaction) => (await batch.execute(transaction.getKysely())).rows);

const ofConnection = ({ connectionId }: PruneQuery) => (connectionId === undefined ? sql`true` : sql`e.connection_id = ${connectionId}`);

/** Looks at the next versions in the order in which they were read, and deletes those that a later version follows. */
const versionBatch = (query: PruneQuery, after: Place): RawBuilder<Batch> => sql<Batch>`
  with looked as materialized (
    select v.id, v.change_event_id, v.version, v.seen_at from change_event_versions v
    where v.seen_at < ${query.before} and (v.seen_at, v.id) > (${after.at}::timestamptz, ${after.id}::bigint)
    order by v.seen_at, v.id limit ${batchSize}
  ), gone as (
    delete from change_event_versions d using looked v join change_events e on e.id = v.change_event_id
    where d.id = v.id and ${ofConnection(query)}
      and exists (select from change_event_versions l where l.change_event_id = v.change_event_id and l.version > v.version)
    returning e.connection_id, e.project_id
  ), ${noted('history_pruned_before', query.before)}
  ${lastOf(sql`seen_at`)}`;

/**
 * Looks at the next events, and deletes those that have ended, are not what a tag or an environment has now, and of which nothing was read since. Events that are related to them are linked
 * again by the next pass. From then on everything older is not stored again.
 */
const eventBatch = (table: EventTable, query: PruneQuery, after: Place): RawBuilder<Batch> => sql<Batch>`
  with looked as materialized (
    select e.id from change_events e where e.id > ${after.id}::bigint order by e.id limit ${batchSize}
  ), gone as (
    delete from change_events e using looked o
    where e.id = o.id and ${ofConnection(query)} and e.project_id is not null and ${sql.raw(table.timestamp('e'))} < ${query.before}
      and e.status <> all (${unfinished}::text[]) and e.metadata::jsonb ->> 'is_current' is distinct from 'true'
      and not exists (select from change_event_versions v where v.change_event_id = e.id and v.seen_at >= ${query.before})
    returning e.id, e.connection_id, e.project_id, e.link_keys
  ), versions as (
    -- A partitioned table takes no foreign key that would do it.
    delete from change_event_versions v using gone g where v.change_event_id = g.id
  ), ${noted('events_pruned_before', query.before)}, shallower as (
    update gitlab_stream_state s set depth = ${query.before} from (select distinct connection_id, project_id from gone) g
    where s.connection_id = g.connection_id and s.project_id = g.project_id and s.depth < ${query.before}
  ), relinked as (
    update change_events e set is_unlinked = true
    from (select connection_id, array_agg(distinct key) as keys from gone, unnest(link_keys) as key group by connection_id) g
    where e.connection_id = g.connection_id and e.link_keys && g.keys and not e.is_unlinked and e.id not in (select id from gone)
  )
  ${lastOf(sql`'-infinity'::timestamptz`)}`;

/** Says of the projects of deleted rows that older ones are not there. */
const noted = (column: string, before: Date) => sql`noted as (
    update gitlab_projects p set ${sql.ref(column)} = ${before} from (select distinct connection_id, project_id from gone) g
    where p.connection_id = g.connection_id and p.project_id = g.project_id and coalesce(${sql.ref(`p.${column}`)} < ${before}, true)
  )`;

/** How many rows a batch has deleted, and the last one that it has looked at. */
const lastOf = (at: RawBuilder<unknown>) => sql`
  select (select count(*)::int from gone) as deleted, l.at::text as at, l.id::text as id
  from (select 1) one left join (select ${at} as at, id from looked order by 1 desc, 2 desc limit 1) l on true`;

async function pruneGaps(kysely: QueryExecutorProvider, { before, connectionId }: PruneQuery): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    delete from gitlab_gaps g using gitlab_projects p
    where p.connection_id = g.connection_id and p.project_id = g.project_id and least(p.gone_at, p.unselected_at) < ${before}
      and ${connectionId === undefined ? sql`true` : sql`g.connection_id = ${connectionId}`}`.execute(kysely);
  return Number(numAffectedRows);
}
