import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { isoTime } from './iso-time.ts';

/** A project, by its path. */
export interface PlacedProject {
  readonly connectionId: number;
  readonly project: string;
}

/** Of which projects to read the environments, and of which window of time. */
export interface EnvironmentsQuery {
  readonly projects: readonly PlacedProject[];
  /** Start of the window, inclusive. */
  readonly from: Date;
  /** End of the window, exclusive. */
  readonly to: Date;
  /** At most this many environments. */
  readonly limit: number;
  /** At most this many deployments of each, the newest. */
  readonly deployments: number;
}

/** A deployment. Times are ISO 8601 in UTC. */
export interface EnvironmentDeployment {
  readonly eventId: string;
  readonly iid: number;
  /** As GitLab says it, in lower case, such as `success`. */
  readonly status: string;
  readonly ref: string;
  readonly sha: string | null;
  readonly author: string;
  readonly createdAt: string;
  /** Null before its end. */
  readonly finishedAt: string | null;
  /** Whether it brought back a commit that had been there before. */
  readonly isRollback: boolean;
  /** Whether GitLab says that it is what runs there now. */
  readonly isCurrent: boolean;
}

/** What was deployed to an environment. */
export interface EnvironmentHistory extends PlacedProject {
  readonly environment: string;
  readonly tier: string | null;
  /** The last success before the window, and the deployments in the window, by the time of their end; those that have not ended come last. */
  readonly deployments: readonly EnvironmentDeployment[];
  /** How many earlier deployments in the window are left out. */
  readonly leftOut: number;
}

/** Environments: production first, then by tier, then those with a deployment in the window. */
export interface Environments {
  readonly environments: readonly EnvironmentHistory[];
  /** How many more there are in these projects. */
  readonly hidden: number;
}

interface Row extends EnvironmentDeployment, PlacedProject {
  readonly place: number;
  readonly environment: string;
  readonly tier: string | null;
  readonly environments: number;
  readonly inWindow: number;
}

/**
 * What was deployed to the environments of these projects: to those that have a deployment in the window, and to those where something runs
 * now, because it may have run in the window too. Throws DatabaseError.
 */
export async function readEnvironments(em: SqlEntityManager, query: EnvironmentsQuery): Promise<Environments> {
  if (query.projects.length === 0) return { environments: [], hidden: 0 };
  const { rows } = await withDatabaseErrors(() => environmentRows(query).execute(em.fork({ clear: true }).getKysely()));
  const byPlace = Map.groupBy(rows, ({ place }) => place);
  const environments = [...byPlace.values()].flatMap((ofOne) => {
    const [first] = ofOne;
    if (!first) return [];
    const { connectionId, project, environment, tier, inWindow } = first;
    const deployments = ofOne.map((row): EnvironmentDeployment => {
      const { eventId, iid, status, ref, sha, author, createdAt, finishedAt, isRollback, isCurrent } = row;
      return { eventId, iid, status, ref, sha, author, createdAt, finishedAt, isRollback, isCurrent };
    });
    return [{ connectionId, project, environment, tier, deployments, leftOut: Math.max(0, inWindow - query.deployments) }];
  });
  return { environments, hidden: (rows[0]?.environments ?? 0) - environments.length };
}

/** The rows of each project are found by the index of connection, project and stream. */
const environmentRows = ({ projects, from, to, limit, deployments }: EnvironmentsQuery) => {
  const [start, end] = [from.toISOString(), to.toISOString()].map((time) => sql`${time}::timestamptz`);
  const asked = JSON.stringify(projects.map(({ connectionId, project }) => ({ connection_id: connectionId, path: project })));
  return sql<Row>`
    with project as materialized (
      select p.connection_id, p.project_id, p.full_path from gitlab_projects p
      join jsonb_to_recordset(${asked}::jsonb) as a (connection_id int, path text) on a.connection_id = p.connection_id and a.path = p.full_path
    ),
    deployment as materialized (
      select p.connection_id, p.full_path, e.event_id, e.status, e.author,
        e.metadata ->> 'environment' as environment, e.metadata -> 'environment_id' as environment_id, e.metadata ->> 'tier' as tier,
        (e.metadata ->> 'deployment_iid')::int as iid, e.metadata ->> 'ref' as ref, e.metadata ->> 'sha' as sha,
        coalesce(e.metadata ->> 'created_at', e.metadata ->> 'finished_at')::timestamptz as began_at,
        (e.metadata ->> 'finished_at')::timestamptz as ended_at,
        coalesce((e.metadata ->> 'rollback')::boolean, false) as is_rollback, coalesce((e.metadata ->> 'is_current')::boolean, false) as is_current
      from project p
      cross join lateral (
        select c.event_id, c.status, c.author, c.metadata::jsonb as metadata from change_events c
        where c.connection_id = p.connection_id and c.project_id = p.project_id and c.stream = 'deployments' and c.status <> 'deleted' offset 0
      ) e
    ),
    placed as (
      select *, case
          when ended_at is not null then ended_at >= ${start} and ended_at < ${end}
          when status = 'running' then began_at < ${end}
          else began_at >= ${start} and began_at < ${end} end as is_inside
      from deployment
    ),
    environment as (
      select connection_id, full_path, environment_id, (array_agg(environment order by iid desc))[1] as name, (array_agg(tier order by iid desc))[1] as tier,
        count(*) filter (where is_inside)::int as in_window
      from placed group by connection_id, full_path, environment_id
      having bool_or(is_inside) or bool_or(is_current) and bool_or(status = 'success' and ended_at < ${start})
    ),
    shown as (
      select *, count(*) over ()::int as environments, (row_number() over (
          order by array_position(array['production', 'staging', 'testing', 'development'], tier) nulls last, in_window > 0 desc, full_path, name, connection_id
        ))::int as place
      from environment
    ),
    ranked as (
      select s.place, s.environments, s.name, s.tier as tier_now, s.in_window, d.*,
        row_number() over (partition by s.place, d.is_inside order by d.ended_at desc nulls first, d.iid desc) as nth
      from shown s
      join placed d on d.connection_id = s.connection_id and d.full_path = s.full_path and d.environment_id = s.environment_id
      where s.place <= ${limit} and (d.is_inside or d.status = 'success' and d.ended_at < ${start})
    )
    select place, environments, connection_id as "connectionId", full_path as project, name as environment, tier_now as tier, in_window as "inWindow",
      event_id as "eventId", iid, status, coalesce(ref, '') as ref, sha, author, ${isoTime(sql`began_at`)} as "createdAt",
      ${isoTime(sql`ended_at`)} as "finishedAt", is_rollback as "isRollback", is_current as "isCurrent"
    from ranked where nth <= case when is_inside then ${deployments}::int else 1 end
    order by place, ended_at nulls last, iid`;
};
