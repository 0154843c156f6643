import { nap } from './retry-until.ts';

/** `stopped`: everything was saved. `overdue`: the grace period ended before. */
export type ServiceEnd = 'stopped' | 'overdue';

/** Waits for the work, but at most `graceMs` after the signal has aborted. */
export async function endWithin(work: Promise<void>, graceMs: number, signal: AbortSignal): Promise<ServiceEnd> {
  const ended = new AbortController();
  const stopRequested = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const overdue = stopRequested.then(() => nap(graceMs, ended.signal)).then((): ServiceEnd => 'overdue');
  try {
    return await Promise.race([work.then((): ServiceEnd => 'stopped'), overdue]);
  } finally {
    ended.abort();
  }
}
