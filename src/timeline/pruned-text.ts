import type { CoverageEntry } from '../store/progress/read-coverage.ts';

/** Says that older history of a window was pruned; null when none of it was. */
export function prunedText(entries: readonly CoverageEntry[], from: Date | undefined, shown: (moment: string) => string): string | null {
  const latest = entries.map(({ prunedBefore }) => prunedBefore ?? '').toSorted((a, b) => b.localeCompare(a))[0] ?? '';
  if (latest === '' || from === undefined || from >= new Date(latest)) return null;
  return `history from before ${shown(latest)} was pruned: of what happened before, no more than the last state of each event is stored`;
}
