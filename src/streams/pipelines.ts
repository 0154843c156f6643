import { withUnknown } from '../events/incomplete.ts';
import { pipelineFields, pipelineToEvent } from '../events/pipeline.ts';
import type { PipelineNode } from '../events/pipeline.ts';
import { presentNodes } from '../events/text.ts';
import { required } from '../gitlab/graphql-response.ts';
import { salvagedOf, withoutFields } from '../gitlab/salvage.ts';
import { askProject, askRow } from '../gitlab/ask-project.ts';
import type { PipelineFragment, PipelinePageQueryVariables } from '../gitlab/generated/sdk.ts';
import { allNodes, connectionPages } from '../gitlab/paging.ts';
import { mayBeOfARow, namesOf, readAlone, readAround } from '../gitlab/read-around.ts';
import type { List, PageAround } from '../gitlab/read-around.ts';
import type { Backfill, WalkState } from '../walk-state.ts';
import { refusal, throwIfClosed } from './access.ts';
import { backfillPages, extendedBackfill, firstBackfill, largestPage, resumeBackfill, withBeginning } from './backfill.ts';
import { childPipelines, childrenDue, earliestChild, mayHaveChildren, runningStatuses } from './child-pipelines.ts';
import { isOfTag, pipelineIdentities } from './identities.ts';
import { newestRows, pagesOf, rowsAfterBatch } from './counts.ts';
import type { CountedAsk, PlannedRows } from './counts.ts';
import { readEach } from './leaving.ts';
import { endPage } from './stream.ts';
import type { Pages, Stream, StreamContext, StreamOptions } from './stream.ts';
import { hasWatermark, watermarkAfter } from './watermark.ts';

/**
 * Pipelines with their failed and canceled jobs. GitLab sorts them by id only, so the watermark moves at the end of a
 * walk. GitLab filters by one branch: when several are asked for, the backfill of each branch is a walk of its own.
 */
export const pipelines: Stream = {
  name: 'pipelines',
  label: 'pipelines',
  type: 'Pipeline',
  lists: ['pipelines'],
  changes: (context) => {
    const { branches } = context.options;
    const scopes = branches.length > 1 ? branches : [];
    return [
      { scope: '', pages: () => changes(context) },
      { scope: '', pages: () => childPipelines(context, '', readsChildren) },
      ...scopes.flatMap((branch) => [
        { scope: branch, pages: () => changesOfBranch(context, branch) },
        { scope: branch, pages: () => childPipelines(context, branch, readsChildren) },
      ]),
    ];
  },
  reconcile: (context) => [
    { scope: '', pages: () => reconcile(context) },
    { scope: '', pages: () => childPipelines(context, '', readsChildren) },
  ],
  extendBackfill,
  isAskedSince: true,
  isOfBranches: true,
  access: { needs: 'feature', isEnabled: ({ jobsEnabled }) => jobsEnabled },
  row: {
    key: 'pipeline_iid',
    isDated: true,
    read: async (context, iid) => {
      const node = await readAlone(alone(context), iid);
      return node && ((await toEvents([node], context))[0] ?? null);
    },
  },
  leaving: {
    identity: 'pipeline_id',
    statuses: [...runningStatuses],
    read: (context, iids) =>
      readEach(iids, async (iid) => {
        const node = await readAlone(alone(context), iid);
        return node && toEvent(node, context);
      }),
    isShown: async ({ gitlab, project: { id: projectId } }) => {
      const { pipelines: list } = await askProject(gitlab, 'PipelineCursors', { projectId, first: 1 }, { isExact: true });
      return namesOf(required(list, 'PipelineCursors')).rows.length > 0;
    },
  },
  landmark: {
    key: 'pipeline_iid',
    changedAt: async (gitlab, row) => {
      const { pipeline } = await askProject(gitlab, 'PipelineTime', row);
      return pipeline && new Date(pipeline.updatedAt);
    },
  },
  count: {
    kind: 'window',
    rowsIn: ({ pipelines: count }) => count,
    since: (moment) => ({ updatedAfter: moment }),
    by: 'timestamp',
    identities: pipelineIdentities,
  },
  plan: {
    filter: (ask) => ({ updatedAfter: ask.kind === 'reconcile' ? ask.pipelinesSince : ask.since }),
    rows: ({ pipelines: count }, ask, options) => plannedRows(count, ask, options),
  },
};

/** The batch's page is of no use for a backfill to a moment, or of several branches. */
function plannedRows(count: number | null, ask: CountedAsk['kind'], options: StreamOptions): PlannedRows {
  if (ask !== 'newest') return rowsAfterBatch(count ?? 0, ask);
  const { depth, branches } = options;
  const rows = newestRows(count ?? 0, options, Math.max(1, branches.length));
  const walks = branches.length > 1 ? branches.length : depth.since ? 1 : 0;
  return walks === 0 || count === null ? rowsAfterBatch(rows, ask) : { rows, followUps: Math.max(walks, pagesOf(rows)) };
}

async function* changes(context: StreamContext): Pages {
  const { batch, options, state: stateOf } = context;
  const list = await firstPage(context);
  const refused = refusal(context, pipelines, list);
  if (refused) {
    yield endPage(refused);
    return;
  }
  const state = stateOf('');
  if (hasWatermark(state)) yield* forward(context, state, list);
  const { backfill, beginning } = resumeBackfill(context, state);
  if (options.branches.length > 1) yield endPage({ outcome: 'ok' }, beginning);
  else {
    yield* withBeginning(backward(context, backfill, batch.ask.kind === 'newest' ? list : null), beginning);
    yield endPage({ outcome: 'ok' });
  }
}

/** The backfill of one of several branches. The walk with the empty scope reads forwards for all branches. */
async function* changesOfBranch(context: StreamContext, branch: string): Pages {
  const state = context.state(branch);
  const list = context.batch.firstPage('pipelines');
  if (list !== undefined && refusal(context, pipelines, list)) return;
  yield* backward(context, state?.backfill ?? firstBackfill(context.options.depth), null, branch);
  yield endPage({ outcome: 'ok' });
}

type FirstPage = PageAround<PipelineFragment> | null;

/** The page that the batch asked for: from its answer, or with a request of its own when the answer has errors there. */
async function firstPage(context: StreamContext): Promise<FirstPage> {
  const { ask } = context.batch;
  const page = context.batch.firstPage('pipelines');
  if (page !== undefined) return page;
  const since = ask.kind === 'changes' ? ask.since : ask.kind === 'reconcile' ? ask.pipelinesSince : null;
  return around(context, { first: largestPage, ...(since ? { updatedAfter: since.toISOString() } : {}) }, 'may be closed');
}

/** What changed since the watermark: first the rest of a walk that was stopped, then a new walk. */
async function* forward(context: StreamContext, state: WalkState & { readonly watermark: Date }, list: FirstPage): Pages {
  let { watermark } = state;
  const { cursor, walkStartedAt } = state;
  if (cursor !== null && walkStartedAt) {
    const resumed = await readPage(context, { first: largestPage, updatedAfter: watermark.toISOString(), after: cursor });
    yield* walk(context, { first: resumed, since: watermark, watermark, startedAt: walkStartedAt });
    watermark = watermarkAfter({ startedAt: walkStartedAt }, watermark);
  }
  const { batch, startedAt } = context;
  const fits = batch.ask.kind === 'changes' && batch.ask.since <= watermark;
  const since = batch.ask.kind === 'changes' && fits ? batch.ask.since : watermark;
  const first = fits
    ? required(list, 'ProjectChanges')
    : await readPage(context, { first: largestPage, updatedAfter: since.toISOString() });
  yield* walk(context, { first, since, watermark, startedAt });
}

interface PipelineWalk {
  readonly first: PageAround<PipelineFragment>;
  readonly since: Date;
  readonly watermark: Date;
  readonly startedAt: Date | null;
}

/**
 * A pipeline that changes above the cursor is missed here. Its updatedAt is then later than the start of this walk, so
 * the next walk reads it.
 */
async function* walk(context: StreamContext, { first, since, watermark, startedAt }: PipelineWalk): Pages {
  const next = (after: string) => readPage(context, { first: largestPage, updatedAfter: since.toISOString(), after });
  for await (const page of connectionPages<PipelineFragment, PageAround<PipelineFragment>>(first, next, 'PipelinePage', () => true)) {
    const { hasNextPage, endCursor } = page.pageInfo;
    const nodes = presentNodes(page);
    const read = { events: await toEvents(nodes, context), unread: page.unread ?? [] };
    const due = childrenDue(context, '', mayHaveChildren(page) ? since : null);
    if (hasNextPage) yield { ...read, progress: { ...due, cursor: endCursor, walkStartedAt: startedAt } };
    else yield { ...read, progress: { ...due, cursor: null, walkStartedAt: null, watermark: watermarkAfter({ startedAt }, watermark) } };
  }
}

function backward(context: StreamContext, backfill: Backfill, newest: PageAround<PipelineFragment> | null, branch?: string): Pages {
  const { since, before } = backfill;
  const scope = branch ?? '';
  const filter = {
    ...(since === null ? {} : { updatedAfter: since }),
    ...(before === undefined ? {} : { updatedBefore: before }),
    ...(branch === undefined ? {} : { ref: branch }),
  };
  return backfillPages<PipelineFragment>({
    backfill,
    firstPage: Object.keys(filter).length === 0 ? newest : null,
    read: (page) => readPage(context, { ...page, ...filter }),
    momentOf: ({ createdAt }) => new Date(createdAt),
    cutsAtSince: false,
    // An older pipeline may have changed later than some of these.
    depthOfRows: () => watermarkAfter(context, null),
    toEvents: (nodes) => toEvents(nodes, context),
    noted: (nodes, unread) => childrenDue(context, scope, earliestChild(nodes, unread, context.seenAt)),
    operation: 'PipelinePage',
  });
}

/** After a backfill to a moment only the window before that moment is read. After a backfill to a number of rows the cursor goes on. */
function extendBackfill({ backfill }: WalkState, since: Date): Backfill | null {
  const next = extendedBackfill(backfill, since);
  if (!next || !backfill?.since || !backfill.isDone) return next;
  return { ...next, cursor: null, before: backfill.since };
}

/** Recent pipelines: a job that is retried does not always move its pipeline's updatedAt. */
async function* reconcile(context: StreamContext): Pages {
  const { batch } = context;
  const state = context.state('');
  if (batch.ask.kind !== 'reconcile' || !hasWatermark(state)) return;
  const updatedAfter = batch.ask.pipelinesSince.toISOString();
  const read = (after: string) => readPage(context, { first: largestPage, updatedAfter, after });
  const first = required(await firstPage(context), 'ProjectChanges');
  for await (const page of connectionPages<PipelineFragment, PageAround<PipelineFragment>>(first, read, 'PipelinePage', () => true)) {
    // Pipelines below the depth were not all asked for.
    const isAsked = ({ updatedAt }: PipelineFragment) => state.depth !== null && new Date(updatedAt) >= state.depth;
    const nodes = presentNodes(page);
    const due = childrenDue(context, '', mayHaveChildren(page) ? batch.ask.pipelinesSince : null);
    yield { events: await toEvents(nodes.filter(isAsked), context), unread: page.unread ?? [], progress: due };
    const older = nodes.filter((node) => !isAsked(node));
    if (older.length > 0) yield { events: await toEvents(older, context), updatesOnly: true };
  }
}

/** A page after the first one. */
const readPage = (context: StreamContext, page: PageAsk) => around(context, page, 'is open');

type PageAsk = Omit<PipelinePageQueryVariables, 'project'>;

/** A page, around the pipelines that GitLab cannot answer. GitLab filters by one branch; when there are several, `toEvents` filters. */
function around(context: StreamContext, { first, after, ...ask }: PageAsk, is: 'is open' | 'may be closed') {
  const { gitlab, project, options } = context;
  const [branch] = options.branches;
  const filter = options.branches.length === 1 && branch !== undefined ? { ref: branch } : {};
  const asked = { projectId: project.id, ...filter, ...ask };
  const list: List<PipelineFragment> = {
    operation: 'PipelinePage',
    page: async (place, how) => {
      const answer = await askProject(gitlab, 'PipelinePage', { ...asked, ...place }, { ...how, mayLackRows: true });
      const page = required(answer.pipelines, 'PipelinePage');
      if (is === 'is open') throwIfClosed(pipelines, { project: answer, list: page, operation: 'PipelinePage' });
      return page;
    },
    names: async (place) => {
      const { pipelines: named } = await askProject(gitlab, 'PipelineCursors', { ...asked, ...place }, { isExact: true });
      return namesOf(required(named, 'PipelineCursors'));
    },
    keyOf: ({ iid }) => iid,
    alone: alone(context),
    isWaiting: context.isWaiting,
    startsWithNames: context.startsWithNames,
  };
  return readAround(list, { first, ...(after ? { after } : {}) }, gitlab.host.sizes);
}

/** How a pipeline is asked for alone: whole, and without its jobs. */
const alone = ({ gitlab, project: { id: projectId } }: StreamContext): List<PipelineNode>['alone'] => [
  (iid) => askRow(gitlab, { operation: 'PipelineWhole', key: 'pipeline' }, { projectId, iid }),
  async (iid) => {
    const row = await askRow(gitlab, { operation: 'PipelineLight', key: 'pipeline' }, { projectId, iid });
    return row && withoutFields(row, ['jobs', 'downstream']);
  },
];

/** How children are read. */
const readsChildren = { stream: () => pipelines, toEvents };

async function toEvents(nodes: readonly PipelineNode[], context: StreamContext) {
  const { branches } = context.options;
  const wanted = branches.length === 0 ? nodes : nodes.filter((node) => node.ref !== null && branches.includes(node.ref) && !isOfTag(node));
  return Promise.all(wanted.map((pipeline) => toEvent(pipeline, context)));
}

async function toEvent(node: PipelineNode, context: StreamContext) {
  const pipeline = await withAllJobs(node, context);
  return withUnknown(pipelineToEvent(pipeline, context.project), salvagedOf(pipeline), pipelineFields);
}

/** Reads the other pages of the failed jobs. */
async function withAllJobs(pipeline: PipelineNode, { gitlab, project }: StreamContext): Promise<PipelineNode> {
  const { jobs, iid } = pipeline;
  if (!jobs?.pageInfo.hasNextPage) return pipeline;
  const next = async (after: string) => {
    const answer = await askProject(gitlab, 'PipelineJobs', { projectId: project.id, iid, after });
    return required(answer.pipeline?.jobs, 'PipelineJobs');
  };
  try {
    return { ...pipeline, jobs: { ...jobs, nodes: await allNodes(jobs, next, 'PipelineJobs') } };
  } catch (error) {
    if (!mayBeOfARow(error)) throw error;
    return withoutFields(pipeline, ['jobs']);
  }
}
