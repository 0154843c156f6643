import type { ChangeEvent } from '../events/change-event.ts';
import { presentNodes } from '../events/text.ts';
import type { ConnectionPage } from '../gitlab/paging.ts';
import { connectionPages } from '../gitlab/paging.ts';
import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, Progress, WalkState } from '../walk-state.ts';
import type { Depth, Pages, Stored, StreamContext } from './stream.ts';
import { hasWatermark, isCovered, selectionOf, watermarkAfter } from './watermark.ts';

/** GitLab's largest page. */
export const largestPage = 100;

/** The way back for a walk that begins. */
export function firstBackfill({ since, rows }: Depth): Backfill {
  return { since: since?.toISOString() ?? null, left: since ? null : rows, cursor: null, isDone: false, isComplete: false };
}

/** The way back to an earlier moment, from where reading backwards stands. Null when it has not begun, or everything is stored already. */
export function extendedBackfill(backfill: Backfill | null, since: Date): Backfill | null {
  if (!backfill || backfill.isComplete || (backfill.since && new Date(backfill.since) <= since)) return null;
  return { ...backfill, since: since.toISOString(), left: null, isDone: false };
}

/** A list that is read backwards. */
export interface BackfillList<T> {
  readonly backfill: Backfill;
  /** The first page where it is at hand already; used when the walk has no cursor yet. */
  readonly firstPage: ConnectionPage<T> | null;
  readonly read: (page: { readonly first: number; readonly after?: string }) => Promise<ConnectionPage<T>>;
  /** The moment that the list is ordered by, newest first. */
  readonly momentOf: (node: T) => Date;
  /** False where GitLab itself leaves out what lies before `since`. */
  readonly cutsAtSince: boolean;
  /** From when on everything is stored when it ends at a number of rows. `oldest`: of the last of them. */
  readonly depthOfRows: (oldest: Date) => Date | null;
  readonly toEvents: (nodes: readonly T[]) => Promise<ChangeEvent[]>;
  readonly operation: string;
}

/**
 * Reads a list backwards to its goal: a number of rows, a moment, or its end. Each page carries the cursor to go on from,
 * so that a walk that is stopped goes on where it was; the last one carries the depth that is reached.
 */
export async function* backfillPages<T>(list: BackfillList<T>): Pages {
  if (list.backfill.isDone) return;
  let { left, cursor } = list.backfill;
  const since = list.backfill.since === null ? null : new Date(list.backfill.since);
  const read = (rows: number | null, after: string | null) =>
    list.read({ first: Math.min(rows ?? largestPage, largestPage), ...(after === null ? {} : { after }) });
  const part = (page: ConnectionPage<T>) => {
    const present = presentNodes(page);
    const wanted = list.cutsAtSince && since ? present.filter((node) => list.momentOf(node) >= since) : present;
    const nodes = wanted.slice(0, left ?? undefined);
    const isCut = nodes.length < present.length;
    const leftAfter = left === null ? null : left - nodes.length;
    return { nodes, isCut, leftAfter, isDone: isCut || !page.pageInfo.hasNextPage || leftAfter === 0 };
  };
  const first = cursor === null && list.firstPage ? list.firstPage : await read(left, cursor);
  let oldest: Date | null = null;
  // Always ahead, so before the rows of its page are counted.
  const next = (after: string, page: ConnectionPage<T>) => read(part(page).leftAfter, after);
  for await (const page of connectionPages<T, ConnectionPage<T>>(first, next, list.operation, (one) => !part(one).isDone)) {
    const { nodes, isCut, leftAfter, isDone } = part(page);
    const { hasNextPage, endCursor } = page.pageInfo;
    left = leftAfter;
    const isComplete = isDone && !isCut && !hasNextPage && (since === null || list.cutsAtSince);
    // A page that was taken only in part is where a deeper walk would begin.
    cursor = isCut ? cursor : endCursor;
    const backfill = { ...list.backfill, left, cursor, isDone, isComplete };
    const last = nodes.at(-1);
    if (last !== undefined) oldest = list.momentOf(last);
    yield {
      events: await list.toEvents(nodes),
      progress: { backfill, ...(isDone ? { depth: isComplete ? beginningOfTime : (since ?? (oldest && list.depthOfRows(oldest))) } : {}) },
    };
    if (isDone) return;
  }
}

/** A walk's way back: where it goes on, and what its first page notes when it begins anew. */
export interface ResumedBackfill {
  readonly backfill: Backfill;
  readonly beginning: Progress;
}

/**
 * Where reading backwards goes on. It begins anew for a walk that was never begun, and for one that was begun for fewer
 * branches; its watermark then stays, as reading forwards has brought it up to date.
 */
export function resumeBackfill(
  context: Pick<StreamContext, 'options' | 'startedAt' | 'seenAt'>,
  state: WalkState | undefined,
): ResumedBackfill {
  const { options } = context;
  if (isCovered(state, options)) return { backfill: state.backfill ?? firstBackfill(options.depth), beginning: {} };
  const watermark = hasWatermark(state) ? {} : { watermark: watermarkAfter(context, null), cursor: null, walkStartedAt: null };
  return { backfill: firstBackfill(options.depth), beginning: { selection: selectionOf(options), depth: null, ...watermark } };
}

/** Pages with progress of their own added to the first one's. */
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
