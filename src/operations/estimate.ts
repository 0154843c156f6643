import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { withGitlabAndStore } from './connect.ts';
import type { GitlabAndStore, ConnectOptions, SyncFailure } from './connect.ts';
import { readCounts } from '../gitlab/counts.ts';
import { chunks, isSelected } from '../pass/pass-state.ts';

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

/** Requests that so many rows of one list take, page by page. */
export const pagesOf = (rows: number): number => Math.ceil(Math.max(0, rows) / rowsPerRequest);

/** Estimates what a pass with `backfillTo` would read of the projects that are known. Changes nothing. Resolves to `{ error }` when it could not run. */
export async function estimateBackfill(
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  { backfillTo, ...options }: ConnectOptions & { readonly backfillTo: Date },
): Promise<BackfillEstimate | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends) => {
    const ids = (await ends.store.readProjects()).filter(isSelected).map(({ id }) => id);
    const counts = await missingRows(ends, ids, backfillTo);
    const sum = (of: (count: MissingRows) => number) => counts.reduce((total, count) => total + of(count), 0);
    return {
      projects: ids.length,
      mergeRequests: sum(({ mergeRequests }) => mergeRequests),
      pipelines: sum(({ pipelines }) => pipelines),
      requests: sum(({ mergeRequests, pipelines }) => pagesOf(mergeRequests) + pagesOf(pipelines)),
    };
  });
}

/** Rows of a project that GitLab has and the table has not. */
export interface MissingRows {
  readonly id: number;
  readonly mergeRequests: number;
  readonly pipelines: number;
}

/** What is missing of each project from a moment on, by GitLab's counts and the table's; null = of all time. */
export async function missingRows(
  { gitlab, store, config: { branches } }: Pick<GitlabAndStore, 'gitlab' | 'store' | 'config'>,
  ids: readonly number[],
  since: Date | null,
): Promise<MissingRows[]> {
  const window = since ? { after: since } : {};
  const stored = (projectId: number, stream: string, by: 'created' | 'timestamp') =>
    store.countEvents({ projectId, stream, by, after: since, before: null, branches });
  const missing = chunks(ids, projectsPerRequest).map(async (some) => {
    const counts = await readCounts(gitlab.graphql, { ids: some, created: window, updated: window, branches });
    return Promise.all(
      counts.map(async ({ id, mergeRequests, pipelines }) => ({
        id,
        mergeRequests: Math.max(0, (mergeRequests ?? 0) - (await stored(id, 'merge-requests', 'created'))),
        pipelines: Math.max(0, (pipelines ?? 0) - (await stored(id, 'pipelines', 'timestamp'))),
      })),
    );
  });
  return (await Promise.all(missing)).flat();
}
