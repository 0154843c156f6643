import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { EventTable } from '../layouts/event-table.ts';

/** Which stored events of a project to count. */
export interface StoredCountQuery {
  readonly projectId: number;
  readonly stream: string;
  /** Which time of an event must be in the window: GitLab's time of creation, or the event's timestamp. */
  readonly by: 'created' | 'timestamp';
  /** Start of the window, inclusive; null = no limit. */
  readonly after: Date | null;
  /** End of the window, inclusive; null = no limit. */
  readonly before: Date | null;
  /** Target branches of merge requests, branches of pipelines. Empty = all. */
  readonly branches: readonly string[];
}

/** How many events of one stream of a project are stored. Child pipelines do not count: they are no rows of a list of GitLab's. */
export async function countEvents(
  kysely: QueryExecutorProvider,
  { connectionId, table }: { readonly connectionId: number; readonly table: EventTable },
  { projectId, stream, by, after, before, branches }: StoredCountQuery,
): Promise<number> {
  const timestamp = sql.raw(table.timestamp('change_events'));
  const at = by === 'timestamp' ? timestamp : sql`(metadata::jsonb ->> 'created_at')::timestamptz`;
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from change_events
    where connection_id = ${connectionId} and project_id = ${projectId} and stream = ${stream} and status <> 'deleted'
      and not coalesce(metadata::jsonb, '{}') ? 'parent_pipeline_id'
      and (${after?.toISOString() ?? null}::timestamptz is null or ${at} >= ${after?.toISOString() ?? null}::timestamptz)
      and (${before?.toISOString() ?? null}::timestamptz is null or ${at} <= ${before?.toISOString() ?? null}::timestamptz)
      and (${branches.length === 0} or coalesce(metadata::jsonb ->> 'target_branch', metadata::jsonb ->> 'ref') = any (${[...branches]}::text[]))`.execute(
    kysely,
  );
  return rows[0]?.count ?? 0;
}
