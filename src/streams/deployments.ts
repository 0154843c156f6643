import { UnsupportedGitlabError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import { deploymentEventId, deploymentName, deploymentTime } from '../events/deployment.ts';
import { presentNodes } from '../events/text.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { UnreadRow } from '../gitlab/read-around.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, EnvironmentLooks, StoredRow, StoredState } from '../walk-state.ts';
import { closed } from './access.ts';
import { extendedBackfill, firstBackfill, largestPage } from './backfill.ts';
import { deploymentPages, lastEventIds, listEnvironments, notOffered, readAlways, readByName, toEvent } from './deployment-lists.ts';
import type { DeploymentPage, EnvironmentList, LastDeployment, ListKind, ListedEnvironment } from './deployment-lists.ts';
import { cursorOf, hasNewPipelines, pipelinesIn, seenOf } from './deployments-seen.ts';
import type { Seen } from './deployments-seen.ts';
import { readEach } from './leaving.ts';
import { endPage } from './stream.ts';
import type { Page, Pages, Stream, StreamContext, StreamOptions, WalkEnd } from './stream.ts';
import { watermarkAfter } from './watermark.ts';

/** A deployment that waits or runs is asked for again in each pass, for so long after its last change. Then the reconcile asks for it. */
const longestRunMs = 24 * 60 * 60_000;

const openStatuses = ['created', 'running'] as const;

/**
 * Deployments. GitLab lists the environments of one project a request, and the deployments of one environment. So they are asked for where
 * they can have changed: in projects whose pipelines have changed, while a deployment waits or runs, and with each reconcile. The list of
 * environments says what their last deployments are; the deployments of an environment are read where that has moved.
 */
export const deployments: Stream = {
  name: 'deployments',
  label: 'deployments',
  type: 'Deployment',
  lists: ['pipelines'],
  isUnknownToPainchain: true,
  changes: (context) => [{ scope: '', pages: () => walk(context, hasNews) }],
  reconcile: (context) => [{ scope: '', pages: () => walk(context, () => true) }],
  extendBackfill: ({ backfill }, since) => {
    const next = extendedBackfill(backfill, since);
    return next && { ...next, cursor: null };
  },
  isAskedSince: 'once read',
  access: { needs: 'feature', isEnabled: ({ jobsEnabled }) => jobsEnabled },
  row: { key: 'deployment', read: readByName },
  leaving: {
    statuses: openStatuses,
    read: (context, keys) => readEach(keys, (key) => readByName(context, key)),
    isShown: async ({ gitlab, project: { id: projectId } }) => {
      const { environments } = await askProject(gitlab, 'EnvironmentPage', { projectId, first: 1 }, { isExact: true });
      return presentNodes(environments).length > 0;
    },
  },
  count: { kind: 'none', reason: 'GitLab does not count deployments' },
  plan: {
    requests: ({ fresh, due }, options) => {
      const isAsked = ({ pipelines }: (typeof fresh)[number]) => pipelines !== null && (pipelines > 0 || isOfOneBranch(options));
      const projects = fresh.filter(isAsked).length + due.length;
      return { projects, graphql: projects, rest: 0 };
    },
    uncounted: ({ changed, fresh }) => (changed.length + fresh.length > 0 ? 'deployments' : null),
  },
};

/** GitLab filters the pipelines of a batch by a single branch: that there is none says nothing of other branches. */
const isOfOneBranch = ({ branches }: StreamOptions): boolean => branches.length === 1;

/** Whether a deployment may have changed since the environments were read. */
function hasNews({ batch, options, seenAt, state }: StreamContext): boolean {
  const known = state('');
  // Of a project that was read before, nothing says whether it has deployments. A new one without any pipeline has none, most likely.
  if (!known) return batch.ask.kind !== 'newest' || isOfOneBranch(options) || hasNewPipelines(batch, seenOf(known));
  const seen = seenOf(known);
  const isWatched = seen.watchUntil !== null && seenAt < seen.watchUntil;
  return isWatched || known.backfill?.isDone === false || hasNewPipelines(batch, seen);
}

async function* walk(context: StreamContext, isWanted: (context: StreamContext) => boolean): Pages {
  const watermark = watermarkAfter(context, context.state('')?.watermark ?? null);
  const refused = closed(context.batch.node, deployments);
  if (refused) yield endPage(refused);
  else if (!isWanted(context)) yield endPage({ outcome: 'ok' }, { watermark });
  else {
    try {
      yield* environmentsWalk(context, watermark);
    } catch (error) {
      if (!(error instanceof UnsupportedGitlabError)) throw error;
      const cursor = cursorOf({ ...seenOf(context.state('')), pipelines: pipelinesIn(context.batch) });
      yield endPage({ outcome: 'disabled', reason: notOffered(error), errorCode: error.code }, { watermark, cursor });
    }
  }
}

async function* environmentsWalk(context: StreamContext, watermark: Date): Pages {
  const { batch, options, state } = context;
  const known = state('');
  const before = seenOf(known);
  const backfill = known?.backfill ?? firstBackfill(options.depth);
  // When this walk is stopped, the next pass goes on with it.
  if (!known?.backfill) yield { events: [], progress: { backfill } };
  const list = await listEnvironments(context);
  if (list === null) {
    yield endPage({ outcome: 'forbidden', reason: 'GitLab returns no list of environments' });
    return;
  }
  const { environments } = list;
  // A reconcile is asked about other pipelines than a pass.
  const pipelines = batch.ask.kind === 'reconcile' ? before.pipelines : pipelinesIn(batch);
  if (before.readUntil) yield* news(context, environments, before);
  const isWhole = yield* history(context, environments, backfill);
  const since = backfill.since === null ? null : new Date(backfill.since);
  const depth = isWhole ? beginningOfTime : (since ?? watermark);
  yield {
    ...endPage(list.lacksSome ? lacksSome : { outcome: 'ok' }, {
      watermark,
      cursor: cursorOf({ pipelines, readUntil: watermark, watchUntil: watchUntil(environments) }),
      ...(backfill.isDone ? {} : { depth, backfill: { ...backfill, cursor: null, isDone: true, isComplete: isWhole } }),
    }),
    environments: said(context, list),
  };
}

const lacksSome: WalkEnd = { outcome: 'partial', reason: 'GitLab could not answer for some environments' };

/** What runs where. A list without any environment may be out of sight: it says nothing of the others. */
function said({ batch }: StreamContext, { environments, lacksSome: isPartial }: EnvironmentList): EnvironmentLooks {
  const isAll = batch.ask.kind === 'reconcile' && environments.length > 0 && !isPartial;
  return isAll ? { current: environments.map(current), all: environments.map(({ id }) => id) } : { current: [] };
}

const current = ({ id, isStopped, last }: ListedEnvironment): EnvironmentLooks['current'][number] => {
  const success = last.find(({ status }) => status === 'SUCCESS');
  return { environmentId: id, iid: success && !isStopped ? Number(success.iid) : null };
};

const isOpen = ({ status }: LastDeployment) => status === 'CREATED' || status === 'RUNNING';

function watchUntil(environments: readonly ListedEnvironment[]): Date | null {
  const times = environments.flatMap(({ last }) => last.filter(isOpen).map(({ updatedAt }) => updatedAt.getTime()));
  return times.length === 0 ? null : new Date(Math.max(...times) + longestRunMs);
}

/** Reads what has changed since the environments were read. The deployments of an environment are stored together: the next reading takes its last one for proof of all. */
async function* news(context: StreamContext, environments: readonly ListedEnvironment[], { readUntil }: Seen): Pages {
  const stored = await context.readStored(lastEventIds(context, environments));
  const by = { key: 'deployment_iid', identity: 'environment_id' };
  const [created, running] = await Promise.all(openStatuses.map((status) => context.readInStatus(status, by)));
  const { depth } = context.state('') ?? {};
  const from = (context.batch.ask.kind === 'reconcile' ? depth : readUntil) ?? beginningOfTime;
  for (const environment of environments) {
    const moved = environment.last.filter((last) => isNews(stored.get(deploymentEventId(context.project, last.iid)), last, from));
    const isOf = ({ identity }: StoredRow) => identity === String(environment.id);
    const open = { CREATED: (created ?? []).filter(isOf), RUNNING: (running ?? []).filter(isOf) };
    const page = await newsOf(context, environment, { moved, open, readUntil: readUntil ?? beginningOfTime });
    const isTold = environment.updatedAt === null || (readUntil !== null && environment.updatedAt >= readUntil);
    if (page.events.length > 0 || page.unread?.length || isTold) yield { ...page, environments: { current: [current(environment)] } };
  }
}

const isNews = (stored: StoredState | undefined, last: LastDeployment, from: Date): boolean =>
  stored ? stored.status !== last.status.toLowerCase() || stored.timestamp.getTime() !== last.timestamp.getTime() : last.updatedAt >= from;

interface Moved {
  readonly moved: readonly LastDeployment[];
  /** What is stored as waiting or running. */
  readonly open: Readonly<Record<'CREATED' | 'RUNNING', readonly StoredRow[]>>;
  readonly readUntil: Date;
}

async function newsOf(context: StreamContext, environment: ListedEnvironment, { moved, open, readUntil }: Moved): Promise<Page> {
  const events = new Map<string, ChangeEvent>();
  const unread: UnreadRow[] = [];
  const add = async (kind: ListKind, of: readonly LastDeployment[]) => {
    const from = new Date(Math.min(readUntil.getTime(), ...of.map(({ timestamp }) => timestamp.getTime())));
    const lowest = Math.min(...of.map(({ iid }) => Number(iid)));
    for await (const page of deploymentPages(context, environment, { kind, first: largestPage })) {
      for (const row of presentNodes(page)) events.set(row.iid, toEvent(context, environment, row));
      unread.push(...(page.unread ?? []));
      const oldest = presentNodes(page).at(-1);
      const isDeepEnough = kind === 'ended' || Number(oldest?.iid ?? 0) <= lowest;
      if (oldest && momentIn(kind, oldest) < from && isDeepEnough) break;
    }
  };
  const isWaiting = (last: LastDeployment) => isOpen(last) || last.status === 'BLOCKED';
  const [waiting, ended] = [moved.filter(isWaiting), moved.filter((last) => !isWaiting(last))];
  if (ended.length > 0 || environment.isUnclear) await add('ended', ended);
  if (waiting.length > 0 || environment.isUnclear) await add('open', waiting);
  for (const iid of leftOver(environment, { moved, open })) {
    const key = deploymentName(environment.name, iid);
    if (events.has(iid) || unread.some((row) => row.key === key)) continue;
    const read = await readAlways(context, environment, iid);
    if (read && 'error' in read) unread.push(read);
    else if (read) events.set(iid, read);
  }
  return { events: [...events.values()], unread };
}

const momentIn = (kind: ListKind, row: NonNullable<NonNullable<DeploymentPage['nodes']>[number]>): Date =>
  kind === 'ended' ? deploymentTime(row) : new Date(row.createdAt ?? row.updatedAt);

/** The numbers of deployments that are not what they were, or may not be. GitLab names the last one of each status only. */
function leftOver({ last }: ListedEnvironment, { moved, open }: Pick<Moved, 'moved' | 'open'>): Set<string> {
  const changed = (['CREATED', 'RUNNING'] as const).flatMap((status) => {
    const newest = Number(last.find((one) => one.status === status)?.iid ?? 0);
    return open[status].filter(({ key }) => moved.length > 0 || Number(key) > newest).map(({ key }) => key);
  });
  return new Set([...changed, ...moved.map(({ iid }) => iid)]);
}

/** The environments that a backfill reads: those with deployments that are new enough; of very many, those that were deployed last. */
function inDepth(environments: readonly ListedEnvironment[], { since, left, cursor }: Backfill): ListedEnvironment[] {
  const lastAt = ({ last }: ListedEnvironment) => Math.max(...last.map(({ timestamp }) => timestamp.getTime()));
  const from = since === null ? 0 : Date.parse(since);
  const wanted = environments.filter((one) => one.isUnclear || (one.last.length > 0 && lastAt(one) >= from));
  const chosen = new Set(wanted.toSorted((a, b) => lastAt(b) - lastAt(a)).slice(0, left ?? undefined));
  // The newest environment is the first of the list.
  return wanted.filter((one) => chosen.has(one) && (cursor === null || one.id < Number(cursor)));
}

/** Reads backwards to the goal, environment by environment. Returns whether everything that there is was read. */
async function* history(
  context: StreamContext,
  environments: readonly ListedEnvironment[],
  backfill: Backfill,
): AsyncGenerator<Page, boolean, { readonly inserted: number; readonly updated: number }> {
  if (backfill.isDone) return backfill.isComplete;
  const since = backfill.since === null ? null : new Date(backfill.since);
  const chosen = inDepth(environments, backfill);
  let isWhole = since === null && backfill.cursor === null && chosen.length === environments.filter(({ last }) => last.length > 0).length;
  for (const environment of chosen) {
    for (const kind of ['ended', 'open'] as const) {
      const has = environment.last.some((last) => (isOpen(last) || last.status === 'BLOCKED') === (kind === 'open'));
      if (!has && !environment.isUnclear) continue;
      let left = backfill.left ?? Number.POSITIVE_INFINITY;
      for await (const page of deploymentPages(context, environment, { kind, first: Math.min(left, largestPage) })) {
        const rows = presentNodes(page).filter((row) => since === null || momentIn(kind, row) >= since);
        left -= rows.length;
        const isEnough = left <= 0 || rows.length < presentNodes(page).length;
        isWhole &&= !isEnough || (left === 0 && !page.pageInfo.hasNextPage);
        const events = rows.map((row) => toEvent(context, environment, row));
        yield { events, unread: page.unread ?? [], environments: { current: [current(environment)] } };
        if (isEnough) break;
      }
    }
    yield { events: [], progress: { backfill: { ...backfill, cursor: String(environment.id) } } };
  }
  return isWhole;
}
