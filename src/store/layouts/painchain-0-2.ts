import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * The tables of PainChain 0.2: the id of an event is `external_id`, its kind is `event_type`, the author stands in `metadata`, the description is text,
 * and `updated_at` must be filled and has no default. The connector adds its own columns beside these, and a trigger keeps both the same, whoever writes.
 */
export const painchain02Columns: readonly string[] = [
  'alter table change_events add column if not exists description_json jsonb',
  `alter table change_events alter column updated_at set default (now() at time zone 'UTC')`,
  `alter table connections alter column updated_at set default (now() at time zone 'UTC')`,
  `update change_events set event_id = external_id, author = coalesce(metadata ->> 'author', 'unknown') where source = 'gitlab' and stream is null`,
  `create or replace function gitlab_fill_painchain_row() returns trigger language plpgsql as $$
  begin
    if tg_op = 'INSERT' and new.event_id is null then
      new.event_id := new.external_id;
    elsif tg_op = 'INSERT' or new.event_id is distinct from old.event_id then
      new.external_id := new.event_id;
    elsif new.external_id is distinct from old.external_id then
      new.event_id := new.external_id;
    end if;
    -- A row that PainChain's own connector has written, and this connector has not read yet.
    if new.stream is null then
      new.author := coalesce(new.metadata ->> 'author', 'unknown');
      return new;
    end if;
    new.event_type := substring(new.title from '^\\[(\\w+)\\]');
    new.description := new.description_json ->> 'text';
    new.metadata := coalesce(new.metadata, '{}') || jsonb_build_object('author', new.author);
    -- PainChain's API puts this over the metadata. What its own connector has written stays where the metadata have no such key.
    new.event_metadata := (coalesce(new.event_metadata, '{}') - array(select jsonb_object_keys(new.metadata)))
      || (coalesce(new.description_json, '{}') - 'text' - 'metadata')
      || jsonb_build_object('project_id', new.project_id::text)
      || case new.event_type
        when 'MR' then jsonb_build_object('approvals_count', new.metadata -> 'approved_count')
        when 'Pipeline' then jsonb_build_object(
          'status', new.status, 'duration', new.metadata -> 'duration_seconds',
          'failed_jobs_detail', coalesce((
            select jsonb_agg(job -> 'name') from jsonb_array_elements(
              case when jsonb_typeof(new.description_json -> 'failed_jobs') = 'array' then new.description_json -> 'failed_jobs' else '[]' end) as job
          ), '[]'))
        when 'Commit' then jsonb_build_object(
          'short_id', left(new.metadata ->> 'sha', 8),
          'stats', jsonb_build_object(
            'additions', new.metadata -> 'additions', 'deletions', new.metadata -> 'deletions', 'total', new.metadata -> 'total_changes'))
        when 'Release' then jsonb_build_object('upcoming_release', new.status = 'upcoming')
        when 'Image' then jsonb_build_object('tag_name', new.metadata -> 'tag', 'total_size', new.metadata -> 'size_bytes')
        else '{}' end;
    if tg_op = 'INSERT' or new.updated_at is distinct from old.updated_at then
      new.updated_at := now() at time zone 'UTC';
    end if;
    return new;
  end $$`,
  'drop trigger if exists gitlab_fill_painchain_row on change_events',
  `create trigger gitlab_fill_painchain_row before insert or update on change_events
    for each row when (new.source = 'gitlab') execute function gitlab_fill_painchain_row()`,
];

/** A project, and the path in the ids of its events. */
export interface NamedProject {
  readonly id: number;
  readonly fullPath: string;
  readonly eventPath: string;
}

/**
 * Gives the rows that PainChain's own connector has stored of these projects the ids of this connector. In its ids stands what somebody typed for the
 * project: its number, or its path in any case. A row whose new id is taken keeps its own.
 */
export const renameFormerRows = (connectionId: number, projects: readonly NamedProject[]): RawBuilder<unknown> => sql`
  with project as (
    select k.typed, p.event_path from jsonb_to_recordset(${JSON.stringify(
      projects.map(({ id, fullPath, eventPath }) => ({ id, full_path: fullPath, event_path: eventPath })),
    )}::jsonb) as p (id bigint, full_path text, event_path text)
    cross join lateral (values (p.id::text), (lower(p.full_path))) as k (typed)
  ),
  former as (
    select e.id, e.event_id, k.kind, case k.kind
        when 'image' then substr(e.event_id, 7, length(e.event_id) - 6 - length(k.image))
        else e.metadata ->> 'project_id' end as typed
    from change_events e
    cross join lateral (
      select lower(e.event_type) as kind,
        format('-%s-%s', coalesce(e.event_metadata, '{}') || e.metadata ->> 'repository_id', e.event_metadata ->> 'tag_name') as image
    ) k
    where e.connection_id = ${connectionId} and e.project_id is null and e.source = 'gitlab'
  ),
  renamed as (
    select distinct on (n.new_id) f.id, n.new_id
    from former f
    join project p on p.typed = lower(f.typed)
    cross join lateral (
      select f.kind || '-' || p.event_path || substr(f.event_id, length(f.kind || '-' || f.typed) + 1) as new_id
    ) n
    where starts_with(f.event_id, f.kind || '-' || f.typed || '-') and n.new_id <> f.event_id and not exists (
      select from change_events x where x.connection_id = ${connectionId} and x.event_id = n.new_id
    )
    order by n.new_id, f.id
  )
  update change_events e set event_id = renamed.new_id from renamed where e.id = renamed.id`;
