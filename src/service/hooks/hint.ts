import type { Part } from '../../pass/part.ts';
import type { HookMetrics } from './hook-metrics.ts';

/** A hook has said that something in a project may have changed. Nothing else of the hook is believed. */
export interface Hint {
  readonly connectionId: number;
  readonly projectId: number;
  /** When the first of the joined hooks was received: milliseconds since 1970, this machine's clock. */
  readonly receivedAt: number;
}

/** Hinted projects of one connection to read now. */
export interface HintOrder {
  readonly connectionId: number;
  readonly projectIds: Part;
  readonly signal: AbortSignal;
}

/** `later`: a pass reads the projects now, or the database failed. `failed`: GitLab cannot be read now; the next pass that can reads the projects. */
export type HintEnd = 'read' | 'later' | 'failed';

/** Reads hinted projects. Never rejects. */
export type ReadHinted = (order: HintOrder) => Promise<HintEnd>;

/** What a queue of hints calls. */
export interface HintWork {
  readonly read: ReadHinted;
  readonly metrics: Pick<HookMetrics, 'hinted' | 'hintRead'>;
}

/** Hints that wait to be read. */
export interface HintQueue {
  /** Queues hints. Resolves to how many of them joined hints that were queued before. Rejects when the database fails. */
  readonly add: (hints: readonly Hint[]) => Promise<number>;
}

/** A project is read at most once in this time because of hints, whatever the number of hooks: as by polling at this interval. */
export const gapSeconds = 10;
/** A hint that met a running pass is tried again after this time, */
export const retrySeconds = 10;
/** and at most so often: for ten minutes. After that the next pass reads the project. */
export const mostRetries = 60;
/** As many projects are read together at most. */
export const mostTogether = 100;
/** As many reads of hinted projects run at once in a process at most. */
export const hintWorkers = 2;

/** The hints by connection, in groups that are read together. */
export function groupsOf<T extends { readonly hint: Hint }>(waiting: readonly T[]): T[][] {
  const byConnection = Map.groupBy(waiting, ({ hint }) => hint.connectionId);
  return [...byConnection.values()].flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / mostTogether) }, (_, index) => all.slice(index * mostTogether, (index + 1) * mostTogether)),
  );
}
