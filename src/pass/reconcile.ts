import pLimit from 'p-limit';
import { batchSizes } from '../gitlab/batch.ts';
import type { EventProject } from '../events/event-project.ts';
import type { KnownProject } from '../store/store.ts';
import { problemOf } from './settle.ts';
import { readByIds } from './read-by-ids.ts';
import { chunks, everyOne } from './pass-state.ts';
import type { PassState } from './pass-state.ts';
import { withoutKnownRows } from './known-rows.ts';
import { syncProject } from './sync-project.ts';

/** A project that is due, and GitLab's clock when its changes were read. */
export interface Due {
  readonly project: EventProject;
  readonly at: Date;
}

/** Pipelines that changed within this time are read again. */
const recentPipelinesMs = 24 * 60 * 60_000;

/** So that projects are due at different moments, each is due early by up to this part of the interval. */
const spread = 0.25;

/** Whether a project is due to be reconciled. */
export function isDue({ config, reconcile: isAsked }: Pick<PassState, 'config' | 'reconcile'>, project: KnownProject, at: Date): boolean {
  const early = (project.id % 100) / 100;
  const intervalMs = config.reconcileInterval * 1000 * (1 - spread * early);
  return isAsked === true || at.getTime() - project.reconciledAt.getTime() >= intervalMs;
}

/** Reads again what may have changed without a trace. A project of which something cannot be read stays due. */
export async function reconcile(pass: PassState, due: readonly Due[]): Promise<void> {
  const limit = pLimit(pass.config.concurrency);
  await everyOne(chunks(due, batchSizes.reconcile.projects).map((some) => limit(() => reconcileBatch(pass, some))));
}

/** Pipelines that changed from this moment on are read again. */
export const recentPipelinesSince = ({ reconcileInterval }: Pick<PassState['config'], 'reconcileInterval'>, at: Date): Date =>
  new Date(at.getTime() - Math.max(recentPipelinesMs, 2 * reconcileInterval * 1000));

async function reconcileBatch(pass: PassState, due: readonly Due[]): Promise<void> {
  const { store, tally, config } = pass;
  const byId = new Map(due.map(({ project }) => [project.id, project]));
  const ids = [...byId.keys()];
  const earliest = Math.min(...due.map(({ at }) => at.getTime()));
  const ask = { kind: 'reconcile' as const, pipelinesSince: recentPipelinesSince(config, new Date(earliest)) };
  for await (const answer of readByIds(pass, { ids, ask })) {
    if ('failed' in answer) {
      const named = answer.failed.flatMap((id) => byId.get(id)?.fullPath ?? []);
      for (const fullPath of named) tally.addProblem({ project: fullPath, ...problemOf(answer.end) });
      continue;
    }
    const { projects, at, startedAt } = answer.batch;
    const whole = await everyOne(
      projects.map(async (batch) => {
        const project = byId.get(batch.id);
        if (!project) return [];
        const work = { project, batch, at, startedAt };
        return (await syncProject(pass, { ...work, batch: await withoutKnownRows(pass, work) })) ? [project.id] : [];
      }),
    );
    if (whole.flat().length > 0) await store.markReconciled(whole.flat(), at);
  }
}
