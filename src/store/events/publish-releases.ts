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
