import pLimit from 'p-limit';
import type { Engine, EngineWork } from './engine.ts';

/** What the engine of one process works with. */
export interface LocalEngineOptions {
  /** Passes at once. */
  readonly workers: number;
  readonly work: Pick<EngineWork, 'runPass'>;
  /** Called when a pass has ended. */
  readonly onIdle: () => void;
}

/** Carries passes out in this process: the embedded database is one process's alone. */
export function createLocalEngine({ workers, work, onIdle }: LocalEngineOptions): Engine {
  const limit = pLimit(workers);
  const running = new Map<number, Promise<void>>();
  const stopped = new AbortController();
  const run = async (connectionId: number, wantedSince: number) => {
    // One that waited for its turn may come too late.
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
