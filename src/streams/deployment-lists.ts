import { NotFoundError, UnsupportedGitlabError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import {
  deploymentEventId,
  deploymentFields,
  deploymentName,
  deploymentTime,
  deploymentToEvent,
  finishedStatuses,
} from '../events/deployment.ts';
import type { DeploymentNode, EventEnvironment } from '../events/deployment.ts';
import { withUnknown } from '../events/incomplete.ts';
import { presentNodes } from '../events/text.ts';
import { askProject, askRow } from '../gitlab/ask-project.ts';
import type { DeploymentFragment, DeploymentPageQueryVariables, EnvironmentFragment } from '../gitlab/generated/sdk.ts';
import { required } from '../gitlab/graphql-response.ts';
import { numberOfGlobalId } from '../gitlab/ids.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { mayBeOfARow, namesOf, readAlone, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround, UnreadRow } from '../gitlab/read-around.ts';
import { hasFailedRows, salvagedOf, withoutFields } from '../gitlab/salvage.ts';
import { largestPage } from './backfill.ts';
import type { StreamContext } from './stream.ts';

/** The last deployment of an environment with a status. */
export interface LastDeployment {
  readonly iid: string;
  readonly status: string;
  readonly updatedAt: Date;
  /** When it ended, or changed last. */
  readonly timestamp: Date;
}

/** An environment, as a list of environments shows it. */
export interface ListedEnvironment extends EventEnvironment {
  readonly isStopped: boolean;
  readonly updatedAt: Date | null;
  /** The last deployments, one for each status that there is. */
  readonly last: readonly LastDeployment[];
  /** GitLab could not say all of them. */
  readonly isUnclear: boolean;
}

/** All environments of a project, the newest first. Null: GitLab gives no list. */
export interface EnvironmentList {
  readonly environments: readonly ListedEnvironment[];
  /** GitLab could not answer for some. */
  readonly lacksSome: boolean;
}

const lastOnes = ['success', 'failed', 'canceled', 'created', 'blocked', 'running'] as const;

function listed(node: EnvironmentFragment): ListedEnvironment {
  const last = lastOnes.flatMap((key): LastDeployment[] => {
    const row = node[key];
    if (!row?.iid || !row.updatedAt) return [];
    const { iid, updatedAt, finishedAt } = row;
    const status = row.status ?? key.toUpperCase();
    return [{ iid, status, updatedAt: new Date(updatedAt), timestamp: deploymentTime({ status, updatedAt, finishedAt }) }];
  });
  return {
    id: numberOfGlobalId(node.id),
    name: node.name,
    tier: node.tier?.toLowerCase() ?? null,
    isStopped: node.state === 'stopped',
    updatedAt: node.updatedAt ? new Date(node.updatedAt) : null,
    last,
    isUnclear: salvagedOf(node).unknownFields !== undefined,
  };
}

/** Lists the environments with their last deployments. GitLab does this for one project a request. */
export async function listEnvironments(context: StreamContext, name?: string): Promise<EnvironmentList | null> {
  const { gitlab, project } = context;
  const read = async (after?: string) => {
    const page = { projectId: project.id, first: largestPage, ...(name === undefined ? {} : { name }) };
    const answer = await askProject(
      gitlab,
      'EnvironmentPage',
      { ...page, ...(after === undefined ? {} : { after }) },
      { mayLackRows: true },
    );
    return answer.environments;
  };
  const first = await read();
  if (!first) return null;
  const environments: ListedEnvironment[] = [];
  let lacksSome = false;
  const next = async (after: string) => required(await read(after), 'EnvironmentPage');
  for await (const page of connectionPages(first, next, 'EnvironmentPage', () => true)) {
    environments.push(...presentNodes(page).map(listed));
    lacksSome ||= hasFailedRows(page);
  }
  return { environments, lacksSome };
}

/** Deployments that have ended, by their end; or that wait or run, by their creation. GitLab does not list both at once. The last first. */
export type ListKind = 'ended' | 'open';

const asks: Readonly<Record<ListKind, Pick<DeploymentPageQueryVariables, 'statuses' | 'orderBy'>>> = {
  ended: { statuses: [...finishedStatuses], orderBy: { finishedAt: 'DESC' } },
  open: { statuses: ['CREATED', 'RUNNING', 'BLOCKED'], orderBy: { createdAt: 'DESC' } },
};

/** A deployment has what it is placed and named by: any GitLab that lists deployments says it. */
const isUsable = (row: DeploymentFragment): row is DeploymentFragment & DeploymentNode =>
  row.iid !== null && row.status !== null && row.updatedAt !== null;

/** A page of deployments, with those that GitLab could not answer. */
export type DeploymentPage = PageAround<DeploymentFragment & DeploymentNode>;

/** The deployments of an environment, page by page, around those that GitLab cannot answer. GitLab does this for one environment a request. */
export async function* deploymentPages(
  context: StreamContext,
  environment: EventEnvironment,
  { kind, first }: { readonly kind: ListKind; readonly first: number },
): AsyncGenerator<DeploymentPage> {
  const { gitlab, project } = context;
  const asked = { projectId: project.id, environment: environment.name, ...asks[kind] };
  const list: List<DeploymentFragment & DeploymentNode> = {
    operation: 'DeploymentPage',
    page: async (place, how) => {
      const answer = await askProject(gitlab, 'DeploymentPage', { ...asked, ...place }, { ...how, mayLackRows: true });
      const { nodes, pageInfo } = ofEnvironment(answer.environment, environment).deployments;
      return { nodes: (nodes ?? []).map((row) => (row && isUsable(row) ? row : null)), pageInfo };
    },
    names: async (place) => {
      const answer = await askProject(gitlab, 'DeploymentCursors', { ...asked, ...place }, { isExact: true });
      const { edges, pageInfo } = ofEnvironment(answer.environment, environment).deployments;
      const named = namesOf({
        edges: (edges ?? []).map(
          (edge) =>
            edge && {
              ...edge,
              node: edge.node?.iid && edge.node.updatedAt ? { iid: edge.node.iid, updatedAt: edge.node.updatedAt } : null,
            },
        ),
        pageInfo,
      });
      return { ...named, rows: named.rows.map((row) => ({ ...row, key: deploymentName(environment.name, row.key) })) };
    },
    keyOf: ({ iid }) => deploymentName(environment.name, iid),
    alone: alone(context),
    isWaiting: context.isWaiting,
    startsWithNames: context.startsWithNames,
  };
  const read = (after?: string) => readAround(list, { first, ...(after === undefined ? {} : { after }) }, gitlab.host.sizes);
  yield* connectionPages<DeploymentFragment & DeploymentNode, DeploymentPage>(await read(), read, 'DeploymentPage');
}

/** Throws NotFoundError when the environment is gone, or another one has its name. */
function ofEnvironment<L>(
  node: { readonly id: string; readonly deployments: L | null } | null,
  { id, name }: EventEnvironment,
): { readonly deployments: L } {
  if (!node?.deployments || numberOfGlobalId(node.id) !== id)
    throw new NotFoundError(`the environment ${name} went out of sight while it was read`, { operation: 'DeploymentPage' });
  return { deployments: node.deployments };
}

const iidIn = (key: string): string => key.slice(key.lastIndexOf('#') + 1);

/** How a deployment is asked for alone: whole, and without its job and the user. */
const alone = ({ gitlab, project: { id: projectId } }: StreamContext): List<DeploymentFragment & DeploymentNode>['alone'] => [
  async (key) => usable(await askRow(gitlab, { operation: 'DeploymentWhole', key: 'deployment' }, { projectId, iid: iidIn(key) })),
  async (key) => {
    const row = await askRow(gitlab, { operation: 'DeploymentLight', key: 'deployment' }, { projectId, iid: iidIn(key) });
    return usable(row && withoutFields(row, ['sha', 'triggerer', 'job']));
  },
];

const usable = (row: DeploymentFragment | null) => (row && isUsable(row) ? row : null);

/** What a GitLab lacks for deployments, in one line. */
export const notOffered = ({ missing }: UnsupportedGitlabError): string =>
  `this GitLab does not offer deployments: it has no ${missing.join(', ')}`;

/** Reads a deployment by its number. Null: GitLab has no such deployment any more. */
async function readDeployment(context: StreamContext, environment: EventEnvironment, iid: string): Promise<ChangeEvent | null> {
  const row = await readAlone(alone(context), deploymentName(environment.name, iid));
  return row && toEvent(context, environment, row);
}

/** Reads a deployment by its number, or says why GitLab could not answer it. */
export async function readAlways(
  context: StreamContext,
  environment: EventEnvironment,
  iid: string,
): Promise<ChangeEvent | UnreadRow | null> {
  try {
    return await readDeployment(context, environment, iid);
  } catch (error) {
    if (!mayBeOfARow(error)) throw error;
    return { key: deploymentName(environment.name, iid), changedAt: null, error, breaksLists: false };
  }
}

/** Reads a deployment by its name. Null: GitLab has no such deployment, or environment, any more. */
export async function readByName(context: StreamContext, key: string): Promise<ChangeEvent | null> {
  try {
    const list = await listEnvironments(context, key.slice(0, key.lastIndexOf('#')));
    const [environment] = list?.environments ?? [];
    return environment ? await readDeployment(context, environment, iidIn(key)) : null;
  } catch (error) {
    // It does not end the pass: everything else can be read.
    throw error instanceof UnsupportedGitlabError ? new NotFoundError(notOffered(error), { operation: 'DeploymentWhole' }) : error;
  }
}

/** A deployment as an event. */
export function toEvent(context: StreamContext, environment: EventEnvironment, row: DeploymentFragment & DeploymentNode): ChangeEvent {
  return withUnknown(deploymentToEvent(row, { project: context.project, environment }), salvagedOf(row), deploymentFields);
}

/** The ids of the events of the last deployments of environments. */
export const lastEventIds = ({ project }: StreamContext, environments: readonly ListedEnvironment[]): string[] =>
  environments.flatMap(({ last }) => last.map(({ iid }) => deploymentEventId(project, iid)));
