import { GraphqlError } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { answeredAt } from './answer.ts';
import type { ProjectChangesQuery, Sdk } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';

/** A project as ProjectChanges answers it: what it is, and the first page of each stream. */
export type ProjectNode = NonNullable<NonNullable<NonNullable<ProjectChangesQuery['projects']>['nodes']>[number]>;

/** The first pages in a ProjectNode. */
export type FirstPage = 'mergeRequests' | 'pipelines' | 'releases' | 'containerRepositories';

/** What to ask of a batch of projects. */
export interface BatchQuery {
  readonly projectIds: readonly number[];
  /** Rows of each stream and project in the answer; see `batchSizes`. */
  readonly pageSize: number;
  readonly branches: readonly string[];
}

/** One project in a batch's answer. */
export interface BatchProject {
  readonly id: number;
  readonly node: ProjectNode;
  /** The first page of a stream; null when GitLab left it out. Throws GraphqlError when the answer has errors in it. */
  firstPage<K extends FirstPage>(key: K): ProjectNode[K];
}

/** A batch's answer. */
export interface Batch {
  readonly projects: readonly BatchProject[];
  /** Asked for and not returned: gone, or out of sight for this token. */
  readonly missing: readonly number[];
  /** GitLab's clock; null when unknown. */
  readonly at: Date | null;
}

/**
 * How many projects go into one request, and how many rows of each of their streams. GitLab charges for rows and one
 * percent for each project; both sizes stay within its limit of 250 (a test computes it for each).
 */
export const batchSizes = { projects: 10, pageSize: 50 } as const;

/** Reads the first page of every stream of several projects in one round trip. */
export async function readBatch(graphql: Sdk, { projectIds, pageSize, branches }: BatchQuery): Promise<Batch> {
  const [branch, ...otherBranches] = branches;
  const answer = await graphql.ProjectChanges({
    ids: projectIds.map(projectGlobalId),
    projects: projectIds.length,
    pageSize,
    releasePageSize: pageSize,
    mergeRequestSort: 'UPDATED_DESC',
    ...(branches.length > 0 ? { targetBranches: [...branches] } : {}),
    // GitLab filters pipelines by one branch; the stream asks for each one where there are several.
    ...(branch !== undefined && otherBranches.length === 0 ? { ref: branch } : {}),
  });
  const { nodes: list } = answer.data.projects ?? {};
  if (!list) throw new GraphqlError(answer.errors ?? [], { operation: 'ProjectChanges' });
  const projects = list.flatMap((node, index) => (node ? [batchProject(node, index, answer.errors ?? [])] : []));
  const returned = new Set(projects.map(({ id }) => id));
  return { projects, missing: projectIds.filter((id) => !returned.has(id)), at: answeredAt(answer) };
}

function batchProject(node: ProjectNode, index: number, errors: readonly GraphqlErrorEntry[]): BatchProject {
  const own = errors.filter(({ path }) => !path || (path[1] === 'nodes' && path[2] === index) || path.length < 3);
  return {
    id: numberOfGlobalId(node.id),
    node,
    firstPage: (key) => {
      const missing = own.filter(({ path }) => !path || path.length < 4 || path[3] === key);
      if (missing.length > 0) throw new GraphqlError(missing, { operation: 'ProjectChanges' });
      return node[key];
    },
  };
}
