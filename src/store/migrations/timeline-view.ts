/**
 * What a version says in one line. `subject`: what the event is about. `state`: the metadata as it was with this version, with `title` and
 * `failed_jobs`. Null when only votes, comments and what GitLab computes have changed. The function calls no other of ours: a session that
 * reads the view may have another search_path.
 */
const createHeadline = String.raw`
  create or replace function gitlab_headline(subject text, stream text, status text, state jsonb, changes jsonb, is_roll_back boolean) returns text
  language plpgsql immutable as $$
  declare
    title text := regexp_replace(coalesce(state ->> 'title', ''), '^\[\w+\] ', '');
    what text := subject;
    is_first boolean := changes is null;
    parts text[] := '{}';
    names text;
    arrow text := '->';
    back text := '<-';
  begin
    -- A database in LATIN1 takes no statement with an arrow in it.
    if getdatabaseencoding() = 'UTF8' then
      arrow := chr(8594);
      back := chr(8592);
    end if;
    if changes -> 'status' ->> 'new' = 'deleted' then
      return 'deleted: ' || what;
    end if;
    case stream
      when 'merge-requests' then
        what := '!' || coalesce(state ->> 'mr_iid', '');
        if is_first or changes ? 'status' then
          parts := parts || (case
            when status = 'merged' then 'merged'
            when status = 'opened' and not is_first then 'reopened'
            else status end || ' ' || what || case when is_first then ' ' || title else '' end || case
              when status = 'merged' then ' into ' || coalesce(state ->> 'target_branch', '') || coalesce(' by ' || nullif(state ->> 'merged_by', ''), '')
              else '' end);
        end if;
        if changes ? 'target_branch' then
          parts := parts || format('retargeted %s: %s %s %s', what, changes -> 'target_branch' ->> 'old', arrow, changes -> 'target_branch' ->> 'new');
        end if;
        if changes ? 'approved_count' then
          if changes -> 'approved_count' -> 'new' > changes -> 'approved_count' -> 'old' then
            select string_agg(name, ', ') into names from jsonb_array_elements_text(
              case when jsonb_typeof(changes -> 'approved_by' -> 'new') = 'array' then changes -> 'approved_by' -> 'new' else '[]' end) as name
            where not coalesce(changes -> 'approved_by' -> 'old' ? name, false);
            parts := parts || ('approved ' || what || coalesce(' by ' || names, ''));
          else
            parts := parts || format('approval of %s withdrawn', what);
          end if;
        end if;
        if changes ? 'head_sha' then parts := parts || ('pushed to ' || what); end if;
        if changes ? 'title' then
          parts := parts || format('retitled %s: %s', what, regexp_replace(changes -> 'title' ->> 'new', '^\[\w+\] ', ''));
        end if;
        if changes ? 'labels' then parts := parts || ('relabelled ' || what); end if;
        if changes ? 'draft' then
          parts := parts || format(case when changes -> 'draft' ->> 'new' = 'true' then 'made %s a draft' else 'made %s ready' end, what);
        end if;
      when 'pipelines' then
        if is_first or changes ? 'status' then
          select string_agg(job, ', ') into names from (
            select jsonb_array_elements_text(case when jsonb_typeof(state -> 'warnings') = 'array' then state -> 'warnings' else '[]' end) as job
            where status = 'success'
            union all
            select jsonb_array_elements(case when jsonb_typeof(state -> 'failed_jobs') = 'array' then state -> 'failed_jobs' else '[]' end) ->> 'name'
            where status = 'failed'
          ) as jobs;
          parts := parts || (what || ' ' || case
            when status = 'running' then 'started'
            when status = 'success' then case when names is null then 'passed' else 'passed with warnings' end
            else status end || ' on ' || coalesce(state ->> 'ref', '') || coalesce(': ' || names, ''));
        end if;
      when 'releases' then
        what := coalesce(state ->> 'tag_name', '') || case when title = state ->> 'tag_name' then '' else ' ' || title end;
        parts := parts || (case
          when not is_first and not changes ? 'status' then 'edited the release '
          when status = 'upcoming' then 'announced '
          else 'released ' end || what);
      when 'commits' then
        if is_first then
          parts := parts || format('%s on %s: %s', left(state ->> 'sha', 8), state ->> 'branch', title);
        end if;
      when 'registry-images' then
        if is_first then
          parts := parts || (regexp_replace(what, '^image ', '') || case when is_roll_back then ' rolled back ' else ' ' end || arrow || ' '
            || left(regexp_replace(coalesce(state ->> 'digest', ''), '^[^:]*:', ''), 8)
            || coalesce(' (was ' || left(regexp_replace(state ->> 'previous_digest', '^[^:]*:', ''), 8) || ')', ''));
        end if;
      when 'deployments' then
        if is_first or changes ? 'status' then
          -- What waits or runs now has nothing before it yet.
          parts := parts || (coalesce(state ->> 'environment', '') || case when status = 'success' and is_roll_back then ' rolled back ' else ' ' end || back
            || coalesce(' ' || nullif(state ->> 'ref', ''), '') || coalesce(' ' || left(state ->> 'sha', 8), '')
            || case status when 'success' then '' when 'running' then ' started' else ' ' || status end
            || case
              when status = 'success' then coalesce(' (was ' || left(state ->> 'previous_sha', 8) || ')', '')
              when status in ('failed', 'canceled') then coalesce(' (still ' || left(state ->> 'previous_sha', 8) || ')', '')
              else '' end);
        end if;
      else
        if is_first or changes ? 'status' then parts := parts || (what || ' ' || status); end if;
    end case;
    return nullif(array_to_string(parts, '; '), '');
  end $$`;

/** What an event is about, such as `merge request !12`. */
const createSubject = String.raw`
  create or replace function gitlab_headline_subject(stream text, state jsonb) returns text
  language sql immutable as $$
    select case stream
      when 'merge-requests' then 'merge request !' || coalesce(state ->> 'mr_iid', '')
      when 'pipelines' then 'pipeline #' || coalesce(state ->> 'pipeline_id', '')
      when 'releases' then 'release ' || coalesce(state ->> 'tag_name', '')
      when 'registry-images' then 'image ' || regexp_replace(coalesce(state ->> 'image', ''), '^.*/', '') || ':' || coalesce(state ->> 'tag', '')
      when 'deployments' then 'deployment #' || coalesce(state ->> 'deployment_iid', '') || ' to ' || coalesce(state ->> 'environment', '')
      else regexp_replace(coalesce(state ->> 'title', ''), '^\[\w+\] ', '')
    end
  $$`;

/** Whether a version says something. Of a version that is not the first, which keys changed. A deployment that only waits for its turn says nothing. */
const saysSomething = `(v.changes is null or v.changes ? 'status' or case e.stream
    when 'merge-requests' then v.changes ?| array['target_branch', 'approved_count', 'head_sha', 'title', 'labels', 'draft']
    when 'releases' then true
    else false end) and not (e.stream = 'deployments' and v.status in ('created', 'skipped'))`;

/** The metadata of an event as it was with a version: what later versions have changed is taken back. */
const stateThen = (
  description: string,
) => `coalesce(e.metadata::jsonb, '{}') || jsonb_build_object('title', e.title, 'failed_jobs', e.${description}::jsonb -> 'failed_jobs') || (
      select coalesce(jsonb_object_agg(c.key, c.value -> 'old' order by l.version desc), '{}')
      from change_event_versions l cross join lateral jsonb_each(l.changes) as c
      where l.change_event_id = v.change_event_id and l.version > v.version
    )`;

/** What an event is about, by its present state. */
const subject = `gitlab_headline_subject(e.stream, coalesce(e.metadata::jsonb, '{}') || jsonb_build_object('title', e.title))`;

/** Whether a tag had pointed to the image of a row before, or a deployment brought back what had been there. */
const isRollBack = `e.stream = 'deployments' and e.metadata::jsonb -> 'rollback' = 'true' or e.stream = 'registry-images' and exists (
      select from change_events o where o.connection_id = e.connection_id and o.link_keys @> e.link_keys and o.stream = e.stream and o.id < e.id
        and o.metadata::jsonb ->> 'digest' = e.metadata::jsonb ->> 'digest' and o.metadata::jsonb ->> 'tag' = e.metadata::jsonb ->> 'tag'
        and o.metadata::jsonb ->> 'repository_id' = e.metadata::jsonb ->> 'repository_id'
    )`;

const createView = (description: string) => String.raw`
  create or replace view gitlab_timeline as
  select v.happened_at, v.seen_at as arrived_at, e.connection_id, e.stream, substring(e.title from '^\[(\w+)\]') as kind,
    e.metadata::jsonb ->> 'project' as project,
    coalesce(
      gitlab_headline(${subject}, e.stream, v.status, ${stateThen(description)}, v.changes, ${isRollBack}),
      ${subject} || ': ' || (select string_agg(key, ', ' order by key) from jsonb_object_keys(v.changes) as key)
    ) as headline,
    e.author, v.status, e.url, e.event_id, v.version, v.changes,
    not (${saysSomething}) as is_noise,
    v.changes is null and coalesce(v.happened_at < p.created_at, false) as is_history,
    e.title, v.id as version_id, e.metadata::jsonb as metadata
  from change_event_versions v
  join change_events e on e.id = v.change_event_id
  left join gitlab_projects p on p.connection_id = e.connection_id and p.project_id = e.project_id
  where v.changes is null or not v.changes ? 'replaced_by'`;

/**
 * The statements that create the view `gitlab_timeline`: every change, with when it happened, when it arrived, and what it was in one line.
 * `description`: the column with the description as JSON. They may run again: `migrate` runs them where the view is missing. A change here needs a migration that runs them in databases that have the view.
 */
export const timelineView = (description: string): readonly string[] => [createSubject, createHeadline, createView(description)];
