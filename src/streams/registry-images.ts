import { presentNodes } from '../events/text.ts';
import { completeData, required } from '../gitlab/graphql-response.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { ContainerRepositoriesFragment } from '../gitlab/generated/sdk.ts';
import { numberOfGlobalId } from '../gitlab/ids.ts';
import { repositoriesPerRequest, tagsPerRequest } from '../gitlab/registry-tags.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { namesOf, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround } from '../gitlab/read-around.ts';
import { closed, refusal } from './access.ts';
import { largestPage } from './backfill.ts';
import { pagesOf } from './counts.ts';
import type { CountedProjects, PlannedRequests } from './counts.ts';
import { endPage } from './stream.ts';
import type { Pages, Stream, StreamContext, StreamOptions, Walk, WalkEnd } from './stream.ts';
import { tagPages } from './tag-walk.ts';

/**
 * Tags of the container registry with the images that they point to, one walk for each repository. Where the registry has a metadata
 * database, the newest tags of many repositories show what was pushed. Elsewhere a list of tags has names only, and each tag takes a
 * request: a new tag at once, and known tags in turn, because tags are moved.
 */
export const registryImages: Stream = {
  name: 'registry-images',
  label: 'registry images',
  type: 'Image',
  lists: ['containerRepositories'],
  changes: (context) => walks(context, context.options.tagChecks),
  reconcile: (context) => walks(context, Number.POSITIVE_INFINITY),
  // Repositories have names of their own, in the scope that is empty.
  row: { key: 'tag', isOfScope: true },
  access: { needs: 'feature', isEnabled: ({ containerRegistryEnabled }) => containerRegistryEnabled },
  count: { kind: 'none', reason: 'GitLab counts the tags of now, not the images that they pointed to' },
  plan: {
    requests: plannedRequests,
    uncounted: (projects, { tagLimit }) => {
      const most = Number.isFinite(tagLimit) ? `up to ${tagLimit}` : 'them';
      const words = `tags (a new container repository takes a request for each of ${most}, or for ${tagsPerRequest} of them where the registry has a metadata database)`;
      return withImages(projects).length > 0 ? words : null;
    },
  },
};

const withImages = ({ changed, fresh }: Pick<CountedProjects, 'changed' | 'fresh'>) =>
  [...changed, ...fresh].filter(({ project, containerRepositories }) => containerRepositories > 0 && !closed(project, registryImages));

/**
 * Of repositories at rest the newest tags are asked for. Of the others the names are listed and known tags are looked at in turn; when a project
 * is due, the names are listed again, and all tags are looked at.
 */
function plannedRequests({ changed, fresh, due, tags, atRest }: CountedProjects, { tagChecks }: StreamOptions): PlannedRequests {
  const readable = withImages({ changed, fresh });
  const isDue = new Set(due.map(({ id }) => id));
  const requests = readable.map(({ id, containerRepositories }) => {
    const resting = Math.min(atRest.get(id) ?? 0, containerRepositories);
    const known = tags.filter(({ projectId }) => projectId === id);
    // GitLab says of all repositories of a project when their tags were pushed, or of none.
    const listed = resting > 0 ? [] : known;
    const again = isDue.has(id) ? known : [];
    const pagesAfterFirst = sumOf([...listed, ...again], (repository) => Math.max(0, pagesOf(repository.known) - 1));
    const lists = containerRepositories - resting + (isDue.has(id) ? containerRepositories : 0) + pagesAfterFirst;
    const looks = sumOf(listed, (repository) => Math.min(repository.known, tagChecks));
    const all = sumOf(again, ({ stored }) => (resting > 0 ? Math.ceil(stored / tagsPerRequest) : stored));
    return { resting, graphql: resting > 0 ? all : 0, rest: lists + looks + (resting > 0 ? 0 : all) };
  });
  const probes = Math.ceil(sumOf(requests, ({ resting }) => resting) / repositoriesPerRequest);
  return {
    projects: readable.length,
    graphql: probes + sumOf(requests, ({ graphql }) => graphql),
    rest: sumOf(requests, ({ rest }) => rest),
  };
}

const sumOf = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((sum, item) => sum + of(item), 0);

/** `checks`: how many known tags of a repository to look at again. */
async function* walks(context: StreamContext, checks: number): AsyncGenerator<Walk> {
  const page = context.batch.firstPage('containerRepositories');
  // With a request of its own when the batch's answer has errors there.
  const list: RepositoryPage | null = page === undefined ? await nextPage(context)() : page;
  const refused = refusal(context, registryImages, list);
  // Of repositories that cannot be read, the names are not known.
  const isWholeList = list !== null && !list.pageInfo.hasNextPage && !list.unread?.length && !context.startsWithNames;
  yield { scope: '', pages: () => listed(refused, list, isWholeList) };
  if (refused || !list) return;
  const repositoryIds: number[] = [];
  let hasAll = !context.startsWithNames;
  for await (const repositories of connectionPages<ImageRepositoryNode, RepositoryPage>(
    list,
    nextPage(context),
    'ContainerRepositoryPage',
  )) {
    if (repositories !== list) yield { scope: '', pages: () => listed(null, repositories, false) };
    hasAll &&= !repositories.unread?.length;
    for (const { id, name, path, location } of presentNodes(repositories)) {
      const repository = { id: numberOfGlobalId(id), name, path, location };
      repositoryIds.push(repository.id);
      yield { scope: path, pages: () => tagPages(context, repository, checks) };
    }
  }
  // A list without any repository may be out of sight.
  if (context.batch.ask.kind === 'reconcile' && hasAll && repositoryIds.length > 0)
    yield { scope: '', pages: () => withoutOthers(repositoryIds) };
}

/** Ends what is known of the tags of repositories that are gone. */
async function* withoutOthers(repositoryIds: readonly number[]): Pages {
  yield { events: [], tags: { repositoryId: 0, repositoryIds, looked: [], moved: [], removed: [] } };
}

type ImageRepositoryNode = NonNullable<NonNullable<ContainerRepositoriesFragment['nodes']>[number]>;
type RepositoryPage = PageAround<ImageRepositoryNode>;

/** Notes which repositories could be read. */
async function* listed(refused: WalkEnd | null, list: RepositoryPage | null, isWhole: boolean): Pages {
  const repositories = list ? presentNodes(list) : [];
  const goneKeys = repositories.map(({ id }) => String(numberOfGlobalId(id)));
  const scopes = isWhole && !refused ? { scopes: repositories.map(({ path }) => path) } : {};
  yield { ...endPage(refused ?? { outcome: 'ok' }), unread: list?.unread ?? [], goneKeys, ...scopes };
}

/** A page, around the repositories that GitLab cannot answer. */
const nextPage =
  ({ gitlab, project, isWaiting, startsWithNames }: StreamContext) =>
  async (after?: string): Promise<RepositoryPage> => {
    const asked = { projectId: project.id };
    const list: List<ImageRepositoryNode> = {
      operation: 'ContainerRepositoryPage',
      page: async (place, how) => {
        const answer = await askProject(gitlab, 'ContainerRepositoryPage', { ...asked, ...place }, { ...how, mayLackRows: true });
        return required(answer.containerRepositories, 'ContainerRepositoryPage');
      },
      names: async (place) => {
        const answer = await askProject(gitlab, 'ContainerRepositoryCursors', { ...asked, ...place }, { isExact: true });
        return namesOf(required(answer.containerRepositories, 'ContainerRepositoryCursors'));
      },
      keyOf: ({ id }) => String(numberOfGlobalId(id)),
      alone: [
        async (id) => {
          const answer = await gitlab.graphql.ContainerRepositoryWhole({ id: `gid://gitlab/ContainerRepository/${id}` });
          const { containerRepository: row } = completeData(answer, 'ContainerRepositoryWhole');
          return row && { ...row, name: row.name ?? '' };
        },
      ],
      isWaiting,
      startsWithNames,
    };
    return readAround(list, { first: largestPage, ...(after === undefined ? {} : { after }) }, gitlab.host.sizes);
  };
