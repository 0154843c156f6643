import { gapSeconds, groupsOf, hintWorkers, mostRetries, retrySeconds } from './hint.ts';
import type { Hint, HintQueue, HintWork } from './hint.ts';

/** Options of the hints of one process. */
export interface LocalHintsOptions extends HintWork {
  /** Stops the reads. */
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that is never set. */
  readonly now?: () => number;
}

/** Hints in memory. */
export interface LocalHints extends HintQueue {
  /** Reads the projects that are due. Resolves when they are read. Never rejects. */
  readonly readDue: () => Promise<void>;
  /** Waits for the reads under way. */
  readonly ended: () => Promise<void>;
}

interface Waiting {
  readonly hint: Hint;
  readonly dueAt: number;
  readonly tries: number;
}

const keyOf = ({ connectionId, projectId }: Hint) => `${connectionId} ${projectId}`;

/** Hints for the embedded database, which only one process can use. At most one waits for each project. */
export function createLocalHints({ read, metrics, signal, now = () => performance.now() }: LocalHintsOptions): LocalHints {
  const waiting = new Map<string, Waiting>();
  /** When each project was last read because of a hint, as long as that holds back its next hint. */
  const readAt = new Map<string, number>();
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });

  const readGroup = async (group: readonly Waiting[]) => {
    const connectionId = group[0]?.hint.connectionId ?? 0;
    const end = signal.aborted ? 'failed' : await read({ connectionId, projectIds: group.map(({ hint }) => hint.projectId), signal });
    for (const { hint, tries } of group) {
      const key = keyOf(hint);
      if (end === 'read') metrics.hintRead(Date.now() - hint.receivedAt);
      else if (end === 'failed') metrics.hinted('failed');
      else if (tries >= mostRetries) metrics.hinted('busy');
      else if (waiting.has(key)) metrics.hinted('joined');
      else waiting.set(key, { hint, dueAt: now() + retrySeconds * 1000, tries: tries + 1 });
    }
  };
  const readDue = async () => {
    const startedAt = now();
    for (const [key, at] of readAt) if (at + gapSeconds * 1000 <= startedAt) readAt.delete(key);
    const due = groupsOf([...waiting.values()].filter(({ dueAt }) => dueAt <= startedAt));
    // The others wait where new hints join them.
    const groups = due.slice(0, hintWorkers - running.size).map((group) => {
      for (const { hint } of group) {
        waiting.delete(keyOf(hint));
        readAt.set(keyOf(hint), startedAt);
      }
      const reading: Promise<void> = readGroup(group).finally(() => {
        running.delete(reading);
        schedule();
      });
      running.add(reading);
      return reading;
    });
    schedule();
    await Promise.all(groups);
  };
  const schedule = () => {
    clearTimeout(timer);
    if (waiting.size === 0 || running.size >= hintWorkers || signal.aborted) return;
    const firstAt = [...waiting.values()].reduce((first, { dueAt }) => Math.min(first, dueAt), Number.POSITIVE_INFINITY);
    timer = setTimeout(() => void readDue(), Math.max(0, firstAt - now()));
    timer.unref();
  };
  return {
    add: (hints) => {
      const fresh = hints.filter((hint) => !waiting.has(keyOf(hint)));
      for (const hint of fresh) {
        const last = readAt.get(keyOf(hint));
        waiting.set(keyOf(hint), { hint, dueAt: last === undefined ? now() : last + gapSeconds * 1000, tries: 0 });
      }
      schedule();
      return Promise.resolve(hints.length - fresh.length);
    },
    readDue,
    ended: async () => {
      await Promise.allSettled(running);
    },
  };
}
