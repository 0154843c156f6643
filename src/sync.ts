import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { parseConfig } from './config.ts';
import type { Config } from './config.ts';
import { ConfigurationError, DatabaseError, GitlabRequestError } from './errors.ts';
import { createGitlab } from './gitlab/client.ts';
import { silentLogger } from './log.ts';
import type { Logger } from './log.ts';
import type { SyncReport } from './pass/report.ts';
import type { SyncProgress } from './pass/run.ts';
import { runPass } from './pass/run-pass.ts';
import { createStore } from './store/store.ts';
import { version } from './version.ts';

/** What a host may hand to a pass beside its configuration. Everything is optional. */
export interface SyncOptions {
  /** Ends the pass between two pages; what is stored stays stored. */
  readonly signal?: AbortSignal;
  /** Called whenever a figure has moved. */
  readonly onProgress?: (progress: SyncProgress) => void;
  /** Default: silent. A pino logger fits. */
  readonly logger?: Logger;
  /** In place of the global fetch. */
  readonly fetch?: typeof globalThis.fetch;
  /** Read again at once what may change without a trace, which else happens every `reconcileInterval`. Default: false. */
  readonly reconcile?: boolean;
  /** Read what is known already down to this moment as well; a pass that is stopped goes on with it in the next one. */
  readonly deepenTo?: Date;
}

/** Why a pass could not run. */
export interface SyncFailure {
  /** One line for a person, without secrets. */
  readonly error: string;
  /** `configuration`: a setting is wrong; `gitlab`: unreachable, or it refuses; `database`: it refuses; `aborted`: by the signal; `busy`: another pass over the connection runs. */
  readonly code: 'configuration' | 'gitlab' | 'database' | 'aborted' | 'busy';
}

/**
 * Reads what changed in a GitLab into the host's database: one pass.
 *
 * `em` is a MikroORM EntityManager on PostgreSQL or PGlite whose database has this package's tables (`migrations`); it
 * is forked, never flushed. `config` takes the settings of the README in camelCase or snake_case. Events are stored
 * under `connectionId`, a row of `connections`. Repeating a pass is safe and writes only what differs.
 *
 * Resolves to the report, or to `{ error }` when the pass could not run; what could not be read is in `problems`.
 * Writes nothing to the console. Rejects only for mistakes of this package's own.
 */
export async function syncGitlab(
  em: SqlEntityManager,
  config: Readonly<Record<string, unknown>>,
  connectionId: number,
  options: SyncOptions = {},
): Promise<SyncReport | SyncFailure> {
  try {
    const parsed = parseConfig(config);
    if (!parsed.token) return { error: 'No GitLab token configured', code: 'configuration' };
    return await runWith({ em, config: { ...parsed, token: parsed.token }, connectionId, options });
  } catch (error) {
    return failureOf(error, options.signal);
  }
}

interface Setup {
  readonly em: SqlEntityManager;
  readonly config: Config & { readonly token: string };
  readonly connectionId: number;
  readonly options: SyncOptions;
}

async function runWith({ em, config, connectionId, options }: Setup): Promise<SyncReport | SyncFailure> {
  const { signal, onProgress, fetch, logger: log = silentLogger, reconcile, deepenTo } = options;
  const store = await createStore(em, connectionId);
  const gitlab = createGitlab({
    url: config.url,
    token: config.token,
    userAgent: `painchain-gitlab-connector/${version}`,
    concurrency: config.concurrency,
    timeoutMs: config.requestTimeout * 1000,
    log,
    signal,
    fetch,
  });
  const report = await runPass({ config, gitlab, store, log, signal, onProgress, reconcile, deepenTo, now: () => new Date() });
  return report ?? { error: `Another pass over connection ${connectionId} runs already: this one has stepped aside`, code: 'busy' };
}

function failureOf(error: unknown, signal: AbortSignal | undefined): SyncFailure {
  if (signal?.aborted) return { error: 'Stopped before the end', code: 'aborted' };
  if (error instanceof ConfigurationError) return { error: `Invalid configuration: ${error.message}`, code: 'configuration' };
  if (error instanceof GitlabRequestError) return { error: `Failed to connect to GitLab: ${error.message}`, code: 'gitlab' };
  if (error instanceof DatabaseError) return { error: `Failed to store: ${error.message}`, code: 'database' };
  throw error;
}
