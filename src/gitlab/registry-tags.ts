import { GitlabRequestError, GraphqlError, UnauthorizedError, isTimeout } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import type { Gitlab } from './client.ts';
import type { DescribedTagFragment, DescribedTagsQuery, NewestTagsOfRepositoryFragment } from './generated/sdk.ts';
import type { RestTagDetail } from './rest.ts';

/** A tag of a container repository, and when it was pushed last. */
export interface NewestTag {
  readonly name: string;
  /** Null where GitLab cannot describe the tag. */
  readonly digest: string | null;
  readonly publishedAt: Date;
}

/** The tags of a container repository that were pushed last, the last one first. */
export interface NewestTags {
  readonly tags: readonly NewestTag[];
  /** Whether the repository has no other tags. */
  readonly areAll: boolean;
}

/** A tag as REST describes it, and what only GraphQL says. */
export type TagDetail = RestTagDetail & { readonly published_at?: string | null };

/** The operation `NewestTags` has so many container repositories. GitLab charges 10 of its 250 points for each. */
export const repositoriesPerRequest = 24;

/** GitLab's largest page of tags. */
const tagsPerPage = 20;
/** The operation `DescribedTags` has so many pages. */
const pagesPerRequest = 15;
/** How many tags that follow each other one request describes. */
export const tagsPerRequest = tagsPerPage * pagesPerRequest;

type Asking = Pick<Gitlab, 'graphql' | 'fit' | 'rest' | 'host'>;

const globalId = (repositoryId: number) => `gid://gitlab/ContainerRepository/${repositoryId}`;

/** The newest tags by repository. Repositories are left out for which GitLab does not say them, or not when the tags were pushed. */
export async function newestTags(gitlab: Asking, repositoryIds: readonly number[]): Promise<ReadonlyMap<number, NewestTags>> {
  const found = new Map<number, NewestTags>();
  const ask = (ids: readonly number[]) =>
    gitlab.graphql.NewestTags(
      Object.fromEntries(ids.flatMap((id, index) => [[`r${index}`, globalId(id)] as const, [`has${index}`, true] as const])),
    );
  for await (const { some, data, errors } of inRequests(gitlab, repositoryIds, {
    kind: 'newest tags',
    largest: repositoriesPerRequest,
    ask,
  })) {
    for (const [index, id] of some.entries()) {
      const repository = (data as Readonly<Record<string, NewestTagsOfRepositoryFragment | null>>)[`r${index}`];
      const newest = errors.some((error) => isAbout(error, [`r${index}`])) ? null : newestOf(repository);
      if (newest) found.set(id, newest);
    }
  }
  return found;
}

function newestOf(repository: NewestTagsOfRepositoryFragment | null | undefined): NewestTags | null {
  const { nodes = null, pageInfo } = repository?.tags ?? {};
  const tags = (nodes ?? []).flatMap((node) => (node?.publishedAt ? [{ ...node, publishedAt: new Date(node.publishedAt) }] : []));
  // A registry without a metadata database does not know when a tag was pushed.
  return nodes && pageInfo && tags.length === nodes.length ? { tags, areAll: !pageInfo.hasNextPage } : null;
}

/** The tags of a repository that are to be described. */
export interface TagsToDescribe {
  readonly repositoryId: number;
  readonly names: readonly string[];
  /** All names that are known, in the order of GitLab's list: each page begins behind one of them. */
  readonly listed: readonly string[];
}

/** Tags by name, 20 on a page. Those that GitLab does not describe so are left out, and all where the registry has no metadata database. */
export async function describedTags(gitlab: Asking, tags: TagsToDescribe): Promise<ReadonlyMap<string, TagDetail>> {
  const { repositoryId } = tags;
  const starts = pageStarts(tags);
  const found = new Map<string, TagDetail>();
  const ask = (some: readonly PageStart[]) =>
    gitlab.graphql.DescribedTags({
      repository: globalId(repositoryId),
      ...Object.fromEntries(some.flatMap(({ after }, index) => [[`after${index}`, after] as const, [`has${index}`, true] as const])),
    });
  const read = async (some: readonly PageStart[]) => {
    for await (const { data, errors } of inRequests(gitlab, some, { kind: 'described tags', largest: pagesPerRequest, ask }))
      for (const tag of tagsOf(data, errors)) found.set(tag.name, detailOf(tag));
  };
  const requests = Array.from({ length: Math.ceil(starts.length / pagesPerRequest) }, (_, index) =>
    starts.slice(index * pagesPerRequest, (index + 1) * pagesPerRequest),
  );
  await Promise.all(requests.map(read));
  return found;
}

interface PageStart {
  /** The name before the first one of the page; null at the beginning of the list. */
  readonly after: string | null;
}

function pageStarts({ names, listed }: TagsToDescribe): PageStart[] {
  const wanted = new Set(names);
  const starts: PageStart[] = [];
  for (let index = 0; index < listed.length;) {
    const isWanted = wanted.has(listed[index] ?? '');
    if (isWanted) starts.push({ after: listed[index - 1] ?? null });
    index += isWanted ? tagsPerPage : 1;
  }
  return starts;
}

/** The tags of all pages without those in which an error is. */
function tagsOf({ containerRepository }: DescribedTagsQuery, errors: readonly GraphqlErrorEntry[]): DescribedTagFragment[] {
  return Object.entries(containerRepository ?? {}).flatMap(([page, connection]) =>
    (connection?.nodes ?? []).flatMap((node, index) =>
      node && !errors.some((error) => isAbout(error, ['containerRepository', page, 'nodes', index])) ? [node] : [],
    ),
  );
}

const detailOf = ({ name, digest, revision, createdAt, publishedAt, totalSize }: DescribedTagFragment): TagDetail => ({
  name,
  digest,
  revision,
  created_at: createdAt,
  published_at: publishedAt,
  total_size: totalSize === null ? null : Number(totalSize),
});

/** Whether an error is in a part of an answer, or in more of it. */
const isAbout = ({ path }: GraphqlErrorEntry, part: ReadonlyArray<string | number>): boolean =>
  !path || part.every((step, index) => index >= path.length || path[index] === step);

/** How items are asked for together. */
interface Together<I, D> {
  readonly kind: string;
  readonly largest: number;
  readonly ask: (items: readonly I[]) => Promise<{ readonly data: D; readonly errors?: readonly GraphqlErrorEntry[] | undefined }>;
}

/** Asks for all items, in the largest requests that GitLab answers in time. Ends early where GitLab does not answer: REST says it then. */
async function* inRequests<I, D>(gitlab: Asking, items: readonly I[], { kind, largest, ask }: Together<I, D>) {
  for (let left = items; left.length > 0;) {
    const asked = left;
    const answer = await unlessRefused(gitlab, () =>
      gitlab.fit({
        kind,
        largest,
        patience: 2,
        ask: async (size) => {
          const some = asked.slice(0, size);
          const { data, errors = [] } = await ask(some);
          return { some, data, errors };
        },
        wasTooMuch: ({ errors }) => errors.some(isTimeout),
      }),
    );
    if (!answer) return;
    yield answer;
    left = asked.slice(answer.some.length);
  }
}

/** What GitLab has from 17.5 on. */
const sortByTime = 'ContainerRepositoryTagSort.PUBLISHED_AT_DESC';
const newIn17: ReadonlySet<string> = new Set([sortByTime, 'ContainerRepositoryTag.publishedAt']);

/**
 * Whether GitLab can be asked for pages of tags in GraphQL, as far as is known. Without a metadata database, and before 17.5, it loads every
 * tag of a repository for a page.
 */
export const hasTagPages = ({ rest, host }: Pick<Asking, 'rest' | 'host'>): boolean =>
  rest.hasRegistryMetadata() && !host.learned.missing().some((name) => newIn17.has(name));

async function unlessRefused<T>(gitlab: Asking, ask: () => Promise<T>): Promise<T | undefined> {
  if (!hasTagPages(gitlab)) return undefined;
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof GitlabRequestError) || error instanceof UnauthorizedError) throw error;
    const lacksSort = error instanceof GraphqlError && error.errors.some(({ message }) => message.includes('PUBLISHED_AT_DESC'));
    if (lacksSort) gitlab.host.learned.note({ key: sortByTime, name: sortByTime });
    return undefined;
  }
}
