import pLimit from 'p-limit';
import type { Engine, EngineWork } from './engine.ts';
import type { HintWork } from './hooks/hint.ts';
import { createLocalHints } from './hooks/local-hints.ts';

/** Options of the engine for one process. */
export interface LocalEngineOptions {
  /** Passes at a time. */
  readonly workers: number;
  readonly work: Pick<EngineWork, 'runPass'>;
  /** Absent when webhooks are off. */
  readonly hints?: HintWork | undefined;
  /** Called when a pass has ended. */
  readonly onIdle: () => void;
}

/** Runs passes in this process only, because only one process can use the embedded database. */
export function createLocalEngine({ workers, work, hints: hintWork, onIdle }: LocalEngineOptions): Engine {
  const limit = pLimit(workers);
  const running = new Map<number, Promise<void>>();
  const stopped = new AbortController();
  const hints = hintWork ? createLocalHints({ ...hintWork, signal: stopped.signal }) : null;
  const run = async (connectionId: number, wantedSince: number) => {
    // The poller may have been stopped while this pass waited for a free worker.
    if (!stopped.signal.aborted) await work.runPass({ connectionId, wantedSince, isResumed: false, signal: stopped.signal });
    running.delete(connectionId);
    onIdle();
  };
  return {
    request: ({ connectionId, wantedSince }) => {
      if (!running.has(connectionId) && !stopped.signal.aborted) {
        running.set(
          connectionId,
          limit(() => run(connectionId, wantedSince)),
        );
      }
      return Promise.resolve();
    },
    hints,
    jobs: () => Promise.resolve([]),
    stop: async () => {
      stopped.abort();
      await Promise.allSettled(running.values());
      await hints?.ended();
    },
  };
}
