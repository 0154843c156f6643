import { GraphqlError, InvalidResponseError } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { answeredAt } from './answer.ts';
import type { Answer } from './answer.ts';
import type { ChangesFragment, PageFragment, Sdk } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';

/** The first pages in a project's answer. */
export type FirstPage = 'mergeRequests' | 'pipelines' | 'releases' | 'containerRepositories';

/** Whose changes to ask for: some projects, a page of the token's memberships, or a page of a group with its subgroups. */
export type BatchSource =
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'membership'; readonly projects: number; readonly sort: string; readonly after?: string }
  | { readonly kind: 'group'; readonly path: string; readonly after?: string };

/** What to ask of each project. */
export type BatchAsk =
  /** What changed since a moment: merge requests in the order of their changes, pipelines by id. */
  | { readonly kind: 'changes'; readonly since: Date }
  /** The newest of each, the last updated merge requests first. */
  | { readonly kind: 'newest'; readonly rows: number }
  /** What may change without a trace: open merge requests, pipelines that changed since a moment, releases. */
  | { readonly kind: 'traceless'; readonly pipelinesSince: Date };

/** A batch of projects. */
export interface BatchQuery {
  readonly source: BatchSource;
  readonly ask: BatchAsk;
  /** Empty = all. */
  readonly branches: readonly string[];
}

/** One project in a batch's answer. */
export interface BatchProject {
  readonly id: number;
  readonly node: ChangesFragment;
  readonly ask: BatchAsk;
  /** The first page of a stream; null when GitLab left it out. Throws GraphqlError when the answer has errors in it. */
  firstPage<K extends FirstPage>(key: K): ChangesFragment[K];
}

/** A batch's answer. */
export interface Batch {
  readonly projects: readonly BatchProject[];
  /** Where the next page of memberships or of the group begins; null at the end. */
  readonly next: string | null;
  /** GitLab's clock; null when unknown. */
  readonly at: Date | null;
  /** Errors of the answer: a project that is not in it may only be out of reach. */
  readonly errors: readonly GraphqlErrorEntry[];
}

/**
 * How many projects go into one request, and how many rows of each of their streams. GitLab charges for rows and one
 * percent for each project; every combination stays within its limit of 250 (a test computes it).
 */
export const batchSizes = {
  changes: { projects: 50, pageSize: 10, releasePageSize: 3 },
  newest: { projects: 10, pageSize: 50, releasePageSize: 50 },
  traceless: { projects: 10, pageSize: 50, releasePageSize: 50 },
} as const;

/** Reads the first page of every stream of several projects in one round trip. Null when there is no such group. */
export async function readBatch(graphql: Sdk, query: BatchQuery): Promise<Batch | null> {
  const { source, ask } = query;
  const variables = variablesOf(query);
  if (source.kind === 'group') {
    const answer = await graphql.GroupChanges({ ...variables, projects: batchSizes.changes.projects, path: source.path, ...after(source) });
    if (answer.data.group === null && !answer.errors) return null;
    return batchOf(answer, answer.data.group?.projects, {
      ask,
      path: ['group', 'projects', 'nodes'],
      operation: 'GroupChanges',
      ...after(source),
    });
  }
  const answer = await graphql.ProjectChanges({
    ...variables,
    ...(source.kind === 'ids'
      ? { ids: source.ids.map(projectGlobalId), projects: source.ids.length }
      : { membership: true, sort: source.sort, projects: source.projects, ...after(source) }),
  });
  return batchOf(answer, answer.data.projects, {
    ask,
    path: ['projects', 'nodes'],
    operation: 'ProjectChanges',
    ...(source.kind === 'ids' ? {} : after(source)),
  });
}

const after = ({ after: cursor }: { readonly after?: string }) => (cursor === undefined ? {} : { after: cursor });

/** What a batch asks of each project, as its query takes it. */
export function variablesOf({ ask, branches }: Pick<BatchQuery, 'ask' | 'branches'>) {
  const [branch, ...otherBranches] = branches;
  const { pageSize, releasePageSize } = batchSizes[ask.kind];
  const rows = ask.kind === 'newest' ? Math.min(ask.rows, pageSize) : pageSize;
  return {
    pageSize: rows,
    releasePageSize: ask.kind === 'newest' ? rows : releasePageSize,
    mergeRequestSort: ask.kind === 'changes' ? ('UPDATED_ASC' as const) : ('UPDATED_DESC' as const),
    ...(ask.kind === 'changes' ? { updatedAfter: ask.since.toISOString(), pipelinesUpdatedAfter: ask.since.toISOString() } : {}),
    ...(ask.kind === 'traceless' ? { mergeRequestState: 'opened' as const, pipelinesUpdatedAfter: ask.pipelinesSince.toISOString() } : {}),
    ...(branches.length > 0 ? { targetBranches: [...branches] } : {}),
    // GitLab filters pipelines by one branch; where there are several, the stream does.
    ...(branch !== undefined && otherBranches.length === 0 ? { ref: branch } : {}),
  };
}

interface Connection {
  readonly nodes: ReadonlyArray<ChangesFragment | null> | null;
  readonly pageInfo: PageFragment;
}

interface Place {
  readonly ask: BatchAsk;
  readonly path: readonly string[];
  readonly operation: string;
  /** Where the page began. */
  readonly after?: string | undefined;
}

function batchOf(answer: Answer<unknown>, connection: Connection | null | undefined, place: Place): Batch {
  const errors = answer.errors ?? [];
  if (!connection?.nodes) throw new GraphqlError(errors, { operation: place.operation });
  const { hasNextPage, endCursor } = connection.pageInfo;
  if (hasNextPage && (endCursor === null || endCursor === place.after)) {
    throw new InvalidResponseError(`GitLab's pages of ${place.operation} do not move on (cursor ${endCursor})`, place);
  }
  return {
    projects: connection.nodes.flatMap((node, index) => (node ? [batchProject(node, index, { ...place, errors })] : [])),
    next: hasNextPage ? endCursor : null,
    at: answeredAt(answer),
    errors,
  };
}

function batchProject(
  node: ChangesFragment,
  index: number,
  { ask, path, operation, errors }: Place & { readonly errors: readonly GraphqlErrorEntry[] },
): BatchProject {
  const depth = path.length;
  const own = errors.filter((error) => !error.path || error.path.length <= depth || error.path[depth] === index);
  return {
    id: numberOfGlobalId(node.id),
    node,
    ask,
    firstPage: (key) => {
      const missing = own.filter((error) => !error.path || error.path.length <= depth + 1 || error.path[depth + 1] === key);
      if (missing.length > 0) throw new GraphqlError(missing, { operation });
      return node[key];
    },
  };
}
