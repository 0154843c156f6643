import pLimit from 'p-limit';
import type { Engine, EngineWork } from './engine.ts';

/** Options of the engine for one process. */
export interface LocalEngineOptions {
  /** Passes at a time. */
  readonly workers: number;
  readonly work: Pick<EngineWork, 'runPass'>;
  /** Called when a pass has ended. */
  readonly onIdle: () => void;
}

/** Runs passes in this process only, because only one process can use the embedded database. */
export function createLocalEngine({ workers, work, onIdle }: LocalEngineOptions): Engine {
  const limit = pLimit(workers);
  const running = new Map<number, Promise<void>>();
  const stopped = new AbortController();
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
    jobs: () => Promise.resolve([]),
    stop: async () => {
      stopped.abort();
      await Promise.allSettled(running.values());
    },
  };
}
