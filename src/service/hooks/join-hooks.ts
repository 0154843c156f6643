import { setTimeout as sleep } from 'node:timers/promises';
import type { HookMetrics } from './hook-metrics.ts';

/** Joins the hooks of a short time, so that each project is passed on once. */
export interface Joining {
  readonly add: (projectId: number) => void;
  /** Passes on what has come. Never rejects. */
  readonly flush: () => Promise<void>;
}

/** Options of a joining. */
export interface JoiningOptions {
  /** Takes when each project was first named: milliseconds since 1970. Never rejects. */
  readonly passOn: (projects: ReadonlyMap<number, number>) => Promise<void>;
  readonly metrics: Pick<HookMetrics, 'hinted'>;
  /** Projects at most that wait. */
  readonly most?: number;
  readonly joinMs?: number;
}

/** A joining of nothing yet. */
export function createJoining({ passOn, metrics, most = 10_000, joinMs = 2_000 }: JoiningOptions): Joining {
  let waiting = new Map<number, number>();
  let timer: AbortController | null = null;
  const flush = async () => {
    timer?.abort();
    timer = null;
    const projects = waiting;
    waiting = new Map();
    if (projects.size > 0) await passOn(projects);
  };
  const start = () => {
    const started = new AbortController();
    timer = started;
    sleep(joinMs, undefined, { signal: started.signal, ref: false }).then(flush, () => {});
  };
  return {
    add: (projectId) => {
      if (waiting.has(projectId)) metrics.hinted('joined');
      else if (waiting.size >= most) metrics.hinted('too_many');
      else waiting.set(projectId, Date.now());
      if (timer === null && waiting.size > 0) start();
    },
    flush,
  };
}
