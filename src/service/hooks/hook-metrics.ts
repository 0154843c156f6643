import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** What became of a hook that arrived. `no_project`: it concerns no project, as system hooks about users. */
export type HookResult = 'accepted' | 'no_project' | 'unauthorized' | 'invalid' | 'too_large';

/**
 * What became of a hint. `joined`: a hint for the same project waited already. The others were dropped, and the next pass reads
 * the project, if it is to be read: `unknown`: no connection reads the project; `too_many`: too many projects waited; `busy`: passes ran
 * for too long; `failed`: GitLab or the database could not be read.
 */
export type HintResult = 'read' | 'joined' | 'unknown' | 'too_many' | 'busy' | 'failed';

/** The counters of hooks. */
export interface HookMetrics {
  readonly hooked: (result: HookResult) => void;
  readonly hinted: (result: HintResult, count?: number) => void;
  /** A hint was read: milliseconds from the receipt of its hook until the rows were stored. */
  readonly hintRead: (durationMs: number) => void;
}

const buckets = [0.5, 1, 2, 3, 5, 10, 20, 30, 60, 300, 600];
const hookResults: readonly HookResult[] = ['accepted', 'no_project', 'unauthorized', 'invalid', 'too_large'];
const hintResults: readonly HintResult[] = ['read', 'joined', 'unknown', 'too_many', 'busy', 'failed'];

/** The counters of hooks, at zero. */
export function createHookMetrics(registry: Registry): HookMetrics {
  const registers = [registry];
  const hooks = new Counter({
    name: 'gitlab_connector_hooks_total',
    help: 'Hooks that GitLab, or somebody else, has sent.',
    labelNames: ['result'],
    registers,
  });
  const hints = new Counter({
    name: 'gitlab_connector_hints_total',
    help: 'What became of the projects that accepted hooks named.',
    labelNames: ['result'],
    registers,
  });
  const durations = new Histogram({
    name: 'gitlab_connector_hint_duration_seconds',
    help: 'Time from the receipt of a hook until what its project has is stored.',
    buckets,
    registers,
  });
  // A series from the start: a rate needs it.
  for (const result of hookResults) hooks.inc({ result }, 0);
  for (const result of hintResults) hints.inc({ result }, 0);
  return {
    hooked: (result) => hooks.inc({ result }),
    hinted: (result, count = 1) => hints.inc({ result }, count),
    hintRead: (durationMs) => {
      hints.inc({ result: 'read' });
      durations.observe(Math.max(0, durationMs) / 1000);
    },
  };
}
