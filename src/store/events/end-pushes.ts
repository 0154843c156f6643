import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import { tagKeys } from '../../events/link-keys.ts';
import type { TagChanges } from '../../walk-state.ts';
import type { EventTarget } from './save-events.ts';
import { storableJson } from './storable.ts';

/** What a page says of the tags of a container repository. */
export interface SeenTags extends TagChanges {
  readonly projectId: number;
  /** By GitLab's clock. */
  readonly seenAt: Date;
}

/** Notes in the events of images to which a tag points no more what replaced them and when, or that the tag was deleted, with a version of each. */
export async function endPushes(kysely: QueryExecutorProvider, { connectionId }: EventTarget, pages: readonly SeenTags[]): Promise<void> {
  const ended = pages.flatMap(({ projectId, repositoryId, seenAt, looked, moved, removed }) => {
    const place = (name: string) => ({
      project_id: projectId,
      repository_id: repositoryId,
      name,
      key: `${projectId}:${tagKeys(name)[0]}`,
      seen_at: seenAt,
    });
    const names = new Set(moved);
    return [
      ...looked.filter(({ name }) => names.has(name)).map(({ name, digest, pushedAt }) => ({ ...place(name), digest, at: pushedAt })),
      ...removed.map((name) => ({ ...place(name), digest: null, at: seenAt })),
    ];
  });
  if (ended.length === 0) return;
  await sql`
    with ended as (
      select e.id, e.status as former_status, t.*,
        case when t.digest is null then jsonb_build_object('is_current', false, 'deletion_noticed_at', t.at)
          else jsonb_build_object('is_current', false, 'replaced_by', t.digest, 'replaced_at', t.at) end as noted
      from jsonb_to_recordset(${storableJson(ended)}::jsonb) as t (
        project_id bigint, repository_id bigint, name text, key text, digest text, at text, seen_at timestamptz
      )
      join change_events e on e.connection_id = ${connectionId} and e.link_keys @> array[t.key]
        and e.project_id = t.project_id and e.stream = 'registry-images'
        and e.metadata::jsonb ->> 'tag' = t.name and (e.metadata::jsonb ->> 'repository_id')::bigint = t.repository_id
        and coalesce(e.metadata::jsonb -> 'is_current', 'true') = 'true'
        and (t.digest is null or e.metadata::jsonb ->> 'digest' is distinct from t.digest or e.metadata::jsonb ->> 'pushed_at' is distinct from t.at)
    ),
    updated as (
      update change_events e set metadata = e.metadata::jsonb || ended.noted,
        status = case when ended.digest is null then 'deleted' else e.status end, updated_at = now()
      from ended where e.id = ended.id
      returning e.id, e.status
    )
    insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
    select id, coalesce((select max(v.version) from change_event_versions v where v.change_event_id = ended.id), 0) + 1, updated.status,
      (select jsonb_object_agg(key, jsonb_build_object('old', case when key = 'is_current' then 'true'::jsonb end, 'new', value)) from jsonb_each(ended.noted))
        || case when ended.digest is null then jsonb_build_object('status', jsonb_build_object('old', former_status, 'new', 'deleted')) else '{}' end,
      least(ended.at::timestamptz, ended.seen_at), ended.seen_at
    from ended join updated using (id)`.execute(kysely);
}
