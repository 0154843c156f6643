import { GraphqlError, NotFoundError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import { withUnknown } from '../events/incomplete.ts';
import { releaseFields, releaseToEvent } from '../events/release.ts';
import { presentNodes } from '../events/text.ts';
import { required } from '../gitlab/graphql-response.ts';
import { askProject, askRow } from '../gitlab/ask-project.ts';
import { salvagedOf, withoutFields } from '../gitlab/salvage.ts';
import type { ReleaseFragment } from '../gitlab/generated/sdk.ts';
import { allNodes, connectionPages } from '../gitlab/paging.ts';
import { mayBeOfARow, namesOf, readAlone, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround } from '../gitlab/read-around.ts';
import { beginningOfTime } from '../walk-state.ts';
import { extendedBackfill, largestPage, resumeBackfill } from './backfill.ts';
import { releaseIdentities } from './identities.ts';
import { newestRows, rowsAfterBatch } from './counts.ts';
import { readEach } from './leaving.ts';
import { endPage, isNothing } from './stream.ts';
import type { Pages, Stream, StreamContext, WalkEnd } from './stream.ts';
import { watermarkAfter } from './watermark.ts';

/**
 * Releases, the newest first. GitLab has no filter for them: a walk ends at the first page on which everything is known
 * and unchanged. After a walk that was stopped, it ends at the depth. A reconcile finds changes further down.
 */
export const releases: Stream = {
  name: 'releases',
  label: 'releases',
  type: 'Release',
  lists: ['releases'],
  changes: (context) => [{ scope: '', pages: () => changes(context) }],
  reconcile: (context) => [{ scope: '', pages: () => reconcile(context) }],
  // Cursors are positions, and positions move when the list grows: a backfill begins at the newest release.
  extendBackfill: ({ backfill }, since) => {
    const next = extendedBackfill(backfill, since);
    return next && { ...next, cursor: null };
  },
  row: {
    key: 'tag_name',
    read: readRow,
  },
  leaving: {
    statuses: ['published', 'upcoming'],
    isExpected: ({ createdAt: at }, { state }) => {
      const depth = state('')?.depth;
      return at !== null && depth !== null && depth !== undefined && at >= depth;
    },
    read: (context, tagNames) => readEach(tagNames, (tagName) => readRow(context, tagName)),
    isShown: async ({ gitlab, project: { id: projectId } }) => {
      const { releases: list } = await askProject(gitlab, 'ReleaseCursors', { projectId, first: 1 }, { isExact: true });
      // The token may see releases, and not their tags.
      return list?.edges?.some((edge) => edge?.node?.tagName) ?? false;
    },
  },
  count: { kind: 'total', rowsIn: ({ releases: count }) => count, identities: releaseIdentities },
  plan: {
    rows: ({ releases: count }, ask, options) => {
      // GitLab has no filter that would count the new ones.
      const rows = { changes: 0, newest: newestRows(count, options), reconcile: count }[ask];
      return rowsAfterBatch(rows, ask, 'releasePageSize');
    },
    uncounted: ({ changed }) => (changed.length > 0 ? 'new releases' : null),
  },
};

async function* changes(context: StreamContext): Pages {
  const state = context.state('');
  const { backfill, beginning } = resumeBackfill(context, state);
  const watermark = watermarkAfter(context, state?.watermark ?? null);
  const isBeginning = !backfill.isDone;
  const wasStopped = isBeginning || state?.walkStartedAt !== null;
  let left = isBeginning ? (backfill.left ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const limit = isBeginning ? (backfill.since === null ? null : new Date(backfill.since)) : (state?.depth ?? null);
  let oldest: Date | null = null;
  let isEnd = false;
  let withoutTag = 0;
  let withTag = 0;
  const first = await firstPage(context);
  for await (const page of connectionPages<Release, ReleasePage>(first, readPage(context), 'ReleasePage')) {
    const present = presentNodes(page);
    const deepEnough = present.filter((release) => limit === null || createdAt(release) >= limit);
    const nodes = deepEnough.slice(0, Math.min(left, deepEnough.length));
    left -= nodes.length;
    oldest = nodes.length > 0 ? createdAt(nodes[nodes.length - 1]) : oldest;
    isEnd = !page.pageInfo.hasNextPage && nodes.length === present.length;
    const events = await toEvents(nodes, context);
    withoutTag += nodes.length - events.length;
    withTag += events.length;
    // When this walk is stopped after it has stored something, the next one must not end early.
    const progress = { ...beginning, walkStartedAt: context.seenAt };
    const stored = yield { events, unread: page.unread ?? [], progress, isProgressOfNews: !isBeginning };
    // A release that was committed late may lie below known ones.
    const isKnown = isNothing(stored) && isBefore(nodes.at(-1), state?.watermark);
    if (nodes.length < present.length || left <= 0 || (!wasStopped && isKnown)) break;
  }
  if (withoutTag > 0 && withTag > 0) {
    // The token's role became smaller meanwhile: the next walk goes to the end.
    yield endPage(endOf(withoutTag));
    return;
  }
  const done = { ...backfill, isDone: true, isComplete: isEnd };
  const depth = isEnd ? beginningOfTime : (limit ?? oldest ?? beginningOfTime);
  yield endPage(endOf(withoutTag), { ...beginning, watermark, walkStartedAt: null, ...(isBeginning ? { backfill: done, depth } : {}) });
}

/** Every release down to the depth: editing notes or adding assets moves no time. */
async function* reconcile(context: StreamContext): Pages {
  const { depth } = context.state('') ?? {};
  if (!depth || context.batch.ask.kind !== 'reconcile') return;
  const first = await firstPage(context);
  for await (const page of connectionPages<Release, ReleasePage>(first, readPage(context), 'ReleasePage')) {
    const present = presentNodes(page);
    const nodes = present.filter((release) => createdAt(release) >= depth);
    yield { events: await toEvents(nodes, context), unread: page.unread ?? [] };
    if (nodes.length < present.length) return;
  }
}

type Release = ReleaseFragment;
type ReleasePage = PageAround<Release>;

/** What GitLab answers, with null, for a project without releases. */
const nothing: ReleasePage = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

const isBefore = (release: Release | undefined, moment: Date | null | undefined): boolean =>
  release === undefined || (moment !== null && moment !== undefined && createdAt(release) < moment);

const createdAt = (release: Release | undefined): Date => new Date(release?.createdAt ?? Number.NaN);

const endOf = (withoutTag: number): WalkEnd =>
  withoutTag === 0
    ? { outcome: 'ok' }
    : { outcome: 'partial', reason: `this token may not see the tags of ${withoutTag} releases: it needs at least the role Reporter` };

/** From the batch's answer, or with a request of its own when the answer has errors there. */
async function firstPage(context: StreamContext): Promise<ReleasePage> {
  const page = context.batch.firstPage('releases');
  const isOfUse = page?.nodes?.every((release) => release === null || isUsable(release)) ?? true;
  return page === undefined || !isOfUse ? readPage(context)() : (page ?? nothing);
}

/** Releases are placed by their time of creation. Null without an error is what a GitLab answers that lacks the field. */
const isUsable = (release: Release): boolean =>
  !['createdAt', 'tagName'].some((field) => salvagedOf(release).unknownFields?.includes(field));

/** A page, around the releases that GitLab cannot answer. */
const readPage =
  (context: StreamContext) =>
  async (after?: string): Promise<ReleasePage> => {
    const { gitlab, project } = context;
    const list: List<Release> = {
      operation: 'ReleasePage',
      page: async (place, how) => {
        const { releases: page } = await askProject(
          gitlab,
          'ReleasePage',
          { projectId: project.id, ...place },
          { ...how, mayLackRows: true },
        );
        if (page || after === undefined) return page ?? nothing;
        // The project has no release any more, or the token does not see them: the walk has not come to its end.
        throw new NotFoundError('the releases went out of sight while they were read', { operation: 'ReleasePage' });
      },
      names: async (place) => {
        const { releases: named } = await askProject(gitlab, 'ReleaseCursors', { projectId: project.id, ...place }, { isExact: true });
        return namesOf(required(named, 'ReleaseCursors'));
      },
      keyOf: ({ tagName }) => tagName ?? '',
      isUsable,
      alone: alone(context),
      isWaiting: context.isWaiting,
      startsWithNames: context.startsWithNames,
    };
    return readAround(list, { first: largestPage, ...(after === undefined ? {} : { after }) }, gitlab.host.sizes);
  };

/** How a release is asked for alone: whole, and without what costs GitLab most. */
const alone = ({ gitlab, project: { id: projectId } }: StreamContext): List<Release>['alone'] => [
  (tagName) => askRow(gitlab, { operation: 'ReleaseWhole', key: 'release' }, { projectId, tagName }),
  async (tagName) => {
    const row = await askRow(gitlab, { operation: 'ReleaseLight', key: 'release' }, { projectId, tagName });
    return row && withoutFields(row, ['description', 'commit', 'assets']);
  },
];

async function readRow(context: StreamContext, tagName: string): Promise<ChangeEvent | null> {
  const node = await readAlone(alone(context), tagName);
  if (!node) return null;
  const [event] = isUsable(node) ? await toEvents([node], context) : [];
  if (!event) throw new GraphqlError([{ message: `no tag or no time of creation of ${tagName}` }], { operation: 'ReleaseWhole' });
  return event;
}

async function toEvents(nodes: readonly Release[], context: StreamContext) {
  const complete = await Promise.all(nodes.map((release) => withAllAssets(release, context)));
  return complete
    .map((release) => {
      const event = releaseToEvent(release, context.project, context.seenAt);
      return event && withUnknown(event, salvagedOf(release), releaseFields);
    })
    .filter((event) => event !== null);
}

/** Reads the other pages of the asset links. */
async function withAllAssets(release: Release, { gitlab, project }: StreamContext): Promise<Release> {
  const links = release.assets?.links;
  const { tagName } = release;
  if (!links?.pageInfo.hasNextPage || !tagName) return release;
  const next = async (after: string) => {
    const answer = await askProject(gitlab, 'ReleaseAssets', { projectId: project.id, tagName, after });
    return required(answer.release?.assets?.links, 'ReleaseAssets');
  };
  try {
    return { ...release, assets: { links: { ...links, nodes: await allNodes(links, next, 'ReleaseAssets') } } };
  } catch (error) {
    if (!mayBeOfARow(error)) throw error;
    return withoutFields(release, ['assets']);
  }
}
