import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { withGitlabAndStore } from './connect.ts';
import type { ConnectOptions, SyncFailure } from './connect.ts';
import type { SyncReport } from '../pass/report.ts';
import type { SyncProgress } from '../pass/pass-state.ts';
import { runPass } from '../pass/pass.ts';

/** What a host application may pass to a pass beside its configuration. Everything is optional. */
export interface SyncOptions extends ConnectOptions {
  /** Called each time the progress changes. */
  readonly onProgress?: (progress: SyncProgress) => void;
  /**
   * Reconcile every project now. Otherwise that happens every `reconcileInterval` seconds.
   *
   * @default false
   */
  readonly reconcile?: boolean;
  /** Also read the known projects back to this moment. When the pass is stopped, the next pass continues the backfill. */
  readonly backfillTo?: Date;
}

/**
 * Reads what changed in a GitLab into the host's database: one pass.
 *
 * `em` is a MikroORM EntityManager on PostgreSQL or PGlite whose database has this package's tables (`migrations`); it
 * is forked, never flushed. `config` takes the settings of the README in camelCase or snake_case. Events are stored
 * under `connectionId`, a row of `connections`. Repeating a pass is safe and writes only what differs.
 *
 * Resolves to the report, or to `{ error, code }` when the pass could not run. `problems` lists what could not be read.
 * Writes nothing to the console.
 *
 * @throws Only for a bug of this package: every other failure is the value `{ error, code }`.
 * @example
 * const report = await syncGitlab(em, { token, repos: ['acme/shop'] }, connectionId);
 * if ('error' in report) throw new Error(report.error);
 * console.log(report.stored, report.problems);
 */
export async function syncGitlab(
  em: SqlEntityManager,
  config: GitlabConfig,
  connectionId: number,
  options: SyncOptions = {},
): Promise<SyncReport | SyncFailure> {
  const { onProgress, reconcile, backfillTo } = options;
  return withGitlabAndStore({ em, config, connectionId, options }, async (ends): Promise<SyncReport | SyncFailure> => {
    const report = await runPass({ ...ends, onProgress, reconcile, backfillTo, now: () => new Date() });
    return report ?? { error: `Another pass over connection ${connectionId} is running: this pass read nothing`, code: 'busy' };
  });
}
