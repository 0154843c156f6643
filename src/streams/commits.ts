import { NotFoundError } from '../errors.ts';
import { commitToEvent } from '../events/commit.ts';
import type { RestCommit } from '../gitlab/rest.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, WalkState } from '../walk-state.ts';
import { extendedBackfill, firstBackfill, largestPage } from './backfill.ts';
import { endPage } from './stream.ts';
import type { Depth, Page, Pages, Stored, Stream, StreamContext } from './stream.ts';

/**
 * Commits with stats, of each configured branch; none are read when no branches are configured. What is new is what the
 * tip has and the frontier has not: between two commits the list cannot shift, and an old commit merged today is in it.
 */
export const commits: Stream = {
  name: 'commits',
  label: 'commits',
  type: 'Commit',
  changes: (context) => context.options.branches.map((branch) => ({ scope: branch, pages: () => changes(context, branch) })),
  // The list below a commit never changes, so a deeper reading begins at the same one.
  extendBackfill: ({ backfill, frontier }, since) => {
    const next = extendedBackfill(backfill, since);
    const sha = backfill?.cursor ? parseCursor(backfill.cursor).sha : frontier;
    return next && sha ? { ...next, cursor: formatCursor({ sha, page: 1, pageSize: largestPage }) } : null;
  },
};

/** A branch that is read: its name and its last commit now. */
interface Branch {
  readonly name: string;
  readonly tip: string;
}

async function* changes(context: StreamContext, name: string): Pages {
  const tip = await tipOf(context, name);
  if (!tip) {
    yield endPage({ outcome: 'disabled', reason: `there is no branch ${name}, or the repository is empty or switched off` });
    return;
  }
  const branch = { name, tip };
  const state = context.state(name);
  const isLost = state?.frontier ? yield* forward(context, branch, state) : false;
  if (isLost && state?.backfill?.isDone) yield* anew(context, branch, state);
  yield* backward(context, branch, await resumeBackfill(context, branch, isLost && !state?.backfill?.isDone ? undefined : state));
  if (isLost) {
    const reason = `the history of ${name} was rewritten and its former end is no more: its commits were read again down to the depth`;
    yield endPage({ outcome: 'partial', reason }, { frontier: tip, cursor: null });
  } else yield endPage({ outcome: 'ok' });
}

/** What the tip has and the frontier has not. Resolves to whether the frontier is in the repository no more. */
async function* forward(context: StreamContext, branch: Branch, state: WalkState): AsyncGenerator<Page, boolean, Stored> {
  const { rest } = context.gitlab;
  let { frontier } = state;
  // A walk to an earlier tip that was stopped is ended first.
  const stopped = state.cursor === null ? [] : [parseCursor(state.cursor)];
  for (const target of [...stopped, { sha: branch.tip, page: 1, pageSize: largestPage }]) {
    if (frontier === null || target.sha === frontier) continue;
    const mayBeCut = yield* range(context, branch.name, { from: frontier, target });
    if (mayBeCut && !(await rest.hasCommit(context.project.id, frontier))) return true;
    // The other end may be no more as well: what it had that is left is between the frontier and a later tip.
    if (mayBeCut && !(await rest.hasCommit(context.project.id, target.sha))) continue;
    frontier = target.sha;
    yield { events: [], progress: { frontier, cursor: null } };
  }
  return false;
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
      yield { events: toEvents(rows, branch, context), progress: { cursor: formatCursor({ sha: target.sha, ...next }) } };
    }
  } catch (error) {
    // An end that is gone is 404 here, or an empty list, depending on GitLab's version.
    if (!(error instanceof NotFoundError)) throw error;
    mayBeCut = true;
  }
  return mayBeCut;
}

/** All commits down to the depth, for a branch whose frontier is lost. Stopped, it begins again. */
async function* anew(context: StreamContext, { name, tip }: Branch, { depth }: WalkState): Pages {
  const since = depth && depth > beginningOfTime ? { since: depth } : {};
  const query = { projectId: context.project.id, ref: tip, pageSize: largestPage, ...since };
  for await (const { rows } of context.gitlab.rest.commitPages(query)) yield { events: toEvents(rows, name, context) };
}

interface ResumedBackfill {
  readonly backfill: Backfill;
  /** It begins here: the frontier is its first commit. */
  readonly isBeginning: boolean;
}

/** Where reading backwards goes on; at the tip when it has not begun, or when the commit that it began at is no more. */
async function resumeBackfill(context: StreamContext, { tip }: Branch, state: WalkState | undefined): Promise<ResumedBackfill> {
  const { depth } = context.options;
  const start = formatCursor({ sha: tip, page: 1, pageSize: firstPageSize(depth) });
  const backfill = state?.backfill;
  if (!backfill || !state.frontier) return { backfill: { ...firstBackfill(depth), cursor: start }, isBeginning: true };
  if (backfill.isDone || backfill.cursor === null) return { backfill, isBeginning: false };
  const isThere = await context.gitlab.rest.hasCommit(context.project.id, parseCursor(backfill.cursor).sha);
  return isThere ? { backfill, isBeginning: false } : { backfill: { ...backfill, cursor: start }, isBeginning: true };
}

/** From a fixed commit backwards, to the goal. */
async function* backward(context: StreamContext, { name, tip }: Branch, { backfill: from, isBeginning }: ResumedBackfill): Pages {
  if (from.isDone || from.cursor === null) return;
  const { sha, page: firstPage, pageSize } = parseCursor(from.cursor);
  const since = from.since === null ? null : new Date(from.since);
  const query = { projectId: context.project.id, ref: sha, pageSize, page: firstPage, ...(since ? { since } : {}) };
  let { left } = from;
  let place = { page: firstPage, pageSize };
  const note = (change: Partial<Backfill>) => ({ ...from, left, cursor: formatCursor({ sha, ...place }), ...change });
  const beginning = isBeginning ? { frontier: tip, cursor: null, selection: name, depth: null } : {};
  let mayBeCut = false;
  for await (const { rows, next } of context.gitlab.rest.commitPages(query)) {
    mayBeCut = rows.length === 0;
    const wanted = rows.slice(0, left ?? rows.length);
    left = left === null ? null : left - wanted.length;
    place = next;
    const last = wanted.at(-1);
    const end = left === 0 && last ? { depth: new Date(last.committed_date) } : {};
    yield { events: toEvents(wanted, name, context), progress: { ...beginning, backfill: note({ isDone: left === 0 }), ...end } };
    if (left === 0) return;
  }
  // Where it ends with nothing, the commit that it began at may be no more: the next pass begins anew.
  if (mayBeCut && !(await context.gitlab.rest.hasCommit(context.project.id, sha))) return;
  const progress = { backfill: note({ isDone: true, isComplete: since === null }), depth: since ?? beginningOfTime };
  yield { events: [], progress: { ...beginning, ...progress } };
}

const firstPageSize = ({ since, rows }: Depth) => (since || rows === null ? largestPage : Math.min(rows, largestPage));

const toEvents = (commits: readonly RestCommit[], branch: string, { project }: StreamContext) =>
  commits.map((commit) => commitToEvent(commit, branch, project));

/** The branch's last commit now; undefined when there is none. */
async function tipOf({ gitlab, project }: StreamContext, branch: string): Promise<string | undefined> {
  try {
    for await (const { rows } of gitlab.rest.commitPages({ projectId: project.id, ref: branch, pageSize: 1, withStats: false }))
      return rows[0]?.id;
  } catch (error) {
    // An unknown branch and an empty repository look the same; versions differ in which one is a 404.
    if (!(error instanceof NotFoundError)) throw error;
  }
  return undefined;
}

/** A page of the list of a commit. */
interface Cursor {
  readonly sha: string;
  readonly page: number;
  readonly pageSize: number;
}

const formatCursor = ({ sha, page, pageSize }: Cursor): string => `${sha}#${page}#${pageSize}`;

function parseCursor(cursor: string): Cursor {
  const [sha = '', page = '1', pageSize = String(largestPage)] = cursor.split('#');
  return { sha, page: Number(page), pageSize: Number(pageSize) };
}
