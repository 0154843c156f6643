import { getOperationAST, print } from 'graphql';
import type { DocumentNode } from 'graphql';
import pLimit from 'p-limit';
import {
  DescribedTagsDocument,
  MergeRequestPageDocument,
  NewestTagsDocument,
  PipelinePageDocument,
  ProjectChangesDocument,
  ProjectTipsDocument,
  ReleasePageDocument,
} from '../../src/gitlab/generated/sdk.ts';
import type { ChangesFragment } from '../../src/gitlab/generated/sdk.ts';
import { presentNodes } from '../../src/events/text.ts';
import { measure } from '../../fake-gitlab/graphql/complexity.ts';
import { latest, schemaOf } from '../../fake-gitlab/graphql/variant.ts';
import type { OnRow, Peer, Reading } from './peer.ts';

const complexityLimit = 250;
const largestPage = 100;

type Variables = Readonly<Record<string, unknown>>;

interface Asking {
  readonly reading: Reading;
  readonly onRow: OnRow;
  readonly graphql: (document: DocumentNode, variables: Variables) => Promise<Answered>;
  readonly rest: <T>(path: string) => Promise<T>;
}

/** A list in an answer. */
interface List {
  readonly nodes: ReadonlyArray<Readonly<Record<string, unknown>> | null> | null;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

interface Answered {
  readonly projects: List;
}

/**
 * The limit: reads the same fields in the fewest requests that GitLab allows, and stores nothing. Each request has as many
 * projects as the limit of complexity allows. Lists are read in pages of 100, and tags 300 in a request; in a later pass the
 * newest tags of 24 container repositories.
 */
export const limit: Peer = async (reading, onRow) => {
  const asking = createAsking(reading, onRow);
  const sizes = largestBatch(reading);
  const work: Array<Promise<void>> = [];
  const repositories: Repository[] = [];
  const read: ChangesFragment[] = [];
  let left = reading.projects || Number.POSITIVE_INFINITY;
  for (let after: string | null | undefined; after !== null && left > 0;) {
    const { projects } = await asking.graphql(ProjectChangesDocument, {
      ...variablesOf(reading, { ...sizes, projects: Math.min(sizes.projects, left) }),
      ...(after === undefined ? {} : { after }),
    });
    const nodes = (projects.nodes ?? []) as unknown as ChangesFragment[];
    left -= nodes.length;
    read.push(...nodes);
    work.push(...nodes.map((node) => readProject(asking, node)));
    repositories.push(...nodes.flatMap(({ containerRepositories }) => presentNodes(containerRepositories)));
    after = projects.pageInfo.hasNextPage ? projects.pageInfo.endCursor : null;
  }
  if (reading.since !== null) work.push(readNewestTags(asking, repositories), readMovedBranches(asking, read));
  await Promise.all(work);
};

function createAsking(reading: Reading, onRow: OnRow): Asking {
  const { url, token, concurrency } = reading;
  const turn = pLimit(concurrency);
  const send = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetch(`${url}/api/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const texts = new Map<DocumentNode, string>();
  return {
    reading,
    onRow,
    graphql: async (document, variables) => {
      const query = texts.get(document) ?? print(document);
      texts.set(document, query);
      const answer = (await turn(() => send('graphql', { method: 'POST', body: JSON.stringify({ query, variables }) }))) as {
        readonly data?: Answered;
        readonly errors?: unknown;
      };
      if (!answer.data || answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data;
    },
    rest: async <T>(path: string) => (await turn(() => send(`v4/${path}`))) as T,
  };
}

interface BatchSize {
  readonly projects: number;
  readonly pageSize: number;
}

const variablesOf = ({ since }: Pick<Reading, 'since'>, { projects, pageSize }: BatchSize): Variables => ({
  membership: true,
  sort: 'latest_activity_desc',
  projects,
  pageSize,
  releasePageSize: pageSize,
  mergeRequestSort: since === null ? 'UPDATED_DESC' : 'UPDATED_ASC',
  ...(since === null ? {} : { updatedAfter: since, pipelinesUpdatedAfter: since }),
});

/**
 * How many projects a request has, with how many rows of each list: as many projects as fit, at most the wanted number.
 * For changes with one row of each list, otherwise with the wanted number of rows, at most 50.
 */
export function largestBatch({ since, projects, rows }: Pick<Reading, 'since' | 'projects' | 'rows'>): BatchSize {
  const fits = (size: BatchSize) => scoreOf(ProjectChangesDocument, variablesOf({ since }, size)) <= complexityLimit;
  const wanted = Math.min(projects || largestPage, largestPage);
  const pageSize = since === null ? Math.min(Math.max(rows.mergeRequests, rows.pipelines, rows.releases), 50) : 1;
  for (let count = wanted; count > 1; count--) if (fits({ projects: count, pageSize })) return { projects: count, pageSize };
  return { projects: 1, pageSize };
}

function scoreOf(document: DocumentNode, variables: Variables): number {
  const operation = getOperationAST(document);
  if (!operation) throw new Error('a document without an operation');
  return measure({ schema: schemaOf(latest), document, operation, variables }).complexity;
}

async function readProject(asking: Asking, node: ChangesFragment): Promise<void> {
  const { reading, onRow, graphql } = asking;
  const { fullPath, mergeRequests, pipelines, releases, containerRepositories } = node;
  const more = async (key: string, document: DocumentNode, { first, wanted, idOf }: ListReading) => {
    let list = first;
    let left = wanted;
    for (;;) {
      const rows = (list?.nodes ?? []).slice(0, left);
      left -= rows.length;
      for (const row of rows) if (row) onRow(idOf(row), '');
      if (!list?.pageInfo.hasNextPage || left <= 0) return;
      const variables = { project: node.id, first: Math.min(left, largestPage), after: list.pageInfo.endCursor, ...orderOf(key, reading) };
      const answer = await graphql(document, variables);
      list = answer.projects.nodes?.[0]?.[key] as List | null;
    }
  };
  const wanted = (count: number) => (reading.since === null ? count : Number.POSITIVE_INFINITY);
  await Promise.all([
    more('mergeRequests', MergeRequestPageDocument, {
      first: mergeRequests ?? null,
      wanted: wanted(reading.rows.mergeRequests),
      idOf: ({ iid }) => `mr-${fullPath}-${String(iid)}`,
    }),
    more('pipelines', PipelinePageDocument, {
      first: pipelines ?? null,
      wanted: wanted(reading.rows.pipelines),
      idOf: ({ id }) => `pipeline-${fullPath}-${String(id).split('/').at(-1)}`,
    }),
    // GitLab has no filter for releases. When only changes are read, the newest release shows whether there are any.
    more('releases', ReleasePageDocument, {
      first: releases ?? null,
      wanted: reading.since === null ? reading.rows.releases : 0,
      idOf: ({ tagName }) => `release-${fullPath}-${String(tagName)}`,
    }),
    ...(reading.since === null
      ? [readCommits(asking, node), ...presentNodes(containerRepositories).map((one) => readTags(asking, node, one))]
      : []),
  ]);
}

interface ListReading {
  readonly first: List | null;
  readonly wanted: number;
  readonly idOf: (row: Readonly<Record<string, unknown>>) => string;
}

const orderOf = (key: string, { since }: Reading): Variables => ({
  ...(key === 'mergeRequests' ? { sort: since === null ? 'UPDATED_DESC' : 'UPDATED_ASC' } : {}),
  ...(since !== null && key !== 'releases' ? { updatedAfter: since } : {}),
});

/** The newest commits of a branch; those that are known are read again. */
async function readCommits({ rest, reading, onRow }: Asking, { id, fullPath }: Pick<ChangesFragment, 'id' | 'fullPath'>): Promise<void> {
  const base = `projects/${id.split('/').at(-1)}/repository/commits?ref_name=main&with_stats=true`;
  let left = reading.rows.commits;
  for (let [page, size] = [1, largestPage]; size === largestPage && left > 0; page++) {
    const commits = await rest<ReadonlyArray<{ readonly id: string }>>(`${base}&per_page=${Math.min(left, largestPage)}&page=${page}`);
    size = commits.length;
    left -= commits.length;
    for (const commit of commits) onRow(`commit-${fullPath}-${commit.id}`, '');
  }
}

/** The tips of a branch of 100 projects in a request, and the commits where a tip is not known. */
async function readMovedBranches(asking: Asking, projects: readonly ChangesFragment[]): Promise<void> {
  const read = async (some: readonly ChangesFragment[]) => {
    const answer = await asking.graphql(ProjectTipsDocument, { ids: some.map(({ id }) => id), first: some.length, ref: 'refs/heads/main' });
    const tips = new Map((answer.projects.nodes ?? []).map((node) => [node?.['id'], tipOf(node as unknown as Tip)]));
    const moved = some.filter(({ id, fullPath }) => !asking.reading.known.has(`commit-${fullPath}-${tips.get(id)}`));
    await Promise.all(moved.map((project) => readCommits(asking, project)));
  };
  await Promise.all(chunks(projects, largestPage).map(read));
}

interface Tip {
  readonly repository: { readonly tree: { readonly lastCommit: { readonly sha: string } | null } | null } | null;
}

const tipOf = ({ repository }: Tip): string => repository?.tree?.lastCommit?.sha ?? '';

/** The names of a repository's tags with REST, and then 300 tags in a request. */
async function readTags(
  { graphql, rest, reading, onRow }: Asking,
  project: Pick<ChangesFragment, 'id'>,
  { id, path }: Repository,
): Promise<void> {
  const [projectId, repositoryId] = [project.id, id].map((globalId) => globalId.split('/').at(-1) ?? '');
  const base = `projects/${projectId}/registry/repositories/${repositoryId}/tags`;
  const names: string[] = [];
  for (let [page, size] = [1, largestPage]; size === largestPage && names.length < reading.tags; page++) {
    const tags = await rest<ReadonlyArray<{ readonly name: string }>>(`${base}?per_page=${largestPage}&page=${page}`);
    size = tags.length;
    names.push(...tags.map(({ name }) => name));
  }
  const starts = chunks(names.slice(0, reading.tags), tagsPerPage).map((_, index) => names[index * tagsPerPage - 1] ?? null);
  const describe = async (afters: ReadonlyArray<string | null>) => {
    const variables = afters.flatMap((after, index) => [[`after${index}`, after] as const, [`has${index}`, true] as const]);
    const answer = await graphql(DescribedTagsDocument, { repository: id, ...Object.fromEntries(variables) });
    const { containerRepository } = answer as unknown as { readonly containerRepository: Readonly<Record<string, List>> };
    for (const { nodes } of Object.values(containerRepository))
      for (const tag of nodes ?? []) onRow(`registry-${path}-${String(tag?.['name'])}-${String(tag?.['digest'])}`, '');
  };
  await Promise.all(chunks(starts, pagesPerRequest).map(describe));
}

const tagsPerPage = 20;
const pagesPerRequest = 15;

/** The newest tags of 24 repositories in a request: they show what was pushed. */
async function readNewestTags({ graphql, onRow }: Asking, repositories: readonly Repository[]): Promise<void> {
  const read = async (some: readonly Repository[]) => {
    const variables = some.flatMap(({ id }, index) => [[`r${index}`, id] as const, [`has${index}`, true] as const]);
    const answer = (await graphql(NewestTagsDocument, Object.fromEntries(variables))) as unknown as Readonly<
      Record<string, { readonly tags: List }>
    >;
    for (const [index, { path }] of some.entries())
      for (const tag of answer[`r${index}`]?.tags.nodes ?? [])
        onRow(`registry-${path}-${String(tag?.['name'])}-${String(tag?.['digest'])}`, '');
  };
  await Promise.all(chunks(repositories, repositoriesPerRequest).map(read));
}

const repositoriesPerRequest = 24;

interface Repository {
  readonly id: string;
  readonly path: string;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}
