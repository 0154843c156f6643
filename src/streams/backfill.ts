import type { ChangeEvent } from '../events/change-event.ts';
import { presentNodes } from '../events/text.ts';
import type { PageAround, UnreadRow } from '../gitlab/read-around.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, Progress, WalkState } from '../walk-state.ts';
import type { Depth, Pages, Stored, StreamContext } from './stream.ts';
import { selectionOf } from './coverage.ts';
import { hasWatermark, watermarkAfter } from './watermark.ts';

/** GitLab's largest page. */
export const largestPage = 100;

/** The backfill of a walk that begins. */
export function firstBackfill({ since, rows }: Depth): Backfill {
  return { since: since?.toISOString() ?? null, left: since ? null : rows, cursor: null, isDone: false, isComplete: false };
}

/** A backfill with an earlier goal. Null when the backfill has not begun, or has reached that moment already. */
export function extendedBackfill(backfill: Backfill | null, since: Date): Backfill | null {
  if (!backfill || backfill.isComplete || (backfill.since && new Date(backfill.since) <= since)) return null;
  return { ...backfill, since: since.toISOString(), left: null, isDone: false };
}

/** A list that is read backwards. */
export interface BackfillList<T> {
  readonly backfill: Backfill;
  /** The first page when it came with the batch; used when the walk has no cursor yet. */
  readonly firstPage: PageAround<T> | null;
  readonly read: (page: { readonly first: number; readonly after?: string }) => Promise<PageAround<T>>;
  /** The moment that the list is ordered by, newest first. */
  readonly momentOf: (node: T) => Date;
  /** False when GitLab itself leaves out what lies before `since`. */
  readonly cutsAtSince: boolean;
  /** From when on everything is stored after a backfill of a number of rows. `oldest`: the moment of the last row. */
  readonly depthOfRows: (oldest: Date) => Date | null;
  readonly toEvents: (nodes: readonly T[]) => Promise<ChangeEvent[]>;
  /** What else a page notes in the state. `unread`: rows of it that GitLab could not answer. */
  readonly noted?: (nodes: readonly T[], unread: readonly UnreadRow[]) => Progress;
  readonly operation: string;
}

/**
 * Reads a list backwards to its goal: a number of rows, a moment, or its end. Each page carries the cursor at which a
 * stopped walk goes on; the last page carries the depth that is reached.
 */
export async function* backfillPages<T>(list: BackfillList<T>): Pages {
  if (list.backfill.isDone) return;
  let { left, cursor } = list.backfill;
  const since = list.backfill.since === null ? null : new Date(list.backfill.since);
  const read = (rows: number | null, after: string | null) =>
    list.read({ first: Math.min(rows ?? largestPage, largestPage), ...(after === null ? {} : { after }) });
  const part = (page: PageAround<T>) => {
    const present = presentNodes(page);
    const wanted = list.cutsAtSince && since ? present.filter((node) => list.momentOf(node) >= since) : present;
    const nodes = wanted.slice(0, left ?? undefined);
    const isCut = nodes.length < present.length;
    const leftAfter = left === null ? null : left - nodes.length;
    return { nodes, isCut, leftAfter, isDone: isCut || !page.pageInfo.hasNextPage || leftAfter === 0 };
  };
  // Where GitLab says when a row changed, a row below the goal is not wanted, read or not.
  const unreadOf = ({ unread = [] }: PageAround<T>) =>
    unread.filter(({ changedAt }) => !list.cutsAtSince || !since || !changedAt || changedAt >= since);
  const first = cursor === null && list.firstPage ? list.firstPage : await read(left, cursor);
  let oldest: Date | null = null;
  // Asked for ahead, so before the rows of its page are counted.
  const next = (after: string, page: PageAround<T>) => read(part(page).leftAfter, after);
  for await (const page of connectionPages<T, PageAround<T>>(first, next, list.operation, (one) => !part(one).isDone)) {
    const { nodes, isCut, leftAfter, isDone } = part(page);
    const { hasNextPage, endCursor } = page.pageInfo;
    left = leftAfter;
    const isComplete = isDone && !isCut && !hasNextPage && (since === null || list.cutsAtSince);
    // A backfill to an earlier moment reads a page again that was taken only in part.
    cursor = isCut ? cursor : endCursor;
    const backfill = { ...list.backfill, left, cursor, isDone, isComplete };
    const last = nodes.at(-1);
    if (last !== undefined) oldest = list.momentOf(last);
    yield {
      events: await list.toEvents(nodes),
      unread: unreadOf(page),
      progress: {
        ...list.noted?.(nodes, unreadOf(page)),
        backfill,
        ...(isDone ? { depth: isComplete ? beginningOfTime : (since ?? (oldest && list.depthOfRows(oldest))) } : {}),
      },
    };
    if (isDone) return;
  }
}

/** Where a backfill goes on, and what its first page notes when it begins anew. */
export interface ResumedBackfill {
  readonly backfill: Backfill;
  readonly beginning: Progress;
}

/** Where a backfill goes on. It begins anew for a walk that has no watermark. */
export function resumeBackfill(
  context: Pick<StreamContext, 'options' | 'startedAt' | 'seenAt'>,
  state: WalkState | undefined,
): ResumedBackfill {
  const { options } = context;
  if (hasWatermark(state)) return { backfill: state.backfill ?? firstBackfill(options.depth), beginning: {} };
  const watermark = watermarkAfter(context, null);
  const beginning = { selection: selectionOf(options.branches), depth: null, watermark, cursor: null, walkStartedAt: null };
  return { backfill: firstBackfill(options.depth), beginning };
}

/** The same pages, with more progress in the first one. */
export async function* withBeginning(pages: Pages, beginning: Progress): Pages {
  let isFirst = true;
  try {
    for (let step = await pages.next(nothingStored); !step.done;) {
      const page = step.value;
      const stored = yield isFirst ? { ...page, progress: { ...beginning, ...page.progress } } : page;
      isFirst = false;
      step = await pages.next(stored);
    }
  } finally {
    await pages.return();
  }
}

const nothingStored: Stored = { inserted: 0, updated: 0 };
