import type { ChangeEvent } from '../events/change-event.ts';
import { registryImageToEvent } from '../events/registry-image.ts';
import type { ImageRepository } from '../events/registry-image.ts';
import { hasTagPages, newestTags, tagsPerRequest } from '../gitlab/registry-tags.ts';
import type { NewestTag, NewestTags } from '../gitlab/registry-tags.ts';
import type { TagLook } from '../walk-state.ts';
import { describeTags, undescribed, withReason } from './describe-tags.ts';
import type { Described } from './describe-tags.ts';
import { newsOf, tagFrontier } from './newest-tags.ts';
import { endPage } from './stream.ts';
import type { Page, Pages, StreamContext, WalkEnd } from './stream.ts';
import { isArtifact, turnOf } from './tag-turns.ts';
import type { PushTimes } from './tag-turns.ts';

/** How many tags are stored together, where describing each takes a request. */
const tagsPerPage = 50;

/** Reads the tags of a repository. `checks`: how many known tags to look at again, where the newest tags do not tell which have moved. */
export async function* tagPages(context: StreamContext, repository: ImageRepository, checks: number): Pages {
  const { options, seenAt } = context;
  const state = context.state(repository.path);
  const newest = Number.isFinite(checks) ? await context.newestTags(repository.id) : undefined;
  if (newest && state?.outcome === 'ok' && state.frontier === tagFrontier(repository.id, options, newest)) {
    yield endPage({ outcome: 'ok' });
    return;
  }
  const reading = await begin({ context, repository, newest }, checks);
  const { looks, toLook, first } = reading;
  const progress = { walkStartedAt: seenAt };
  if (first) yield { ...first, progress };
  const size = hasTagPages(context.gitlab) ? tagsPerRequest : tagsPerPage;
  for (let start = 0; start < toLook.length; start += size) {
    yield { ...(await readSome(reading, toLook.slice(start, start + size))), progress };
  }
  yield endPage(endOf([...looks.values()]), { walkStartedAt: null, frontier: frontierAfter(reading) });
}

interface TagWalk {
  readonly context: StreamContext;
  readonly repository: ImageRepository;
  /** What GitLab said of the tags that were pushed last, when it was asked for many repositories together. */
  readonly newest: NewestTags | undefined;
}

/** A walk whose beginning is known: which tags to look at. */
interface Reading extends TagWalk {
  /** What is known of each tag, kept up to date. */
  readonly looks: Map<string, TagLook>;
  /** Names of the tags to look at. */
  readonly toLook: readonly string[];
  /** All names in the order of GitLab's list, as far as they are known. */
  readonly names: readonly string[];
  /** Whether GitLab has listed the names in this walk. */
  readonly areListed: boolean;
  readonly isFirstSight: boolean;
  /** Whether TAG_LIMIT has room for a tag that was left out. */
  readonly isWanted: (name: string) => boolean;
  /** Whether a tag was pushed since the walk before, as the newest tags say. */
  readonly isPushed: (name: string) => boolean;
  /** A page of what is noted without a look. */
  readonly first: Page | null;
}

async function begin(walk: TagWalk, checks: number): Promise<Reading> {
  const { context, repository, newest } = walk;
  const { gitlab, options } = context;
  const state = context.state(repository.path);
  const isImage = (name: string) => options.imageArtifacts || !isArtifact(name);
  const isWaiting = (name: string) => context.isWaiting({ key: name, changedAt: null }, repository.path);
  const known = (await context.readTags(repository.id)).filter(({ name }) => isImage(name));
  const news = newest && state && newsOf(newest, { known, before: state.lastAttemptAt, isImage, isWaiting });
  const listed = news?.areAllPushed && !news.isGone ? null : await listNames(walk);
  const all = listed ?? unionOf([...known, ...(news?.shown ?? [])]);
  const names = all.filter(isImage);
  const isFirstSight = !news && known.length === 0 && !state?.lastSuccessAt;
  const isLimited = isFirstSight && names.length > options.tagLimit;
  const turn = turnOf({
    names,
    times: isLimited ? timesOf((await newestTags(gitlab, [repository.id])).get(repository.id)?.tags) : timesOf(newest?.tags),
    known,
    isFirstSight,
    limit: options.tagLimit,
    // Where more tags were pushed than the newest ones show, all of them may have moved.
    ...(news ? checksOf(news.areAllPushed, options.tagChecks) : { checks, leftOutChecks: options.tagChecks }),
    isWaiting,
  });
  const { leftOut, removed, isWanted } = turn;
  const pushed = names.filter((name) => news?.pushed.has(name));
  const toLook = [...new Set([...turn.toLook, ...pushed])];
  const looks = new Map(known.filter(({ name }) => !removed.includes(name)).map((look) => [look.name, look]));
  // Tags that are left out are noted first: after a walk that was stopped they must not count as new.
  const noted = [
    ...leftOut.map((name) => ({ ...blank, repositoryId: repository.id, name, isLeftOut: true })),
    ...(news?.noted ?? []).map((look) => ({ ...look, lookedAt: context.seenAt })),
  ].filter(({ name }) => !toLook.includes(name));
  for (const look of noted) looks.set(look.name, look);
  const artifacts = listed ? all.length - names.length : 0;
  const tags = { repositoryId: repository.id, looked: noted, moved: [], removed };
  const hasNoted = noted.length + removed.length + artifacts > 0;
  return {
    ...walk,
    looks,
    toLook: hasTagPages(gitlab) && toLook.length > tagsPerRequest ? inOrder(toLook, all) : toLook,
    names: all,
    areListed: listed !== null,
    isFirstSight,
    isWanted,
    isPushed: (name) => news?.pushed.has(name) === true,
    first: hasNoted ? { events: [], goneKeys: removed, tags, artifacts } : null,
  };
}

const checksOf = (areAllPushed: boolean, tagChecks: number) =>
  areAllPushed ? { checks: 0, leftOutChecks: 0 } : { checks: Number.POSITIVE_INFINITY, leftOutChecks: tagChecks };

/** Names in the order of GitLab's list. */
const unionOf = (tags: ReadonlyArray<{ readonly name: string }>): string[] =>
  [...new Set(tags.map(({ name }) => name))].toSorted((a, b) => (a < b ? -1 : 1));

function inOrder(some: readonly string[], names: readonly string[]): string[] {
  const wanted = new Set(some);
  return names.filter((name) => wanted.has(name));
}

const refOf = ({ context, repository }: TagWalk) => ({ projectId: context.project.id, repositoryId: repository.id });

async function listNames(walk: TagWalk): Promise<string[]> {
  const names: string[] = [];
  for await (const page of walk.context.gitlab.rest.tagNamePages(refOf(walk))) names.push(...page);
  return names;
}

/** Looks at some tags: their events, and what is known of them afterwards. */
async function readSome(reading: Reading, names: readonly string[]): Promise<Page> {
  const { context, repository, looks, isFirstSight, isWanted, isPushed } = reading;
  const { project, seenAt } = context;
  const { described, removed } = await describe(reading, names);
  for (const name of removed) looks.delete(name);
  const isMoved = (one: Described) => 'tag' in one && !isFirstSight && looks.get(one.name)?.digest !== one.tag.digest;
  const times = await pushTimes(reading, described.filter(isMoved));
  const look = { repositoryId: repository.id, isFirstSight, isWanted, isPushed, seenAt, times };
  const looked = described.map((one) => lookAfter(one, looks.get(one.name), look));
  const moved = looked.filter(({ name, pushedAt }) => pushedAt?.getTime() !== looks.get(name)?.pushedAt?.getTime());
  for (const one of looked) looks.set(one.name, one);
  return {
    events: described.flatMap((one, index) => eventsOf(one, looked[index], { repository, project, seenAt })),
    unread: undescribed(described).flatMap(({ name, error }) =>
      looks.get(name)?.isLeftOut ? [] : [{ key: name, changedAt: null, error, breaksLists: false }],
    ),
    goneKeys: removed,
    tags: { repositoryId: repository.id, looked, moved: moved.map(({ name }) => name), removed },
  };
}

/** Describes tags. Those that are gone are named; of others that GitLab could not describe the reason is. */
async function describe(
  reading: Reading,
  names: readonly string[],
): Promise<{ readonly described: readonly Described[]; readonly removed: readonly string[] }> {
  const { gitlab } = reading.context;
  const described = await describeTags(gitlab, refOf(reading), { names, listed: reading.names });
  const failed = undescribed(described);
  const [one] = failed;
  if (!one) return { described, removed: [] };
  // When GitLab does not list the names of the tags any more, it is not the tags.
  if (reading.areListed && failed.length === described.length)
    await gitlab.rest
      .tagNamePages(refOf(reading))
      .next()
      .catch(() => {
        throw one.error;
      });
  const listed = reading.areListed ? reading.names : await listNames(reading);
  const isGone = ({ name }: Described) => !listed.includes(name) && failed.some((other) => other.name === name);
  const reasoned = (tag: Described) => ('error' in tag && gitlab.rest.hasRegistryMetadata() ? withReason(tag, listed) : tag);
  return {
    described: described.filter((tag) => !isGone(tag)).map(reasoned),
    removed: described.filter(isGone).map(({ name }) => name),
  };
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

interface Look extends Pick<Reading, 'isFirstSight' | 'isWanted' | 'isPushed'> {
  readonly repositoryId: number;
  readonly seenAt: Date;
  readonly times: PushTimes;
}

/** What is known of a tag after a look at it. Whatever it points to that it did not before was pushed since: the image is older perhaps. */
function lookAfter(one: Described, before: TagLook | undefined, look: Look): TagLook {
  const { repositoryId, isFirstSight, isWanted, isPushed, seenAt, times } = look;
  const known = before ?? { ...blank, repositoryId, name: one.name, pushedAt: isFirstSight ? null : seenAt };
  if ('error' in one) return { ...known, lookedAt: seenAt, isBroken: true };
  const digest = one.tag.digest ?? '';
  const after = { ...known, digest, lookedAt: seenAt, isLeftOut: known.isLeftOut && !isWanted(one.name), isBroken: false };
  if (known.digest === digest) return after;
  const saidAt = times.get(one.name);
  // GitLab's word is of the image that the tag points to now.
  const publishedAt = saidAt && saidAt.digest === digest && saidAt.at <= seenAt ? saidAt.at : null;
  const isNoticed = known.isLeftOut && isPushed(one.name);
  if (known.digest === null && !isNoticed) return { ...after, pushedAt: (known.pushedAt && publishedAt) ?? known.pushedAt };
  return { ...after, isLeftOut: false, pushedAt: publishedAt ?? seenAt, previousDigest: known.digest };
}

const timesOf = (tags: readonly NewestTag[] = []): PushTimes =>
  new Map(tags.map(({ name, digest, publishedAt }) => [name, { digest, at: publishedAt }]));

/** When tags were pushed that have moved: as their details say, or the newest tags. GitLab knows it where the registry has a metadata database, from 17.5 on. */
async function pushTimes({ context, repository, newest }: TagWalk, moved: readonly Described[]): Promise<PushTimes> {
  const said = moved.flatMap((one): NewestTag[] => {
    if ('error' in one || !one.tag.published_at) return [];
    return [{ name: one.name, digest: one.tag.digest ?? null, publishedAt: new Date(one.tag.published_at) }];
  });
  const others =
    said.length < moved.length ? (newest ?? (await newestTags(context.gitlab, [repository.id])).get(repository.id)) : undefined;
  return new Map([...timesOf(others?.tags), ...timesOf(said)]);
}

/** What the next pass compares the newest tags with. */
function frontierAfter({ context, repository, newest }: TagWalk): string | null {
  const { gitlab, options } = context;
  if (!hasTagPages(gitlab)) return null;
  const blankOne = tagFrontier(repository.id, options);
  const before = context.state(repository.path)?.frontier;
  return newest ? tagFrontier(repository.id, options, newest) : before?.startsWith(blankOne) ? before : blankOne;
}

function endOf(looks: readonly TagLook[]): WalkEnd {
  const leftOut = looks.filter(({ isLeftOut }) => isLeftOut).length;
  const broken = looks.filter(({ isBroken, isLeftOut }) => isBroken && !isLeftOut).length;
  if (broken > 0) {
    return { outcome: 'partial', reason: `GitLab could not describe ${broken} of ${looks.length - leftOut} tags`, byGaps: true };
  }
  if (leftOut > 0) return { outcome: 'partial', reason: `${leftOut} of ${looks.length} tags left out (TAG_LIMIT)`, byLimit: true };
  return { outcome: 'ok' };
}
