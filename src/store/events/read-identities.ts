import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { StoredRow } from '../../walk-state.ts';
import { distinction, storableEventId } from './storable.ts';
import type { EventTable } from '../layouts/event-table.ts';

/** Which event is stored, and which state of it. */
export interface StoredIdentity {
  readonly eventId: string;
  /** When it happened, by GitLab's clock. */
  readonly timestamp: Date;
  /** GitLab's time of creation; null where the row has none. */
  readonly createdAt: Date | null;
  /** The target of a merge request, the ref of a pipeline; null for anything else. */
  readonly branch: string | null;
}

interface IdentityRow {
  readonly event_id: string;
  readonly at: string | number;
  readonly created_at: string | null;
  readonly branch: string | null;
}

/** Which events to read. */
export interface StoredIdentitiesQuery {
  readonly connectionId: number;
  readonly table: EventTable;
  readonly projectId: number;
  readonly stream: string;
}

/** Every stored event of one stream of a project, without its texts, the earliest first. Child pipelines are no rows of a list of GitLab's. */
export async function readIdentities(
  kysely: QueryExecutorProvider,
  { connectionId, table, projectId, stream }: StoredIdentitiesQuery,
): Promise<StoredIdentity[]> {
  const timestamp = sql.raw(table.timestamp('change_events'));
  const { rows } = await sql<IdentityRow>`
    select regexp_replace(event_id, ${distinction}, '') as event_id, extract(epoch from ${timestamp}) * 1000 as at, metadata::jsonb ->> 'created_at' as created_at,
      coalesce(metadata::jsonb ->> 'target_branch', metadata::jsonb ->> 'ref') as branch
    from change_events where connection_id = ${connectionId} and project_id = ${projectId} and stream = ${stream} and status <> 'deleted'
      and not coalesce(metadata::jsonb, '{}') ? 'parent_pipeline_id'
    order by ${timestamp}, id`.execute(kysely);
  return rows.map(({ event_id: eventId, at, created_at: createdAt, branch }) => ({
    eventId,
    timestamp: new Date(Number(at)),
    createdAt: createdAt === null ? null : new Date(createdAt),
    branch,
  }));
}

/** Which events to read by their statuses. */
export interface StoredInStatusQuery extends Omit<StoredIdentitiesQuery, 'table'> {
  readonly statuses: readonly string[];
  /** The keys of `metadata` that name a row, and tell it from every other one. */
  readonly key: string;
  readonly identity: string;
}

/** The events of one stream of a project that have one of these statuses, the newest first. */
export async function readInStatus(
  kysely: QueryExecutorProvider,
  { connectionId, projectId, stream, statuses, key, identity }: StoredInStatusQuery,
): Promise<StoredRow[]> {
  const { rows } = await sql<{
    readonly event_id: string;
    readonly key: string | null;
    readonly identity: string | null;
    readonly created_at: string | null;
  }>`
    select event_id, metadata::jsonb ->> ${key} as key, metadata::jsonb ->> ${identity} as identity, metadata::jsonb ->> 'created_at' as created_at from change_events
    where connection_id = ${connectionId} and project_id = ${projectId} and stream = ${stream} and status = any (${[...statuses]}::text[])
    order by id desc`.execute(kysely);
  return rows.flatMap(({ event_id: eventId, key: name, identity: self, created_at: createdAt }) =>
    name === null || self === null
      ? []
      : [{ eventId, key: name, identity: self, createdAt: createdAt === null ? null : new Date(createdAt) }],
  );
}

/** Which events of a project to look up. */
export interface StoredTimesQuery extends Omit<StoredIdentitiesQuery, 'stream'> {
  readonly eventIds: readonly string[];
}

/** The times of events, as far as they are stored. */
export async function readTimes(
  kysely: QueryExecutorProvider,
  { connectionId, table, projectId, eventIds }: StoredTimesQuery,
): Promise<Map<string, Date>> {
  const timestamp = sql.raw(table.timestamp('change_events'));
  const { rows } = await sql<Pick<IdentityRow, 'event_id' | 'at'>>`
    select event_id, extract(epoch from ${timestamp}) * 1000 as at from change_events
    where connection_id = ${connectionId} and project_id = ${projectId} and event_id = any (${[...eventIds]}::text[])`.execute(kysely);
  return new Map(rows.map(({ event_id: eventId, at }) => [eventId, new Date(Number(at))]));
}

/** The statuses of these events, as far as they are stored, by event id. */
export async function readStatuses(
  kysely: QueryExecutorProvider,
  connectionId: number,
  eventIds: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await sql<{ readonly event_id: string; readonly status: string }>`
    select i.event_id, e.status from unnest(${eventIds.map(storableEventId)}::text[]) as i (event_id)
    join lateral (
      select c.status from change_events c where c.connection_id = ${connectionId} and c.event_id = i.event_id limit 1
    ) e on true`.execute(kysely);
  const stored = new Map(rows.map(({ event_id: id, status }) => [id, status]));
  return new Map(
    eventIds.flatMap((id) => {
      const status = stored.get(storableEventId(id));
      return status === undefined ? [] : [[id, status] as const];
    }),
  );
}
