import { GraphQLError } from 'graphql';
import { finishedStatuses } from '../world/deployments.ts';
import type { FakeProject } from '../world/project.ts';
import type { FakeDeployment, FakeEnvironment } from '../world/records.ts';
import { subjectOf } from '../world/subjects.ts';
import { graphqlTime } from '../world/time.ts';
import { keysetConnection } from './connections.ts';
import type { OrderColumn, PageArgs } from './connections.ts';
import { subject } from './poisoned.ts';
import type { Execution } from './poisoned.ts';

export interface DeploymentsArgs extends PageArgs {
  readonly statuses?: readonly string[] | null;
  readonly orderBy?: { readonly createdAt?: 'ASC' | 'DESC' | null; readonly finishedAt?: 'ASC' | 'DESC' | null } | null;
}

const upcoming = new Set(['CREATED', 'BLOCKED', 'RUNNING']);
const byId = (direction: 'asc' | 'desc'): OrderColumn<{ readonly id: number }> => ({
  column: 'id',
  direction,
  type: 'id',
  value: ({ id }) => id,
});

/** GitLab resolves some fields for one object in a request. */
function callOnce(execution: Execution, type: string, field: string): void {
  const calls = (execution.calls.get(field) ?? 0) + 1;
  execution.calls.set(field, calls);
  if (calls > 1) throw new GraphQLError(`"${field}" field can be requested only for 1 ${type}(s) at a time.`);
}

/** The fields of a project that show its environments and deployments. Out of sight there are none. */
export function environmentFields(project: FakeProject, isVisible: boolean, webUrl: string) {
  const { deployments: world, largestPage: maxPageSize } = project;
  const of = subjectOf(project);
  const pathPrefix = new URL(webUrl).pathname;
  const deploymentOf = (row: FakeDeployment) => ({ [subject]: of.deployment(row), ...deploymentNode(row, pathPrefix) });
  const environmentOf = (row: FakeEnvironment) => {
    const own = () => world.rows.filter(({ environmentId }) => environmentId === row.id);
    return {
      id: `gid://gitlab/Environment/${row.id}`,
      name: row.name,
      tier: row.tier,
      state: row.state,
      updatedAt: graphqlTime(row.updatedAt),
      lastDeployment: ({ status }: { readonly status: string }) => {
        if (status === 'SKIPPED') throw new GraphQLError('"skipped" status is not supported.');
        const rows = own().filter((one) => one.status === status);
        // The last that ended, by its end; of the others the last that was created.
        const last = rows.toSorted((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.id - a.id);
        const found = finishedStatuses.has(status) ? last[0] : rows.toSorted((a, b) => b.id - a.id)[0];
        return found ? deploymentOf(found) : null;
      },
      deployments: ({ statuses, orderBy, ...page }: DeploymentsArgs, execution: Execution) => {
        callOnce(execution, 'Environment', 'deployments');
        const order = orderOf(statuses ?? [], orderBy);
        const rows = own().filter(({ status }) => !statuses || statuses.length === 0 || statuses.includes(status));
        return keysetConnection({ rows, order, toNode: deploymentOf, maxPageSize }, page);
      },
    };
  };
  return {
    environments: ({ name, ...page }: PageArgs & { readonly name?: string | null }, execution: Execution) => {
      callOnce(execution, 'Project', 'environments');
      const where = (row: FakeEnvironment) => !name || row.name === name;
      // What may not be read is removed after paging.
      return keysetConnection(
        { rows: world.environments, where, order: [byId('desc')], toNode: environmentOf, isVisible: () => isVisible, maxPageSize },
        page,
      );
    },
    environment: ({ name }: { readonly name?: string | null }) => {
      const found = world.environments.find((row) => !name || row.name === name);
      return found && isVisible ? environmentOf(found) : null;
    },
    deployment: ({ iid }: { readonly iid: string }) => {
      const found = world.rows.find((row) => String(row.iid) === iid);
      return found && isVisible ? deploymentOf(found) : null;
    },
  };
}

/** Refuses what GitLab's finder refuses (app/finders/deployments_finder.rb). */
function orderOf(statuses: readonly string[], orderBy: DeploymentsArgs['orderBy']): Array<OrderColumn<FakeDeployment>> {
  const hasFinished = statuses.some((status) => finishedStatuses.has(status));
  if (hasFinished && statuses.some((status) => upcoming.has(status)))
    throw new GraphQLError('finished statuses and upcoming statuses must be separately queried.');
  const { createdAt, finishedAt } = orderBy ?? {};
  if (!finishedAt) return [byId(createdAt === 'DESC' ? 'desc' : 'asc')];
  if (!hasFinished)
    throw new GraphQLError('`finished_at` sort requires `finished_at` filter or a filter with at least one of the finished statuses.');
  const direction = finishedAt === 'DESC' ? 'desc' : 'asc';
  return [{ column: 'finished_at', direction, type: 'time', value: (row) => row.finishedAt ?? 0 }, byId('desc')];
}

function deploymentNode(row: FakeDeployment, pathPrefix: string) {
  const { iid, status, ref, isTag, sha, createdAt, updatedAt, finishedAt, user, job, pipelineId } = row;
  return {
    iid: String(iid),
    status,
    ref,
    tag: isTag,
    sha,
    createdAt: graphqlTime(createdAt),
    updatedAt: graphqlTime(updatedAt),
    finishedAt: finishedAt === null ? null : graphqlTime(finishedAt),
    triggerer: user === null ? null : { username: user },
    job: job && {
      name: job.name,
      webPath: `${pathPrefix}/-/jobs/${job.id}`,
      pipeline: pipelineId === null ? null : { id: `gid://gitlab/Ci::Pipeline/${pipelineId}` },
    },
  };
}
