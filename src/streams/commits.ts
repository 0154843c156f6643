import { NotFoundError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import { commitFields, commitToEvent } from '../events/commit.ts';
import { withUnknown } from '../events/incomplete.ts';
import type { RestCommit } from '../gitlab/rest.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, WalkState } from '../walk-state.ts';
import { arrivalsOf } from './arrivals.ts';
import { extendedBackfill, firstBackfill, largestPage } from './backfill.ts';
import { isAtTip, tipsPerRequest } from './at-tip.ts';
import { sinceRange } from './since-range.ts';
import { endPage } from './stream.ts';
import type { Depth, Page, Pages, Stored, Stream, StreamContext, WalkEnd } from './stream.ts';

/**
 * Commits with stats, of each configured branch; none are read when no branches are configured. What is new is what the
 * tip has and the frontier has not: between two commits the list cannot shift, and an old commit merged today is in it.
 */
export const commits: Stream = {
  name: 'commits',
  label: 'commits',
  type: 'Commit',
  changes: (context) => context.options.branches.map((branch) => ({ scope: branch, pages: () => changes(context, branch) })),
  // The list below a commit never changes, so a backfill to an earlier moment begins at the same commit.
  extendBackfill: ({ backfill, frontier }, since) => {
    const next = extendedBackfill(backfill, since);
    const sha = backfill?.cursor ? parseCursor(backfill.cursor).sha : frontier;
    return next && sha ? { ...next, cursor: formatCursor({ sha, page: 1, pageSize: largestPage }) } : null;
  },
  row: { key: 'sha', read: readCommit },
  access: { needs: 'repository' },
  count: { kind: 'none', reason: 'GitLab has no count of the commits of a branch' },
  plan: {
    // The tips of each branch of a hundred known projects, and of a project that is new or due the tip and the first page.
    requests: ({ changed, fresh, due }, { branches }) => {
      const readable = (projects: typeof changed) => projects.filter(({ project }) => project.userPermissions.downloadCode);
      const [known, unknown] = [readable(changed), readable(fresh).length];
      const dueIds = new Set(due.map(({ id }) => id));
      const alone = known.filter(({ id }) => dueIds.has(id)).length;
      const graphql = Math.ceil((known.length - alone) / tipsPerRequest) * branches.length;
      return { projects: branches.length === 0 ? 0 : known.length + unknown, graphql, rest: (alone + 2 * unknown) * branches.length };
    },
    uncounted: (_, { branches }) => (branches.length > 0 ? 'commits' : null),
  },
};

/** A branch that is read: its name and its last commit now. */
interface Branch {
  readonly name: string;
  readonly tip: string;
}

async function* changes(context: StreamContext, name: string): Pages {
  const state = context.state(name);
  if (isAtTip(state) && (await context.tipOf(name)) === state.frontier) {
    yield endPage({ outcome: 'ok' });
    return;
  }
  const tip = await tipOf(context, name);
  if (!tip) {
    yield endPage(noBranch(name, context.state(name)));
    return;
  }
  const branch = { name, tip };
  const taken: Step[] = [];
  const gone = new Set<string>();
  for (;;) {
    // The state is the stored one: each page of a step has changed it.
    const step = nextStep({ tip, state: context.state(name), depth: context.options.depth, gone, taken });
    if (step.kind === 'end') {
      yield step.isRewritten ? endPage(rewritten(name), { frontier: tip, cursor: null }) : endPage({ outcome: 'ok' });
      return;
    }
    taken.push(step);
    for (const sha of yield* take(context, branch, step)) gone.add(sha);
  }
}

/** A branch that was read before is a problem once; later it is a setting that this project does not have. */
function noBranch(name: string, state: WalkState | undefined): WalkEnd {
  const wasRead = state !== undefined && state.frontier !== null && state.outcome !== 'disabled' && state.outcome !== 'gone';
  if (wasRead) return { outcome: 'gone', reason: `the branch ${name} was read before and is gone, or the repository is switched off` };
  return { outcome: 'disabled', reason: `there is no branch ${name}, or the repository is empty or switched off` };
}

const rewritten = (name: string): WalkEnd => ({
  outcome: 'partial',
  reason: `the history of ${name} was rewritten and its former end is no more: its commits were read again down to the depth`,
});

/** What is known of a branch when a step is chosen. */
export interface BranchFacts {
  /** The last commit of the branch now. */
  readonly tip: string;
  /** What is stored of the walk now. */
  readonly state: Pick<WalkState, 'frontier' | 'cursor' | 'backfill' | 'depth'> | undefined;
  /** How far a branch that is new is read. */
  readonly depth: Depth;
  /** Commits that this walk has asked for and that the repository no longer has. */
  readonly gone: ReadonlySet<string>;
  /** The steps of this walk so far. */
  readonly taken: readonly Step[];
}

/** One step of the walk of a branch. */
export type Step =
  /** Reads what the target has and the frontier has not. */
  | { readonly kind: 'forward'; readonly frontier: string; readonly target: Cursor }
  /** Reads the whole history again down to the depth: it was rewritten, and the frontier is gone. */
  | { readonly kind: 'reread'; readonly since: Date | null }
  /** Reads backwards from the tip, which becomes the frontier. */
  | { readonly kind: 'restart'; readonly backfill: Backfill; readonly isRewritten: boolean }
  /** Goes on reading backwards. */
  | { readonly kind: 'backward'; readonly backfill: Backfill; readonly start: Cursor }
  | { readonly kind: 'end'; readonly isRewritten: boolean };

/**
 * What the walk of a branch does next. In this order: a frontier that is gone is dealt with; a stopped step forward is
 * ended; the tip is reached; reading backwards goes on. A restart and a reread are the last step of a walk.
 */
export function nextStep({ tip, state, depth, gone, taken }: BranchFacts): Step {
  const last = taken.at(-1);
  if (last?.kind === 'reread') return { kind: 'end', isRewritten: true };
  if (last?.kind === 'restart') return { kind: 'end', isRewritten: last.isRewritten };
  const { frontier, cursor, backfill } = state ?? { frontier: null, cursor: null, backfill: null };
  const restart = (from: Backfill, isRewritten: boolean): Step => {
    const start = formatCursor({ sha: tip, page: 1, pageSize: firstPageSize(depth) });
    return { kind: 'restart', backfill: { ...from, cursor: start }, isRewritten };
  };
  if (frontier === null) return restart(firstBackfill(depth), false);
  if (gone.has(frontier)) {
    return backfill?.isDone ? { kind: 'reread', since: state?.depth ?? null } : restart(firstBackfill(depth), true);
  }
  const targets = [...(cursor === null ? [] : [parseCursor(cursor)]), { sha: tip, page: 1, pageSize: largestPage }];
  // A target that is gone is passed over: what is left of it lies between the frontier and a later tip.
  const target = targets.find(({ sha }) => sha !== frontier && !gone.has(sha));
  if (target) return { kind: 'forward', frontier, target };
  if (!backfill) return restart(firstBackfill(depth), false);
  if (backfill.isDone || backfill.cursor === null) return { kind: 'end', isRewritten: false };
  const start = parseCursor(backfill.cursor);
  if (gone.has(start.sha)) return restart(backfill, false);
  return last?.kind === 'backward' ? { kind: 'end', isRewritten: false } : { kind: 'backward', backfill, start };
}

/** Takes a step. Resolves to the commits that turned out to be gone. */
async function* take(context: StreamContext, branch: Branch, step: Exclude<Step, { kind: 'end' }>): Steps {
  switch (step.kind) {
    case 'forward':
      return yield* forward(context, branch, step);
    case 'reread':
      return yield* reread(context, branch, step.since);
    case 'restart':
      return yield* backward(context, branch, { backfill: step.backfill, isRestart: true });
    case 'backward': {
      const isThere = await context.gitlab.rest.hasCommit(context.project.id, step.start.sha);
      return isThere ? yield* backward(context, branch, { backfill: step.backfill, isRestart: false }) : [step.start.sha];
    }
  }
}

/** Pages of a step, and the commits that turned out to be gone. */
type Steps = AsyncGenerator<Page, readonly string[], Stored>;

/** What the target has and the frontier has not. */
async function* forward(context: StreamContext, branch: Branch, { frontier, target }: Step & { readonly kind: 'forward' }): Steps {
  const hasCommit = (sha: string) => context.gitlab.rest.hasCommit(context.project.id, sha);
  const mayBeCut = yield* range(context, branch.name, { from: frontier, target });
  if (mayBeCut && !(await hasCommit(frontier))) return [frontier];
  if (mayBeCut && !(await hasCommit(target.sha))) return [target.sha];
  yield { events: [], progress: { frontier: target.sha, cursor: null } };
  return [];
}

interface Range {
  readonly from: string;
  readonly target: Cursor;
}

/**
 * The commits between two fixed ones, newest first. Resolves to whether it ended with nothing: at its end, or because one
 * of the two is no more, which may also happen between two pages.
 */
async function* range(context: StreamContext, branch: string, { from, target }: Range): AsyncGenerator<Page, boolean, Stored> {
  const query = { projectId: context.project.id, ref: `${from}..${target.sha}`, pageSize: target.pageSize, page: target.page };
  let mayBeCut = true;
  try {
    for await (const { rows, next } of context.gitlab.rest.commitPages(query)) {
      mayBeCut = rows.length === 0;
      yield {
        ...arrived(rows, { name: branch, tip: target.sha }, context),
        progress: { cursor: formatCursor({ sha: target.sha, ...next }) },
      };
    }
  } catch (error) {
    // An end that is gone is 404 here, or an empty list, depending on GitLab's version.
    if (!(error instanceof NotFoundError)) throw error;
    mayBeCut = true;
  }
  return mayBeCut;
}

/** All commits down to the depth. When it is stopped, the next pass begins it again: the frontier is still the one that is gone. */
async function* reread(context: StreamContext, branch: Branch, depth: Date | null): Steps {
  const range = sinceRange(depth && depth > beginningOfTime ? depth : null);
  for await (const { rows } of context.gitlab.rest.commitPages({ projectId: context.project.id, ref: branch.tip, pageSize: largestPage })) {
    yield arrived(range.take(rows), branch, context);
    if (range.isLeft()) break;
  }
  return [];
}

interface Backward {
  readonly backfill: Backfill;
  /** The first page notes that reading backwards begins at the tip. */
  readonly isRestart: boolean;
}

/** From a fixed commit backwards, to the goal. */
async function* backward(context: StreamContext, { name, tip }: Branch, { backfill: from, isRestart }: Backward): Steps {
  const { sha, page: firstPage, pageSize } = parseCursor(from.cursor ?? '');
  const since = from.since === null ? null : new Date(from.since);
  const range = sinceRange(since);
  const query = { projectId: context.project.id, ref: sha, pageSize, page: firstPage };
  let { left } = from;
  let place = { page: firstPage, pageSize };
  const note = (change: Partial<Backfill>) => ({ ...from, left, cursor: formatCursor({ sha, ...place }), ...change });
  const beginning = isRestart ? { frontier: tip, cursor: null, selection: [name], depth: null } : {};
  let mayBeCut = false;
  for await (const { rows, next } of context.gitlab.rest.commitPages(query)) {
    mayBeCut = rows.length === 0;
    const wanted = range.take(rows).slice(0, left ?? rows.length);
    left = left === null ? null : left - wanted.length;
    place = next;
    const last = wanted.at(-1);
    const end = left === 0 && last ? { depth: new Date(last.committed_date) } : {};
    yield { events: toEvents(wanted, name, context), progress: { ...beginning, backfill: note({ isDone: left === 0 }), ...end } };
    if (left === 0) return [];
    if (range.isLeft()) break;
  }
  // GitLab may answer with an empty list for a commit that is gone.
  if (mayBeCut && !(await context.gitlab.rest.hasCommit(context.project.id, sha))) return [sha];
  const progress = { backfill: note({ isDone: true, isComplete: since === null }), depth: since ?? beginningOfTime };
  yield { events: [], progress: { ...beginning, ...progress } };
  return [];
}

const firstPageSize = ({ since, rows }: Depth) => (since || rows === null ? largestPage : Math.min(rows, largestPage));

const toEvents = (commits: readonly RestCommit[], branch: string, { project }: StreamContext) =>
  commits.map((commit) =>
    // GitLab computes the stats: where it fails, there are none.
    withUnknown(commitToEvent(commit, branch, project), commit.stats ? {} : { unknownFields: ['stats'] }, commitFields),
  );

/** Commits that were not on the branch before. They arrived with a push or a merge before now, whatever their dates. */
const arrived = (commits: readonly RestCommit[], branch: Branch, context: StreamContext) => ({
  events: toEvents(commits, branch.name, context).map((event) => ({ ...event, statusSince: context.seenAt })),
  arrivals: arrivalsOf(commits, branch),
});

/** A commit alone; null when the repository no longer has it. */
async function readCommit(context: StreamContext, sha: string): Promise<ChangeEvent | null> {
  const { gitlab, project, options } = context;
  try {
    // The branch on which it was found first stays.
    return toEvents([await gitlab.rest.commit(project.id, sha)], options.branches[0] ?? '', context)[0] ?? null;
  } catch (error) {
    if (error instanceof NotFoundError && !(await gitlab.rest.hasCommit(project.id, sha))) return null;
    throw error;
  }
}

/** The branch's last commit now; undefined when there is none. */
async function tipOf({ gitlab, project }: StreamContext, branch: string): Promise<string | undefined> {
  // GitLab takes a bare name for that of a tag, where there is one.
  const ref = `refs/heads/${branch}`;
  try {
    for await (const { rows } of gitlab.rest.commitPages({ projectId: project.id, ref, pageSize: 1, withStats: false })) return rows[0]?.id;
  } catch (error) {
    // An unknown branch and an empty repository look the same; versions differ in which one is a 404.
    if (!(error instanceof NotFoundError)) throw error;
  }
  return undefined;
}

/** A page of the list of a commit. */
export interface Cursor {
  readonly sha: string;
  readonly page: number;
  readonly pageSize: number;
}

const formatCursor = ({ sha, page, pageSize }: Cursor): string => `${sha}#${page}#${pageSize}`;

function parseCursor(cursor: string): Cursor {
  const [sha = '', page = '1', pageSize = String(largestPage)] = cursor.split('#');
  return { sha, page: Number(page), pageSize: Number(pageSize) };
}
