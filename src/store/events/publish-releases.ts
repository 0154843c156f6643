import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { EventTarget } from './save-events.ts';

/** Which projects are read, and when, by GitLab's clock. */
export interface PublishQuery {
  readonly projectIds: readonly number[];
  readonly at: Date;
}

/** Publishes the upcoming releases of projects whose time has come, with a version of each that happened at that time. */
export async function publishReleases(
  kysely: QueryExecutorProvider,
  { connectionId, table }: EventTarget,
  { projectIds, at }: PublishQuery,
): Promise<void> {
  const timestamp = sql.raw(table.timestamp('change_events'));
  await sql`
    with published as (
      update change_events set status = 'published', updated_at = now()
      where connection_id = ${connectionId} and project_id = any (${projectIds.map(String)}::text[]::bigint[])
        and stream = 'releases' and status = 'upcoming' and ${timestamp} <= ${at.toISOString()}::timestamptz
      returning id, ${timestamp} as at
    )
    insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
    select id, coalesce((select max(v.version) from change_event_versions v where v.change_event_id = published.id), 0) + 1, 'published',
      '{"status": {"old": "upcoming", "new": "published"}}', published.at, ${at.toISOString()}::timestamptz
    from published`.execute(kysely);
}

/** When the releases that are still upcoming come out: the earliest of each project. */
export async function readUpcoming(
  kysely: QueryExecutorProvider,
  { connectionId, table }: EventTarget,
  projectIds?: readonly number[],
): Promise<ReadonlyMap<number, Date>> {
  const ids = projectIds ? projectIds.map(String) : null;
  const { rows } = await sql<{ readonly row: { readonly id: number; readonly at: string } }>`
    select to_json(r) as row from (
      select project_id as id, min(${sql.raw(table.timestamp('change_events'))}) as at from change_events
      where connection_id = ${connectionId} and stream = 'releases' and status = 'upcoming'
        and (${ids}::text[] is null or project_id = any (${ids}::text[]::bigint[]))
      group by project_id
    ) r`.execute(kysely);
  return new Map(rows.map(({ row }) => [row.id, new Date(row.at)]));
}
