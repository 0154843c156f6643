import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from './config/gitlab-config.ts';
import { withBothEnds } from './connect.ts';
import type { Connected, ConnectOptions, SyncFailure } from './connect.ts';
import { readCounts } from './gitlab/counts.ts';
import { chunks, isSelected } from './pass/run.ts';

/** What reading back to a moment would bring, by GitLab's counts and the table's. Commits and releases have no such count. */
export interface BackfillEstimate {
  readonly projects: number;
  readonly mergeRequests: number;
  readonly pipelines: number;
  /** GraphQL requests that reading these takes. */
  readonly requests: number;
}

const projectsPerRequest = 50;
const rowsPerRequest = 100;

/** Estimates what a pass with `deepenTo` would read of the projects that are known. Changes nothing. Resolves to `{ error }` when it could not run. */
export async function estimateBackfill(
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  { deepenTo, ...options }: ConnectOptions & { readonly deepenTo: Date },
): Promise<BackfillEstimate | SyncFailure> {
  return withBothEnds({ em, config, connectionId, options }, async (ends) => {
    const ids = (await ends.store.readProjects()).filter(isSelected).map(({ id }) => id);
    const missing = await Promise.all(chunks(ids, projectsPerRequest).map((some) => missingOf(ends, some, deepenTo)));
    const counts = missing.flat();
    const sum = (of: (count: Missing) => number) => counts.reduce((total, count) => total + of(count), 0);
    return {
      projects: ids.length,
      mergeRequests: sum(({ mergeRequests }) => mergeRequests),
      pipelines: sum(({ pipelines }) => pipelines),
      requests: sum(({ mergeRequests, pipelines }) => Math.ceil(mergeRequests / rowsPerRequest) + Math.ceil(pipelines / rowsPerRequest)),
    };
  });
}

interface Missing {
  readonly mergeRequests: number;
  readonly pipelines: number;
}

async function missingOf({ gitlab, store, config: { branches } }: Connected, ids: readonly number[], since: Date): Promise<Missing[]> {
  const window = { after: since };
  const counts = await readCounts(gitlab.graphql, { ids, created: window, updated: window, branches });
  const stored = (projectId: number, stream: string, by: 'created' | 'timestamp') =>
    store.countEvents({ projectId, stream, by, after: since, before: null, branches });
  return Promise.all(
    counts.map(async ({ id, mergeRequests, pipelines }) => ({
      mergeRequests: Math.max(0, (mergeRequests ?? 0) - (await stored(id, 'merge-requests', 'created'))),
      pipelines: Math.max(0, (pipelines ?? 0) - (await stored(id, 'pipelines', 'timestamp'))),
    })),
  );
}
