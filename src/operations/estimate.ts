import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { readCounts } from '../gitlab/counts.ts';
import { chunks, isSelected } from '../pass/pass-state.ts';
import { allFilters, isWindowCounted, pagesOf } from '../streams/counts.ts';
import { streams } from '../streams/index.ts';
import { withGitlabAndStore } from './connect.ts';
import type { ConnectOptions, GitlabSession, SyncFailure } from './connect.ts';
import type { StoredRecord } from '../store/store.ts';

/** What a backfill would read, computed from GitLab's counts and the counts of the table. */
export interface BackfillEstimate {
  readonly projects: number;
  /** Rows to read, by name of stream, such as `merge-requests`. Streams that GitLab does not count by time are absent. */
  readonly rows: Readonly<Record<string, number>>;
  /** GraphQL requests to read these rows. */
  readonly requests: number;
}

/** How many projects one request counts. */
const projectsPerRequest = 50;

/** The streams that an estimate counts. */
export const estimatedStreams = streams.filter(isWindowCounted);

/**
 * Estimates what a pass with `backfillTo` would read of the known projects. Reads counts from GitLab and from
 * the table, and writes nothing.
 *
 * Resolves to the estimate, or to `{ error, code }` when it could not run.
 *
 * @throws Only for a bug of this package: every other failure is the value `{ error, code }`.
 * @example
 * const estimate = await estimateBackfill(em, config, connectionId, { backfillTo: new Date('2026-01-01') });
 * if ('error' in estimate) throw new Error(estimate.error);
 * console.log(estimate.rows['merge-requests'], estimate.requests);
 */
export async function estimateBackfill(
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  { backfillTo, ...options }: ConnectOptions & { readonly backfillTo: Date },
): Promise<BackfillEstimate | SyncFailure> {
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends) => {
    const ids = (await ends.store.readProjects()).filter(isSelected).map(({ id }) => id);
    const missing = await missingRows(ends, ids, backfillTo);
    const sum = (of: (rows: MissingRows) => number) => missing.reduce((total, rows) => total + of(rows), 0);
    return {
      projects: ids.length,
      rows: Object.fromEntries(estimatedStreams.map(({ name }) => [name, sum(({ rows }) => rows.get(name) ?? 0)])),
      requests: sum(({ rows }) => [...rows.values()].reduce((total, count) => total + pagesOf(count), 0)),
    };
  });
}

/** How many rows of a project GitLab has and the table lacks, by name of stream. */
export interface MissingRows {
  readonly id: number;
  readonly rows: ReadonlyMap<string, number>;
}

/** How many rows of each project the table lacks from `since` on. `since` null = from the beginning. */
export async function missingRows(
  { gitlab, store, config: { branches } }: Pick<GitlabSession, 'gitlab' | 'config'> & { readonly store: Pick<StoredRecord, 'countEvents'> },
  ids: readonly number[],
  since: Date | null,
): Promise<MissingRows[]> {
  const filter = allFilters(estimatedStreams.map(({ count }) => count.since(since)));
  const missing = chunks(ids, projectsPerRequest).map(async (some) => {
    const projects = await readCounts(gitlab.graphql, { ids: some, branches, ...filter });
    return Promise.all(
      projects.map(async (counts) => {
        const rows = estimatedStreams.map(async ({ name, count }) => {
          const stored = await store.countEvents({
            projectId: counts.id,
            stream: name,
            by: count.by,
            after: since,
            before: null,
            branches,
          });
          return [name, Math.max(0, (count.rowsIn(counts) ?? 0) - stored)] as const;
        });
        return { id: counts.id, rows: new Map(await Promise.all(rows)) };
      }),
    );
  });
  return (await Promise.all(missing)).flat();
}
