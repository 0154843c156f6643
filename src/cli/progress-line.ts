import type { SyncProgress } from '../pass/pass-state.ts';
import type { Output } from './io.ts';

/** A line on the terminal that shows the progress of a pass and is overwritten. Writes nothing without a terminal. */
export interface ProgressLine {
  readonly show: (progress: SyncProgress) => void;
  /** Clears the line. */
  readonly end: () => void;
}

const clearLine = '\r\u001b[2K';
const intervalMs = 100;

/** Shows at most ten states a second. `now` returns milliseconds. `expected`: about how many events the pass will read; 0 = unknown. */
export function progressLine(output: Output, now: () => number, expected = 0): ProgressLine {
  if (!output.isTTY) return { show: () => {}, end: () => {} };
  const ofExpected = expected > 0 ? ` of about ${expected}` : '';
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: ({ projects, projectsDone, requests, fetched, stored }) => {
      if (now() - shownAt < intervalMs) return;
      shownAt = now();
      const line = `${projectsDone} of ${projects} projects, ${requests} requests, ${fetched}${ofExpected} events read, ${stored} stored`;
      output.write(`${clearLine}${line.slice(0, (output.columns ?? 80) - 1)}`);
    },
    end: () => {
      output.write(clearLine);
    },
  };
}
