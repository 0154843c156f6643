import { GraphqlError, InvalidResponseError, isTimeout } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { answeredAt } from './graphql-response.ts';
import type { Answer } from './graphql-response.ts';
import type { Gitlab } from './client.ts';
import type { ChangesFragment, PageFragment } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';
import { noteRows } from './note-rows.ts';
import type { NamedRow } from './read-around.ts';
import { hasFailedRows, salvageList, stepsToField } from './salvage.ts';
import type { RowList } from './salvage.ts';

/** The first pages in a project's answer. */
export type FirstPage = 'mergeRequests' | 'pipelines' | 'releases' | 'containerRepositories';

/** Which projects to ask for: some projects, a page of the token's memberships, or a page of a group with its subgroups. */
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
  | { readonly kind: 'reconcile'; readonly pipelinesSince: Date };

/** The lists of a batch. */
export const batchLists: readonly FirstPage[] = ['mergeRequests', 'pipelines', 'releases', 'containerRepositories'];

/** A batch of projects. */
export interface BatchQuery {
  readonly source: BatchSource;
  readonly ask: BatchAsk;
  /** Empty = all. */
  readonly branches: readonly string[];
  /** The lists to ask for. Default: all. */
  readonly lists?: readonly FirstPage[];
  /** Asks for the names of rows only, because GitLab fails on one of them, or is known to. */
  readonly byName?: boolean | undefined;
}

/** One project in a batch's answer. */
export interface BatchProject {
  readonly id: number;
  readonly node: ChangesFragment;
  readonly ask: BatchAsk;
  /**
   * The first page of a stream, null when GitLab gives none; undefined when the answer has errors in it, and it is to be asked for alone.
   * Where GitLab could not answer fields of single rows, they have `unknownFields`.
   */
  firstPage<K extends FirstPage>(key: K): ChangesFragment[K] | undefined;
  /** The rows of a first page by their names, of a batch by name; undefined in any other, and when the answer has errors there. */
  names(key: FirstPage): readonly NamedRow[] | undefined;
}

/** A batch's answer. */
export interface Batch {
  /** The ids that were asked for: the first of those wanted, as many as GitLab bears. Empty for lists. */
  readonly asked: readonly number[];
  readonly projects: readonly BatchProject[];
  /** Where the next page of memberships or of the group begins; null at the end. */
  readonly next: string | null;
  /** GitLab's clock when it answered; where the answer does not say, ours when the batch was asked for. */
  readonly at: Date;
  /**
   * What GitLab dates before this moment, less the overlap, was there to be seen when the batch was asked for: the smaller
   * of GitLab's clock and the newest row seen so far, less the time that the request took. Null: no row was seen so far.
   */
  readonly startedAt: Date | null;
  /** Errors of the answer, but those in fields of rows. */
  readonly errors: readonly GraphqlErrorEntry[];
  /** Whether a project that is not in the answer may only have failed: an error is about more than what is in a project. */
  readonly mayLackProjects: boolean;
}

/**
 * How many projects go into one request at the most, and how many rows of each of their streams. GitLab charges for rows
 * and one percent for each project; every combination stays within its limit of 250 (a test computes it).
 */
export const batchSizes = {
  changes: { projects: 50, pageSize: 9, releasePageSize: 3 },
  newest: { projects: 10, pageSize: 50, releasePageSize: 50 },
  reconcile: { projects: 10, pageSize: 50, releasePageSize: 50 },
} as const;

/** The size of a batch has this many steps. The smallest is one project with one row of each stream. */
const sizeSteps = 50;

/**
 * Reads the first page of every stream of several projects in one round trip: of as many projects, and as many rows, as
 * GitLab can answer in time. Null when there is no such group.
 */
export function readBatch(gitlab: Pick<Gitlab, 'graphql' | 'fit' | 'host'>, query: BatchQuery): Promise<Batch | null> {
  const { ask: what, byName = false } = query;
  return gitlab.fit({
    kind: `${byName ? 'names' : 'batch'} of ${what.kind}`,
    largest: sizeSteps,
    // The names of the rows can be asked for instead.
    patience: byName ? undefined : 2,
    ask: (size) => ask(gitlab, query, size / sizeSteps),
    wasTooMuch: (batch) => batch?.errors.some(isTimeout) ?? false,
  });
}

async function ask({ graphql, host }: Pick<Gitlab, 'graphql' | 'host'>, query: BatchQuery, part: number): Promise<Batch | null> {
  const { source, ask: what, byName = false } = query;
  const largest = Math.max(1, Math.floor(batchSizes[what.kind].projects * part));
  const ids = source.kind === 'ids' ? source.ids.slice(0, largest) : [];
  const cursor = source.kind === 'ids' ? {} : after(source);
  const sent = { host, askedAt: host.clock.now(), askedOn: host.clock.date(), ask: what, asked: ids, byName, ...cursor };
  const variables = { ...variablesOf(query, part), ...cursor };
  if (source.kind === 'group') {
    const operation = byName ? 'GroupRows' : 'GroupChanges';
    const answer = await graphql[operation]({ ...variables, projects: largest, path: source.path });
    if (answer.data.group === null && !answer.errors) return null;
    return batchOf(answer, answer.data.group?.projects, { ...sent, path: ['group', 'projects', 'nodes'], operation });
  }
  const which =
    source.kind === 'ids'
      ? { ids: ids.map(projectGlobalId), projects: ids.length }
      : { membership: true, sort: source.sort, projects: Math.min(source.projects, largest) };
  const operation = byName ? 'ProjectRows' : 'ProjectChanges';
  const answer = await graphql[operation]({ ...variables, ...which });
  return batchOf(answer, answer.data.projects, { ...sent, path: ['projects', 'nodes'], operation });
}

const after = ({ after: cursor }: { readonly after?: string }) => (cursor === undefined ? {} : { after: cursor });

/** What a batch asks of each project, as its query takes it. `part`: of the largest page sizes, above 0 and up to 1. */
export function variablesOf({ ask: what, branches, lists = batchLists }: Pick<BatchQuery, 'ask' | 'branches' | 'lists'>, part: number) {
  const [branch, ...otherBranches] = branches;
  const { pageSize, releasePageSize } = batchSizes[what.kind];
  const fitting = (rows: number) => Math.ceil(rows * part);
  const rows = fitting(what.kind === 'newest' ? Math.min(what.rows, pageSize) : pageSize);
  return {
    pageSize: rows,
    releasePageSize: what.kind === 'newest' ? rows : fitting(releasePageSize),
    mergeRequestSort: what.kind === 'changes' ? ('UPDATED_ASC' as const) : ('UPDATED_DESC' as const),
    ...(what.kind === 'changes' ? { updatedAfter: what.since.toISOString(), pipelinesUpdatedAfter: what.since.toISOString() } : {}),
    ...(what.kind === 'reconcile'
      ? { mergeRequestState: 'opened' as const, pipelinesUpdatedAfter: what.pipelinesSince.toISOString() }
      : {}),
    ...(branches.length > 0 ? { targetBranches: [...branches] } : {}),
    // GitLab filters pipelines by one branch; where there are several, the stream does.
    ...(branch !== undefined && otherBranches.length === 0 ? { ref: branch } : {}),
    ...leftOut(lists),
  };
}

/** What is not named is not asked for, and not charged for. */
const leftOut = (lists: readonly FirstPage[]) => ({
  ...(lists.includes('mergeRequests') ? {} : { asksMergeRequests: false }),
  ...(lists.includes('pipelines') ? {} : { asksPipelines: false }),
  ...(lists.includes('releases') ? {} : { asksReleases: false }),
  ...(lists.includes('containerRepositories') ? {} : { asksContainerRepositories: false }),
});

interface Connection {
  readonly nodes: ReadonlyArray<ChangesFragment | null> | null;
  readonly pageInfo: PageFragment;
}

/** When a request was sent: by a clock that only grows, in milliseconds, and by the time of day of this machine. */
interface Sent {
  readonly host: Gitlab['host'];
  readonly askedAt: number;
  readonly askedOn: Date;
}

interface BatchPlace extends Sent {
  readonly ask: BatchAsk;
  readonly path: readonly string[];
  readonly operation: string;
  readonly asked: readonly number[];
  readonly byName?: boolean;
  /** Where the page began. */
  readonly after?: string | undefined;
}

/** `connection`: of a batch by name, its rows have names only, and no stream sees one. */
function batchOf(answer: Answer<unknown>, connection: unknown, place: BatchPlace): Batch {
  const errors = answer.errors ?? [];
  const { nodes, pageInfo } = (connection ?? { nodes: null }) as Connection;
  if (!nodes) throw new GraphqlError(errors, { operation: place.operation });
  const { hasNextPage, endCursor } = pageInfo;
  if (hasNextPage && (endCursor === null || endCursor === place.after)) {
    const { operation } = place;
    throw new InvalidResponseError(`GitLab's pages of ${operation} do not move on (cursor ${endCursor})`, { operation });
  }
  const isInRow = ({ path = [] }: GraphqlErrorEntry) => path.length >= place.path.length + 1 + stepsToField;
  const at = answeredAt(answer) ?? place.askedOn;
  const startedAt = startOf(place, nodes, at);
  return {
    asked: place.asked,
    projects: nodes.flatMap((node, index) => (node ? [batchProject(node, index, { ...place, errors })] : [])),
    next: hasNextPage ? endCursor : null,
    at,
    startedAt,
    errors: errors.filter((error) => !isInRow(error)),
    mayLackProjects: errors.some(({ path = [] }) => path.length <= place.path.length + 1),
  };
}

function startOf({ host, askedAt }: Sent, nodes: ReadonlyArray<ChangesFragment | null>, at: Date): Date | null {
  noteRows(host, nodes, at);
  const newest = host.rows.newest();
  // GitLab reads the projects one after the other, and dates the answer at its end.
  const tookMs = host.clock.now() - askedAt;
  return newest && new Date(Math.min(newest.getTime(), at.getTime()) - tookMs);
}

function batchProject(
  node: ChangesFragment,
  index: number,
  { ask: what, path, errors, byName }: BatchPlace & Pick<Batch, 'errors'>,
): BatchProject {
  const depth = path.length;
  const id = numberOfGlobalId(node.id);
  const own = errors.filter((error) => !error.path || error.path.length <= depth || error.path[depth] === index);
  const isUnclear = own.some((error) => !error.path || error.path.length <= depth + 1);
  return {
    id,
    node,
    ask: what,
    firstPage: (key) => {
      if (isUnclear) return undefined;
      const ofList = own.filter((error) => error.path?.[depth + 1] === key);
      // Names are not enough for a page with rows.
      // A list that was not asked for has no rows.
      if (ofList.length === 0) return byName && hasRows(node[key] ?? null) ? undefined : (node[key] ?? null);
      const list = byName
        ? null
        : salvageList<object, RowList<object>>(node[key] ?? null, ofList, { path: [...path, index, key], isSmallest: false });
      return list === null || hasFailedRows(list) ? undefined : (list as ChangesFragment[typeof key]);
    },
    names: (key) => {
      if (isUnclear || !byName || own.some((error) => error.path?.[depth + 1] === key)) return undefined;
      return (node[key]?.nodes ?? []).filter((row) => row !== null);
    },
  };
}

const hasRows = (list: RowList<object> | null): boolean => (list?.nodes ?? []).length > 0;
