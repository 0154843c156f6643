import { setTimeout as sleep } from 'node:timers/promises';
import type { PgBoss } from 'pg-boss';
import type { Part } from '../pass/part.ts';
import type { PassSummary } from './pass-summary.ts';
import { hasEnded, isQueued, mostJobs, summaryOfJob, waitMs } from './parts-engine.ts';

/**
 * The queue in which earlier versions put the parts of a pass. It matters during a rolling upgrade only: when a process of
 * an earlier version stops in the middle of a pass, a process of this version continues the pass.
 */
export interface PreviousQueue {
  /** Cancels the queued parts of a connection: a new pass makes its own. */
  readonly cancelQueued: (connectionId: number) => Promise<void>;
  /**
   * Cancels the queued parts of a pass and waits for the parts in progress. Resolves to the summaries of the parts that were
   * read, and to the parts that were not read.
   */
  readonly takeOver: (connectionId: number, passStartedAt: number, signal: AbortSignal) => Promise<TakenOver>;
}

/** What a process of an earlier version has read of a pass, and what it has not. */
export interface TakenOver {
  readonly summaries: readonly PassSummary[];
  readonly unread: readonly Part[];
}

interface PreviousJob {
  readonly connectionId: number;
  /** Start of the pass, by the name that earlier versions gave it. */
  readonly round: number;
  readonly projectIds: Part;
}

/** Finds the queue of earlier versions. A database that no earlier version has used has none. */
export async function openPreviousQueue(boss: PgBoss, suffix: string): Promise<PreviousQueue> {
  const queue = `gitlab-batches${suffix}`;
  const exists = (await boss.getQueue(queue)) !== null;
  const cancel = async (ids: readonly string[]) => {
    if (ids.length > 0) await boss.cancel(queue, [...ids]);
  };
  return {
    cancelQueued: async (connectionId) => {
      if (!exists) return;
      const jobs = await boss.findJobs<PreviousJob>(queue, { data: { connectionId }, queued: true, limit: mostJobs });
      await cancel(jobs.map(({ id }) => id));
    },
    takeOver: async (connectionId, passStartedAt, signal) => {
      if (!exists) return { summaries: [], unread: [] };
      for (;;) {
        signal.throwIfAborted();
        const jobs = await boss.findJobs<PreviousJob>(queue, { data: { connectionId, round: passStartedAt }, limit: mostJobs });
        if (jobs.every(hasEnded)) {
          return {
            summaries: jobs.filter(({ state }) => state !== 'cancelled').map(summaryOfJob),
            unread: jobs.filter(({ state }) => state === 'cancelled').map(({ data }) => data.projectIds),
          };
        }
        await cancel(jobs.filter(isQueued).map(({ id }) => id));
        await sleep(waitMs, undefined, { signal });
      }
    },
  };
}
