import { InvalidResponseError, NotFoundError } from '../errors.ts';
import type { GitlabRequestError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import { registryImageToEvent } from '../events/registry-image.ts';
import type { ImageRepository } from '../events/registry-image.ts';
import { presentNodes } from '../events/text.ts';
import { completeData, required } from '../gitlab/graphql-response.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { ContainerRepositoriesFragment } from '../gitlab/generated/sdk.ts';
import type { RestTagDetail } from '../gitlab/rest.ts';
import { numberOfGlobalId } from '../gitlab/ids.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { mayBeOfARow, namesOf, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround } from '../gitlab/read-around.ts';
import type { TagLook } from '../walk-state.ts';
import { closed, refusal } from './access.ts';
import { largestPage } from './backfill.ts';
import { pagesOf } from './counts.ts';
import type { CountedProjects, PlannedRequests } from './counts.ts';
import { endPage } from './stream.ts';
import type { Pages, Stream, StreamContext, StreamOptions, Walk, WalkEnd } from './stream.ts';
import { isArtifact, turnOf } from './tag-turns.ts';
import type { PushTimes } from './tag-turns.ts';

/** How many tags are described before they are stored together. */
const tagsPerPage = 50;

/**
 * Tags of the container registry with the images that they point to, one walk for each repository. A list of tags has
 * names only, so each tag takes a request: a new tag at once, and known tags in turn, because tags are moved.
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
      return withImages(projects).length > 0 ? `tags (a new container repository takes a request for each of ${most})` : null;
    },
  },
};

const withImages = ({ changed, fresh }: CountedProjects) =>
  [...changed, ...fresh].filter(({ project, containerRepositories }) => containerRepositories > 0 && !closed(project, registryImages));

/** The names of each repository's tags are listed; known tags are looked at in turn, or all of them when they are due. */
function plannedRequests(projects: CountedProjects, { tagChecks }: StreamOptions): PlannedRequests {
  const readable = withImages(projects);
  const ids = new Set(readable.map(({ id }) => id));
  const isDue = new Set(projects.due.map(({ id }) => id));
  const tags = projects.tags.filter(({ projectId }) => ids.has(projectId));
  // The tags of a project that is due are listed a second time.
  const lists = readable.reduce((sum, { id, containerRepositories }) => sum + containerRepositories * (isDue.has(id) ? 2 : 1), 0);
  const morePages = tags.reduce((sum, { known: count }) => sum + Math.max(0, pagesOf(count) - 1), 0);
  const looks = tags.reduce(
    (sum, { projectId, known, stored }) => sum + Math.min(known, tagChecks) + (isDue.has(projectId) ? stored : 0),
    0,
  );
  return { projects: readable.length, graphql: 0, rest: lists + morePages + looks };
}

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
      yield { scope: path, pages: () => pages(context, repository, checks) };
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

async function* pages(context: StreamContext, repository: ImageRepository, checks: number): Pages {
  const { gitlab, project, options, seenAt } = context;
  const repositoryId = repository.id;
  const ref = { projectId: project.id, repositoryId };
  const listed: string[] = [];
  for await (const page of gitlab.rest.tagNamePages(ref)) listed.push(...page);
  const isImage = (name: string) => options.imageArtifacts || !isArtifact(name);
  const names = listed.filter(isImage);
  const known = (await context.readTags(repositoryId)).filter(({ name }) => isImage(name));
  const isFirstSight = known.length === 0 && !context.state(repository.path)?.lastSuccessAt;
  const isWaiting = (name: string) => context.isWaiting({ key: name, changedAt: null }, repository.path);
  const isLimited = isFirstSight && names.length > options.tagLimit;
  const times = isLimited ? await pushTimes(gitlab, repositoryId) : noTimes;
  const turn = turnOf({ names, times, known, isFirstSight, limit: options.tagLimit, checks, leftOutChecks: options.tagChecks, isWaiting });
  const { toLook, leftOut, removed } = turn;
  const looks = new Map(known.filter(({ name }) => !removed.includes(name)).map((look) => [look.name, look]));
  // Tags that are left out are noted first: after a walk that was stopped they must not count as new.
  const unseen = leftOut.map((name) => ({ ...blank, repositoryId, name, isLeftOut: true }));
  for (const look of unseen) looks.set(look.name, look);
  const noted = { repositoryId, looked: unseen, moved: [], removed };
  const artifacts = listed.length - names.length;
  if (unseen.length + removed.length + artifacts > 0) yield { events: [], goneKeys: removed, tags: noted, artifacts };
  for (let start = 0; start < toLook.length; start += tagsPerPage) {
    const some = toLook.slice(start, start + tagsPerPage);
    const described = await describeTags(some, (name) => gitlab.rest.tag(ref, name));
    if (described.every((one) => 'error' in one)) await throwIfDown(described, () => gitlab.rest.tagNamePages(ref).next());
    const isPushed = (one: Described) => 'tag' in one && !isFirstSight && looks.get(one.name)?.digest !== one.tag.digest;
    const pushed = described.some(isPushed) ? await pushTimes(gitlab, repositoryId) : noTimes;
    const look = { repositoryId, isFirstSight, isWanted: turn.isWanted, seenAt, times: pushed };
    const looked = described.map((one) => lookAfter(one, looks.get(one.name), look));
    const moved = looked.filter(({ name, pushedAt }) => pushedAt?.getTime() !== looks.get(name)?.pushedAt?.getTime());
    for (const one of looked) looks.set(one.name, one);
    yield {
      events: described.flatMap((one, index) => eventsOf(one, looked[index], { repository, project, seenAt })),
      unread: described.flatMap((one) =>
        'error' in one && !looks.get(one.name)?.isLeftOut ? [{ key: one.name, changedAt: null, error: one.error, breaksLists: false }] : [],
      ),
      tags: { repositoryId, looked, moved: moved.map(({ name }) => name), removed: [] },
    };
  }
  yield endPage(endOf([...looks.values()]));
}

interface ImagePlace {
  readonly repository: ImageRepository;
  readonly project: StreamContext['project'];
  readonly seenAt: Date;
}

function eventsOf(one: Described, look: TagLook | undefined, { seenAt, ...place }: ImagePlace): ChangeEvent[] {
  return 'tag' in one && look && !look.isLeftOut ? [registryImageToEvent(one.tag, place, { ...look, seenAt })] : [];
}

/** A tag of which only the name is known. */
const blank = { digest: null, lookedAt: null, isLeftOut: false, isBroken: false, pushedAt: null, previousDigest: null };

interface Look {
  readonly repositoryId: number;
  readonly isFirstSight: boolean;
  /** Whether TAG_LIMIT has room for a tag that was left out. */
  readonly isWanted: (name: string) => boolean;
  readonly seenAt: Date;
  readonly times: PushTimes;
}

/** What is known of a tag after a look at it. Whatever it points to that it did not before was pushed since: the image is older perhaps. */
function lookAfter(one: Described, before: TagLook | undefined, { repositoryId, isFirstSight, isWanted, seenAt, times }: Look): TagLook {
  const known = before ?? { ...blank, repositoryId, name: one.name, pushedAt: isFirstSight ? null : seenAt };
  if ('error' in one) return { ...known, lookedAt: seenAt, isBroken: true };
  const digest = one.tag.digest ?? '';
  const look = { ...known, digest, lookedAt: seenAt, isLeftOut: known.isLeftOut && !isWanted(one.name), isBroken: false };
  if (known.digest === digest) return look;
  const saidAt = times.get(one.name);
  // GitLab's word is of the image that the tag points to now.
  const publishedAt = saidAt && saidAt.digest === digest && saidAt.at <= seenAt ? saidAt.at : null;
  if (known.digest === null) return { ...look, pushedAt: (known.pushedAt && publishedAt) ?? known.pushedAt };
  return { ...look, isLeftOut: false, pushedAt: publishedAt ?? seenAt, previousDigest: known.digest };
}

const noTimes: PushTimes = new Map();

/** When the last pushed tags of a repository were pushed: GitLab knows it where the registry has a metadata database, from 17.5 on. */
async function pushTimes({ graphql, rest }: StreamContext['gitlab'], repositoryId: number): Promise<PushTimes> {
  // Without that database GitLab would load every tag of the repository.
  if (!rest.hasRegistryMetadata()) return noTimes;
  try {
    const { data } = await graphql.TagTimes({ id: `gid://gitlab/ContainerRepository/${repositoryId}` });
    const nodes = data.containerRepository?.tags?.nodes ?? [];
    return new Map(
      nodes.flatMap((node) =>
        node?.name && node.publishedAt ? [[node.name, { digest: node.digest, at: new Date(node.publishedAt) }] as const] : [],
      ),
    );
  } catch (error) {
    if (mayBeOfARow(error)) return noTimes;
    throw error;
  }
}

function endOf(looks: readonly TagLook[]): WalkEnd {
  const leftOut = looks.filter(({ isLeftOut }) => isLeftOut).length;
  const broken = looks.filter(({ isBroken, isLeftOut }) => isBroken && !isLeftOut).length;
  if (broken > 0) {
    const reason = `GitLab could not describe ${broken} of ${looks.length - leftOut} tags (broken, or deleted meanwhile)`;
    return { outcome: 'partial', reason, byGaps: true };
  }
  if (leftOut > 0) return { outcome: 'partial', reason: `${leftOut} of ${looks.length} tags left out (TAG_LIMIT)`, byLimit: true };
  return { outcome: 'ok' };
}

type Described = { readonly name: string; readonly tag: RestTagDetail } | { readonly name: string; readonly error: GitlabRequestError };

/** Without its digest nobody can say which image it is. */
const withoutDigest = (name: string) =>
  new InvalidResponseError(`GitLab does not say the digest of the tag ${name}`, { operation: 'GET tag' });

/**
 * The details of tags, or why GitLab cannot describe one: a deleted or broken one answers 404, and GitLab may fail on a single one for
 * ever. Throws what says nothing of a single tag.
 */
async function describeTags(names: readonly string[], read: (name: string) => Promise<RestTagDetail>): Promise<Described[]> {
  const others: unknown[] = [];
  const described = await Promise.all(
    names.map((name) =>
      read(name).then(
        (tag) => [tag.digest ? { name, tag } : { name, error: withoutDigest(name) }],
        (error: unknown) => {
          if (error instanceof NotFoundError || mayBeOfARow(error)) return [{ name, error }];
          others.push(error);
          return [];
        },
      ),
    ),
  );
  if (others.length > 0) throw others[0];
  return described.flat();
}

/** When GitLab does not list the names of the tags any more, it is not the tags. */
async function throwIfDown(described: readonly Described[], listNames: () => Promise<unknown>): Promise<void> {
  const [first] = described.flatMap((one) => ('error' in one ? [one.error] : []));
  await listNames().catch(() => {
    throw first;
  });
}
