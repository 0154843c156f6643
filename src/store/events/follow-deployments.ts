import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import { environmentKey } from '../../events/link-keys.ts';
import type { EnvironmentLooks } from '../../walk-state.ts';
import type { EventPage, EventTarget } from './save-events.ts';

/** A page that may say something of deployments. */
export type DeploymentPage = Pick<EventPage, 'projectId' | 'events'> & { readonly environments?: EnvironmentLooks | undefined };

/** An environment of which deployments were stored, or of which GitLab says what runs there. */
interface Followed {
  readonly project_id: number;
  readonly key: string;
  /** Whether GitLab says what runs there. */
  is_told: boolean;
  /** The number of the deployment that runs there; null = none. */
  current: number | null;
}

/**
 * Fills in what the deployments of an environment say together: which commit was there before each, whether it brought back one that had been
 * there, and which one runs there now. Only rows of which that is wrong are written. It adds no version: nothing has changed in GitLab.
 */
export async function followDeployments(
  kysely: QueryExecutorProvider,
  { connectionId }: EventTarget,
  pages: readonly DeploymentPage[],
): Promise<void> {
  const followed = environmentsOf(pages);
  if (followed.length > 0) await followAll(connectionId, followed).execute(kysely);
  const all = pages.flatMap(({ projectId, environments }) => (environments?.all ? [{ project_id: projectId, ids: environments.all }] : []));
  if (all.length === 0) return;
  await sql`
    update change_events e set metadata = e.metadata::jsonb || '{"is_current": false}', updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(all)}::jsonb) as l (project_id bigint, ids jsonb)
    where e.connection_id = ${connectionId} and e.project_id = l.project_id and e.stream = 'deployments'
      and e.metadata::jsonb -> 'is_current' = 'true' and not l.ids @> (e.metadata::jsonb -> 'environment_id')`.execute(kysely);
}

function environmentsOf(pages: readonly DeploymentPage[]): Followed[] {
  const byKey = new Map<string, Followed>();
  const follow = (projectId: number, environmentId: number): Followed => {
    const key = `${projectId}:${environmentKey(environmentId)}`;
    const known = byKey.get(key) ?? { project_id: projectId, key, is_told: false, current: null };
    byKey.set(key, known);
    return known;
  };
  for (const { projectId, events, environments } of pages) {
    // Only deployments have an environment.
    for (const { metadata } of events) if (typeof metadata['environment_id'] === 'number') follow(projectId, metadata['environment_id']);
    for (const { environmentId, iid } of environments?.current ?? [])
      Object.assign(follow(projectId, environmentId), { is_told: true, current: iid });
  }
  return [...byKey.values()];
}

/** Deployments are in the order in which they ended. `before`: how many had succeeded in the environment when one ended. */
const followAll = (connectionId: number, followed: readonly Followed[]) => sql`
  with followed as (
    select * from jsonb_to_recordset(${JSON.stringify(followed)}::jsonb) as f (project_id bigint, key text, is_told boolean, current bigint)
  ),
  deployment as materialized (
    select f.key, f.is_told, f.current, e.id, e.status = 'success' as is_success, e.metadata,
      (e.metadata ->> 'deployment_iid')::bigint as iid, e.metadata ->> 'sha' as sha, (e.metadata ->> 'finished_at')::timestamptz as ended_at
    from followed f
    cross join lateral (
      select c.id, c.connection_id, c.project_id, c.stream, c.status, c.metadata::jsonb as metadata from change_events c
      where c.link_keys @> array[f.key] offset 0
    ) e
    where e.connection_id = ${connectionId} and e.project_id = f.project_id and e.stream = 'deployments'
  ),
  ended as (
    select *, count(*) filter (where is_success) over (
        partition by key order by ended_at, iid rows between unbounded preceding and 1 preceding
      ) as before
    from deployment where ended_at is not null
  ),
  success as (
    select id, key, sha, row_number() over (partition by key order by ended_at, iid) as place,
      row_number() over (partition by key, sha order by ended_at, iid) as nth_of_sha
    from ended where is_success
  ),
  derived as (
    select d.id, d.metadata, jsonb_build_object(
        'previous_sha', p.sha,
        'is_current', case when d.is_told then d.is_success and coalesce(d.iid = d.current, false) else coalesce((d.metadata ->> 'is_current')::boolean, false) end,
        'rollback', coalesce(s.nth_of_sha > 1 and p.sha <> s.sha, false)
      ) as said
    from deployment d
    left join ended on ended.id = d.id
    left join success p on p.key = d.key and p.place = ended.before
    left join success s on s.id = d.id
  )
  update change_events e set metadata = e.metadata::jsonb || derived.said, updated_at = now()
  from derived where e.id = derived.id and not derived.metadata @> derived.said`;
