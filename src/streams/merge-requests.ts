import type { ChangeEvent } from '../events/change-event.ts';
import { withUnknown } from '../events/incomplete.ts';
import { mergeRequestFields, mergeRequestToEvent } from '../events/merge-request.ts';
import { presentNodes } from '../events/text.ts';
import { required } from '../gitlab/graphql-response.ts';
import { salvagedOf, withoutFields } from '../gitlab/salvage.ts';
import { askProject, askRow } from '../gitlab/ask-project.ts';
import type { MergeRequestFragment, MergeRequestPageQueryVariables } from '../gitlab/generated/sdk.ts';
import { allNodes, connectionPages } from '../gitlab/paging.ts';
import { mayBeOfARow, namesOf, readAlone, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround } from '../gitlab/read-around.ts';
import type { Backfill, WalkState } from '../walk-state.ts';
import { refusal, throwIfClosed } from './access.ts';
import { backfillPages, extendedBackfill, largestPage, resumeBackfill, withBeginning } from './backfill.ts';
import { mergeRequestIdentities } from './identities.ts';
import { newestRows, rowsAfterBatch } from './counts.ts';
import { readEach } from './leaving.ts';
import type { RowsByName } from './leaving.ts';
import { endPage } from './stream.ts';
import type { Pages, Stream, StreamContext } from './stream.ts';
import { hasWatermark, watermarkAfter, watermarkAtRow } from './watermark.ts';

/** Merge requests with approvals and changed files. GitLab sorts them by updatedAt, so the watermark moves with every page. */
export const mergeRequests: Stream = {
  name: 'merge-requests',
  label: 'merge requests',
  type: 'MR',
  lists: ['mergeRequests'],
  changes: (context) => [{ scope: '', pages: () => changes(context) }],
  reconcile: (context) => [{ scope: '', pages: () => reconcile(context) }],
  extendBackfill: ({ backfill }, since) => extendedBackfill(backfill, since),
  isAskedSince: true,
  isOfBranches: true,
  access: { needs: 'feature', isEnabled: ({ mergeRequestsEnabled }) => mergeRequestsEnabled },
  row: {
    key: 'mr_iid',
    isDated: true,
    read: readRow,
  },
  leaving: {
    // Also those that were retargeted out of BRANCHES, which no list has.
    statuses: ['opened', 'locked'],
    read: readByIid,
    isShown: async ({ gitlab, project: { id: projectId } }) => {
      // GitLab removes what it hides from a page after it has made the page.
      const ask = { projectId, first: largestPage, sort: 'UPDATED_DESC' as const };
      const { mergeRequests: list } = await askProject(gitlab, 'MergeRequestCursors', ask, { isExact: true });
      return namesOf(required(list, 'MergeRequestCursors')).rows.length > 0;
    },
  },
  // The batch has no points left for a field that only closed merge requests have.
  beginnings: { statuses: ['closed'], read: readClosings },
  landmark: {
    key: 'mr_iid',
    changedAt: async (gitlab, row) => {
      const { mergeRequest } = await askProject(gitlab, 'MergeRequestTime', row);
      return mergeRequest && new Date(mergeRequest.updatedAt);
    },
  },
  count: {
    kind: 'window',
    rowsIn: ({ mergeRequests: count }) => count,
    since: (moment) => ({ createdAfter: moment }),
    by: 'created',
    identities: mergeRequestIdentities,
  },
  plan: {
    filter: (ask) => (ask.kind === 'reconcile' ? { state: 'opened' } : { changedAfter: ask.since }),
    rows: ({ mergeRequests: count }, ask, options) =>
      rowsAfterBatch(ask === 'newest' ? newestRows(count ?? 0, options) : (count ?? 0), ask),
  },
};

async function* changes(context: StreamContext): Pages {
  const { state: stateOf } = context;
  const list = await firstPage(context);
  const refused = refusal(context, mergeRequests, list);
  if (refused) {
    yield endPage(refused);
    return;
  }
  const state = stateOf('');
  if (hasWatermark(state)) yield* forward(context, state, list);
  const { backfill, beginning } = resumeBackfill(context, state);
  yield* withBeginning(backward(context, backfill, list), beginning);
  yield endPage({ outcome: 'ok' });
}

/** What changed since the watermark, oldest first. A merge request that changes during the walk moves ahead, and is read again. */
async function* forward(context: StreamContext, { watermark }: WalkState & { readonly watermark: Date }, list: FirstPage): Pages {
  const { batch } = context;
  const fits = batch.ask.kind === 'changes' && batch.ask.since <= watermark;
  const since = batch.ask.kind === 'changes' && fits ? batch.ask.since : watermark;
  const read = (after?: string) =>
    readPage(context, {
      first: largestPage,
      sort: 'UPDATED_ASC',
      updatedAfter: since.toISOString(),
      ...(after === undefined ? {} : { after }),
    });
  const first = fits ? required(list, 'ProjectChanges') : await read();
  let reached: Date = watermark;
  for await (const page of connectionPages<MergeRequestFragment, PageAround<MergeRequestFragment>>(
    first,
    read,
    'MergeRequestPage',
    () => true,
  )) {
    const nodes = presentNodes(page);
    const last = nodes.at(-1);
    // More rows of the last row's second may follow. The overlap covers them, and changes that are committed late.
    if (last) reached = watermarkAtRow(context, reached, new Date(last.updatedAt));
    const progress = { watermark: page.pageInfo.hasNextPage ? reached : watermarkAfter(context, reached) };
    yield { events: await toEvents(nodes, context), unread: page.unread ?? [], progress };
  }
}

function backward(context: StreamContext, backfill: Backfill, list: FirstPage): Pages {
  const { batch } = context;
  return backfillPages<MergeRequestFragment>({
    backfill,
    firstPage: batch.ask.kind === 'newest' ? list : null,
    read: (page) => readPage(context, { ...page, sort: 'UPDATED_DESC' }),
    momentOf: ({ updatedAt }) => new Date(updatedAt),
    cutsAtSince: true,
    depthOfRows: (oldest) => oldest,
    toEvents: (nodes) => toEvents(nodes, context),
    operation: 'MergeRequestPage',
  });
}

/** Open merge requests down to the depth: a push, and what GitLab computes, may not move updatedAt. */
async function* reconcile(context: StreamContext): Pages {
  const { batch, state: stateOf } = context;
  const { depth } = stateOf('') ?? {};
  if (!depth || batch.ask.kind !== 'reconcile') return;
  const read = (after: string) => readPage(context, { first: largestPage, sort: 'UPDATED_DESC', state: 'opened', after });
  const first = required(await firstPage(context), 'ProjectChanges');
  for await (const page of connectionPages<MergeRequestFragment, PageAround<MergeRequestFragment>>(first, read, 'MergeRequestPage')) {
    const nodes = presentNodes(page);
    const kept = nodes.filter(({ updatedAt }) => new Date(updatedAt) >= depth);
    yield { events: await toEvents(kept, context), unread: page.unread ?? [] };
    if (kept.length < nodes.length) return;
  }
}

type FirstPage = PageAround<MergeRequestFragment> | null;

/** The page that the batch asked for: from its answer, or with a request of its own when the answer has errors there. */
async function firstPage(context: StreamContext): Promise<FirstPage> {
  const { ask } = context.batch;
  const page = context.batch.firstPage('mergeRequests');
  if (page !== undefined) return page;
  if (ask.kind === 'changes')
    return around(context, { first: largestPage, sort: 'UPDATED_ASC', updatedAfter: ask.since.toISOString() }, 'may be closed');
  const opened = ask.kind === 'reconcile' ? { state: 'opened' as const } : {};
  return around(context, { first: largestPage, sort: 'UPDATED_DESC', ...opened }, 'may be closed');
}

/** A page after the first one. */
const readPage = (context: StreamContext, page: PageAsk) => around(context, page, 'is open');

type PageAsk = Omit<MergeRequestPageQueryVariables, 'project'>;

/** A page, around the merge requests that GitLab cannot answer. */
function around(context: StreamContext, { first, after, ...ask }: PageAsk, is: 'is open' | 'may be closed') {
  const { gitlab, project, options } = context;
  const targetBranches = options.branches.length > 0 ? { targetBranches: options.branches } : {};
  const asked = { projectId: project.id, ...ask, ...targetBranches };
  const list: List<MergeRequestFragment> = {
    operation: 'MergeRequestPage',
    page: async (place, how) => {
      const answer = await askProject(gitlab, 'MergeRequestPage', { ...asked, ...place }, { ...how, mayLackRows: true });
      const page = required(answer.mergeRequests, 'MergeRequestPage');
      if (is === 'is open') throwIfClosed(mergeRequests, { project: answer, list: page, operation: 'MergeRequestPage' });
      return page;
    },
    names: async (place) => {
      const { mergeRequests: named } = await askProject(gitlab, 'MergeRequestCursors', { ...asked, ...place }, { isExact: true });
      return namesOf(required(named, 'MergeRequestCursors'));
    },
    keyOf: ({ iid }) => iid,
    alone: alone(context),
    isWaiting: context.isWaiting,
    startsWithNames: context.startsWithNames,
  };
  return readAround(list, { first, ...(after ? { after } : {}) }, gitlab.host.sizes);
}

async function readRow(context: StreamContext, iid: string): Promise<ChangeEvent | null> {
  const node = await readAlone(alone(context), iid);
  return node && (await toEvents([node], context))[0]!;
}

/** As many as GitLab answers together. */
const byIidPage = 25;

/** Merge requests by their numbers, whatever their branches. */
async function readByIid(context: StreamContext, iids: readonly string[]): Promise<RowsByName> {
  try {
    return await readTogether(context, iids);
  } catch (error) {
    if (!mayBeOfARow(error)) throw error;
    return readEach(iids, (iid) => readRow(context, iid));
  }
}

async function readTogether(context: StreamContext, iids: readonly string[]): Promise<RowsByName> {
  const { gitlab, project } = context;
  const found: MergeRequestFragment[] = [];
  for (let start = 0; start < iids.length; start += byIidPage) {
    const some = iids.slice(start, start + byIidPage);
    const read = async (after?: string) => {
      const ask = { projectId: project.id, iids: some, first: some.length, ...(after === undefined ? {} : { after }) };
      const { mergeRequests: list } = await askProject(gitlab, 'MergeRequestsByIid', ask, { isExact: true });
      return required(list, 'MergeRequestsByIid');
    };
    // A GitLab may answer with fewer rows a page than were asked for: those of the next page are not gone.
    found.push(...(await allNodes<MergeRequestFragment>(await read(), read, 'MergeRequestsByIid')));
  }
  const events = new Map((await toEvents(found, context)).map((event) => [String(event.metadata.mr_iid as number), event]));
  return new Map(iids.map((iid) => [iid, events.get(iid) ?? null]));
}

/** When merge requests were closed. GitLab tells it from 17.5 on. */
async function readClosings({ gitlab, project }: StreamContext, iids: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  const read = async (after?: string) => {
    const ask = { projectId: project.id, iids: [...iids], first: iids.length, ...(after === undefined ? {} : { after }) };
    const { mergeRequests: list } = await askProject(gitlab, 'MergeRequestClosings', ask);
    return required(list, 'MergeRequestClosings');
  };
  const rows = await allNodes<{ readonly iid: string; readonly closedAt: string | null }>(await read(), read, 'MergeRequestClosings');
  return new Map(rows.flatMap(({ iid, closedAt }) => (closedAt ? [[iid, new Date(closedAt)] as const] : [])));
}

/** How a merge request is asked for alone: whole, and without what costs GitLab most. */
const alone = ({ gitlab, project: { id: projectId } }: StreamContext): List<MergeRequestFragment>['alone'] => [
  (iid) => askRow(gitlab, { operation: 'MergeRequestWhole', key: 'mergeRequest' }, { projectId, iid }),
  async (iid) => {
    const row = await askRow(gitlab, { operation: 'MergeRequestLight', key: 'mergeRequest' }, { projectId, iid });
    return row && withoutFields(row, costly);
  },
];

const costly = ['description', 'mergeStatusEnum', 'mergeUser', 'labels', 'approvedBy', 'diffStats'] as const;

async function toEvents(nodes: readonly MergeRequestFragment[], context: StreamContext) {
  const complete = await Promise.all(nodes.map((mergeRequest) => withWholeLists(mergeRequest, context)));
  return complete.map((mergeRequest) =>
    withUnknown(mergeRequestToEvent(mergeRequest, context.project), salvagedOf(mergeRequest), mergeRequestFields),
  );
}

/** Reads the other pages of the labels and the approvers. */
async function withWholeLists(mergeRequest: MergeRequestFragment, context: StreamContext): Promise<MergeRequestFragment> {
  const { labels, approvedBy } = mergeRequest;
  if (!labels?.pageInfo.hasNextPage && !approvedBy?.pageInfo.hasNextPage) return mergeRequest;
  try {
    return await readWholeLists(mergeRequest, context);
  } catch (error) {
    if (!mayBeOfARow(error)) throw error;
    return withoutFields(mergeRequest, ['labels', 'approvedBy']);
  }
}

async function readWholeLists(mergeRequest: MergeRequestFragment, { gitlab, project }: StreamContext): Promise<MergeRequestFragment> {
  const { labels, approvedBy, iid } = mergeRequest;
  const lists = async (after: { readonly labelsAfter: string } | { readonly approversAfter: string }) =>
    (await askProject(gitlab, 'MergeRequestLists', { projectId: project.id, iid, ...after })).mergeRequest;
  const moreLabels = async (labelsAfter: string) => required((await lists({ labelsAfter }))?.labels, 'MergeRequestLists');
  const moreApprovers = async (approversAfter: string) => required((await lists({ approversAfter }))?.approvedBy, 'MergeRequestLists');
  const allLabels = labels && (await allNodes(labels, moreLabels, 'MergeRequestLists'));
  const allApprovers = approvedBy && (await allNodes(approvedBy, moreApprovers, 'MergeRequestLists'));
  return {
    ...mergeRequest,
    labels: labels && allLabels && { ...labels, nodes: allLabels },
    approvedBy: approvedBy && allApprovers && { ...approvedBy, nodes: allApprovers },
  };
}
