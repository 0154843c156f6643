import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { readSelected } from '../../store/progress/read-selected.ts';
import type { HintQueue } from './hint.ts';
import type { HookMetrics } from './hook-metrics.ts';
import { createJoining } from './join-hooks.ts';
import { createReceiver } from './receive-hook.ts';
import type { ReceiveHook } from './receive-hook.ts';

/** Where hints go once the poller has started. */
export interface HintTarget {
  readonly em: SqlEntityManager;
  readonly queue: HintQueue;
  /** The connections that can be read now. */
  readonly connectionIds: readonly number[];
}

/** Options of the hooks of a poller. */
export interface HooksOptions {
  readonly token: string;
  readonly metrics: HookMetrics;
  readonly log: Logger;
  /** Rejects while the poller starts, and when the database fails. */
  readonly target: () => Promise<HintTarget>;
}

/** The hooks of a poller: from a request to hints in a queue. */
export interface Hooks {
  readonly receive: ReceiveHook;
  /** Queues what was received. Never rejects. */
  readonly flush: () => Promise<void>;
}

/** Hooks of which none has arrived. A hint that is dropped costs nothing but time: the next pass reads its project. */
export function createHooks({ token, metrics, log, target }: HooksOptions): Hooks {
  const passOn = async (projects: ReadonlyMap<number, number>) => {
    try {
      const { em, queue, connectionIds } = await target();
      const selected = await readSelected(em, { connectionIds, projectIds: [...projects.keys()] });
      const known = new Set(selected.map(({ projectId }) => projectId));
      metrics.hinted('unknown', projects.size - known.size);
      const hints = selected.map((project) => ({ ...project, receivedAt: projects.get(project.projectId) ?? Date.now() }));
      if (hints.length > 0) metrics.hinted('joined', await queue.add(hints));
    } catch (error) {
      metrics.hinted('failed', projects.size);
      log.debug({ projects: projects.size, error: messageOf(error) }, 'hooks dropped');
    }
  };
  const joining = createJoining({ passOn, metrics });
  return { receive: createReceiver({ token, metrics, onProject: joining.add }), flush: joining.flush };
}
