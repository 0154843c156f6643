import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { EventTarget } from './save-events.ts';
import { storableEventId, storableJson } from './storable.ts';

/** Events whose objects GitLab no longer has. */
export interface DeletedEvents {
  readonly eventIds: readonly string[];
  /** When that was noticed, by GitLab's clock. */
  readonly seenAt: Date;
}

/** Gives events the status `deleted`, with a version of each. Events that have it already stay as they are. */
export async function markDeleted(
  kysely: QueryExecutorProvider,
  { connectionId }: EventTarget,
  pages: readonly DeletedEvents[],
): Promise<void> {
  const rows = pages.flatMap(({ eventIds, seenAt }) => eventIds.map((id) => ({ event_id: storableEventId(id), seen_at: seenAt })));
  if (rows.length === 0) return;
  await sql`
    with gone as (
      select e.id, e.status as former_status, i.seen_at, i.noticed from jsonb_to_recordset(${storableJson(rows)}::jsonb) as t (event_id text, seen_at text)
      cross join lateral (select t.seen_at::timestamptz as seen_at, jsonb_build_object('deletion_noticed_at', t.seen_at) as noticed) i
      join change_events e on e.connection_id = ${connectionId} and e.event_id = t.event_id and e.status <> 'deleted'
    ),
    updated as (
      update change_events e set status = 'deleted', metadata = e.metadata::jsonb || gone.noticed, updated_at = now()
      from gone where e.id = gone.id
    )
    insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
    select id, coalesce((select max(v.version) from change_event_versions v where v.change_event_id = gone.id), 0) + 1, 'deleted',
      jsonb_build_object('status', jsonb_build_object('old', former_status, 'new', 'deleted')), seen_at, seen_at
    from gone`.execute(kysely);
}
