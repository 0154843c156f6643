import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { Arrivals } from '../../walk-state.ts';
import type { EventPage, EventTarget } from './save-events.ts';
import { storableEventId, storableJson } from './storable.ts';

/** A page of commits, and how they came to their branch. */
export interface ArrivedPage extends EventPage {
  readonly arrivals: Arrivals;
}

/**
 * Dates the first version of commits that these pages have stored: the merge of the merge request that brought them, or the pipeline of the push
 * that did. A commit without either came no later than the next commit on the branch. Without a later commit that has
 * one, it keeps the time at which it was seen.
 */
export async function dateArrivals(
  kysely: QueryExecutorProvider,
  { connectionId }: EventTarget,
  pages: readonly ArrivedPage[],
): Promise<void> {
  const known = await arrivalTimes(kysely, connectionId, pages);
  if (known.size === 0) return;
  const dated = pages.flatMap(({ projectId, events, seenAt, arrivals }) => {
    const { branch, mainline, cameWith } = arrivals;
    return events.flatMap(({ eventId, metadata }) => {
      const { sha: own } = metadata;
      const position = typeof own === 'string' ? cameWith.get(own) : undefined;
      const nearestFirst = position === undefined ? [] : mainline.slice(0, position + 1).toReversed();
      const sha = nearestFirst.find((one) => known.has(keyOf(projectId, branch, one)));
      return sha === undefined
        ? []
        : [{ event_id: storableEventId(eventId), seen_at: seenAt, at: known.get(keyOf(projectId, branch, sha)) }];
    });
  });
  await sql`
    update change_event_versions v set happened_at = i.at
    from jsonb_to_recordset(${storableJson(dated)}::jsonb) as i (event_id text, seen_at timestamptz, at timestamptz)
    join change_events e on e.connection_id = ${connectionId} and e.event_id = i.event_id
    where v.change_event_id = e.id and v.version = 1 and v.seen_at = i.seen_at and i.at < v.happened_at`.execute(kysely);
}

const keyOf = (projectId: number, branch: string, sha: string) => `${projectId} ${sha} ${branch}`;

/** When commits were merged or pushed to a branch, as merge requests and pipelines say it, by `keyOf`. */
async function arrivalTimes(
  kysely: QueryExecutorProvider,
  connectionId: number,
  pages: readonly ArrivedPage[],
): Promise<ReadonlyMap<string, string>> {
  const asked = pages.flatMap(({ projectId, arrivals: { branch, mainline } }) =>
    mainline.map((sha) => ({ project_id: projectId, branch, sha, link_key: `${projectId}:sha:${sha}` })),
  );
  if (asked.length === 0) return new Map();
  const { rows } = await sql<{ readonly project_id: number | string; readonly branch: string; readonly sha: string; readonly at: string }>`
    select i.project_id, i.branch, i.sha, to_json(min(x.at)) #>> '{}' as at
    from jsonb_to_recordset(${storableJson(asked)}::jsonb) as i (project_id bigint, branch text, sha text, link_key text)
    cross join lateral (
      select case e.stream when 'pipelines' then e.metadata::jsonb ->> 'created_at' else e.metadata::jsonb ->> 'merged_at' end::timestamptz as at
      from change_events e
      where e.connection_id = ${connectionId} and e.link_keys @> array[i.link_key] and e.project_id = i.project_id and (
        (e.stream = 'pipelines' and e.metadata::jsonb ->> 'source' = 'push' and e.metadata::jsonb ->> 'ref' = i.branch)
        or (e.stream = 'merge-requests' and e.status = 'merged' and e.metadata::jsonb ->> 'target_branch' = i.branch)
      )
    ) x
    where x.at is not null
    group by 1, 2, 3`.execute(kysely);
  return new Map(rows.map(({ project_id: projectId, branch, sha, at }) => [keyOf(Number(projectId), branch, sha), at]));
}
