import { beginningOfTime } from '../walk-state.ts';
import type { Backfill, LeftOut, WalkState } from '../walk-state.ts';

/** Branches as a walk's state notes them: sorted, each once. */
export const selectionOf = (branches: readonly string[]): readonly string[] => [...new Set(branches)].toSorted();

/** What a walk covers or covered: some branches, down to a depth and up to a watermark. Times are ISO 8601, and compare as text. */
type Span = LeftOut;

/**
 * A walk's state for the branches that are asked for now. Branches that are no longer asked for are noted with how far
 * they were read. Branches that are asked for again take the watermark back to where they were left: what changed since
 * is read for all branches, and writes nothing twice. When a branch was never read, the backfill begins anew.
 */
export function coverBranches<S extends WalkState>(state: S, branches: readonly string[]): S {
  const selection = selectionOf(branches);
  const isNarrower = includesAll(state.selection, selection);
  if (state.watermark === null || (isNarrower && includesAll(selection, state.selection))) return state;
  const before: Span = {
    branches: state.selection,
    watermark: state.watermark.toISOString(),
    depth: state.depth && state.depth.toISOString(),
  };
  const spans = [before, ...state.leftOut];
  const { covering, isWhole } = isNarrower ? { covering: [before], isWhole: true } : coveringSpans(spans, selection);
  const watermark = covering.map((span) => span.watermark).reduce(earliest, before.watermark);
  const depth = isWhole ? latestDepth(covering) : null;
  const now: Span = { branches: selection, watermark, depth };
  return {
    ...state,
    selection,
    watermark: new Date(watermark),
    depth: depth === null ? null : new Date(depth),
    // Rows of the branches that are new may lie above the cursor.
    ...(isNarrower ? {} : { backfill: depth === null ? null : backfillOf(state, covering, depth), cursor: null, walkStartedAt: null }),
    leftOut: withoutRepeated(spans.filter((span) => !includesAll(selection, span.branches) && !says(now, span))),
  };
}

/** Whether `all` has each of `some`. An empty list stands for every branch. */
const includesAll = (all: readonly string[], some: readonly string[]): boolean =>
  all.length === 0 || (some.length > 0 && some.every((branch) => all.includes(branch)));

/** For each branch the span that has read it up to the latest moment. `isWhole`: each branch has such a span. */
function coveringSpans(spans: readonly Span[], selection: readonly string[]): { readonly covering: Span[]; readonly isWhole: boolean } {
  // Of all branches, those that were read by name have their own place.
  const named = new Set(selection.length === 0 ? spans.flatMap(({ branches }) => branches) : selection);
  const wanted: string[][] = [...named].map((branch) => [branch]);
  if (selection.length === 0) wanted.push([]);
  const found = wanted.map((one) =>
    spans
      .filter(({ branches }) => includesAll(branches, one))
      .toSorted(byWatermark)
      .at(-1),
  );
  const covering = found.filter((span) => span !== undefined);
  return { covering, isWhole: covering.length === found.length };
}

const byWatermark = (a: Span, b: Span) => (a.watermark < b.watermark ? -1 : 1);
const earliest = (a: string, b: string) => (a < b ? a : b);
const latest = (a: string, b: string) => (a > b ? a : b);

/** Down to where every span is stored; null when the first backfill of one has not ended. */
function latestDepth(spans: readonly Span[]): string | null {
  const depths = spans.flatMap(({ depth }) => depth ?? []);
  return depths.length < spans.length ? null : depths.reduce(latest);
}

/** A backfill that has reached `depth`, and goes on to where the deepest of the spans is. */
function backfillOf({ backfill }: WalkState, spans: readonly Span[], depth: string): Backfill {
  const goals = spans.flatMap((span) => span.depth ?? []);
  if (backfill && !backfill.isDone && backfill.left === null) goals.push(backfill.since ?? beginning);
  const goal = goals.reduce(earliest);
  const isDone = goal === depth;
  return { since: goal === beginning ? null : goal, left: null, cursor: null, isDone, isComplete: isDone && goal === beginning };
}

const beginning = beginningOfTime.toISOString();

/** Spans of which no other says as much or more. */
function withoutRepeated(spans: readonly Span[]): Span[] {
  return spans.filter((span, index) => !spans.some((other, at) => at !== index && says(other, span) && (!says(span, other) || at < index)));
}

const says = (more: Span, less: Span): boolean =>
  includesAll(more.branches, less.branches) &&
  more.watermark >= less.watermark &&
  (less.depth === null || (more.depth !== null && more.depth <= less.depth));
