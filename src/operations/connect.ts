import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { insecureWarning, parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/parse-config.ts';
import type { GitlabConfig } from '../config/gitlab-config.ts';
import { ConfigurationError, DatabaseError, GitlabRequestError, LostLockError } from '../errors.ts';
import type { ErrorCode, GitlabSyncError } from '../errors.ts';
import { createGitlab } from '../gitlab/client.ts';
import type { Gitlab } from '../gitlab/client.ts';
import { createHostStates } from '../gitlab/limits/host-state.ts';
import type { HostStates } from '../gitlab/limits/host-state.ts';
import { openNetwork } from '../gitlab/http/network.ts';
import { fixedToken } from '../gitlab/http/token-source.ts';
import type { TokenSource } from '../gitlab/http/token-source.ts';
import type { GitlabAnswer } from '../gitlab/http/with-answers.ts';
import { unknownKeys } from '../config/unknown-keys.ts';
import { silentLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { withLinkedAbort } from './linked-abort.ts';
import { createStore } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { openTokenFile } from '../gitlab/http/token-source.ts';
import { version } from '../version.ts';

/**
 * What a host application may pass beside its configuration.
 *
 * @example
 * await syncGitlab(em, config, 1, { logger: pino(), signal: AbortSignal.timeout(600_000) });
 */
export interface ConnectOptions {
  /** Stops the work between two pages. Stored pages stay stored. */
  readonly signal?: AbortSignal;
  /**
   * Where the package logs. A pino logger fits.
   * @default silent
   */
  readonly logger?: Logger;
  /**
   * Sends the requests. The settings of proxies, certificates and CONNECT_TIMEOUT do not apply to it.
   * @default the global fetch
   */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * The budgets of requests to share, one for each GitLab. Made by `createHostStates`.
   * @default one set of budgets for everything in the process
   */
  readonly hostStates?: HostStates;
  /** Called after every request, retries included, with its result: for metrics. Must not throw. */
  readonly onAnswer?: (answer: GitlabAnswer) => void;
}

/** GitLab's limits apply to all its clients together, so every connection of the process shares one state for each GitLab. Decision 12. */
const hostStatesOfProcess = createHostStates();

/** Why something could not run. */
export interface SyncFailure {
  /** One line for a person, without secrets. */
  readonly error: string;
  /**
   * `configuration`: a setting is wrong; `gitlab`: GitLab is unreachable or refuses; `database`: the database refuses;
   * `aborted`: the signal aborted; `busy`: another pass over the connection is running, or has taken over.
   */
  readonly code: 'configuration' | 'gitlab' | 'database' | 'aborted' | 'busy';
  /** The error that caused the failure, where there is one. Its class says more than the code, such as UnauthorizedError. */
  readonly cause?: GitlabSyncError;
  /** The code of `cause`, such as `gitlab_unauthorized`. */
  readonly errorCode?: ErrorCode;
}

/** The database, configuration and options of one call. */
export interface ConnectInput<O extends ConnectOptions> {
  readonly em: SqlEntityManager;
  readonly config: GitlabConfig;
  readonly connectionId: number;
  readonly options: O;
}

/** A GitLab client and its configuration. */
export interface GitlabSession {
  readonly config: Config;
  readonly gitlab: Gitlab;
  readonly log: Logger;
}

/** A GitLab client and the store of one connection. */
export interface GitlabAndStore extends GitlabSession {
  readonly store: Store;
  /** Aborts when the signal of the options aborts, or when the store loses a lock. */
  readonly signal: AbortSignal;
}

/** Runs an action on a GitLab and a store. Returns failures that a user can fix as values; throws bugs of this package. */
export async function withGitlabAndStore<T, O extends ConnectOptions>(
  { em, config: input, connectionId, options }: ConnectInput<O>,
  action: (ends: GitlabAndStore) => Promise<T>,
): Promise<T | SyncFailure> {
  const lost = new AbortController();
  const signals = options.signal ? [options.signal, lost.signal] : [lost.signal];
  return withLinkedAbort(signals, (signal) =>
    withGitlabSession({ config: input, options: { ...options, signal } }, async (end) => {
      const store = await createStore(em, connectionId, { onLockLost: (error) => lost.abort(error) });
      return action({ ...end, store, signal });
    }),
  );
}

/** Runs an action on a GitLab alone. Returns and throws as `withGitlabAndStore` does. */
export async function withGitlabSession<T, O extends ConnectOptions>(
  { config: input, options }: Pick<ConnectInput<O>, 'config' | 'options'>,
  action: (end: GitlabSession) => Promise<T>,
): Promise<T | SyncFailure> {
  const { signal, logger: log = silentLogger } = options;
  try {
    const config = parseConfig(input);
    for (const unknown of unknownKeys(input)) log.warn({ ...unknown }, 'configuration has a key that is not a setting');
    if (!config.token && !config.tokenFile) return { error: 'No GitLab token configured', code: 'configuration' };
    return await withGitlab(config, options, (gitlab) => action({ config, gitlab, log }));
  } catch (error) {
    return failureOf(error, signal);
  }
}

/** Runs an action with a GitLab client, and closes its connections afterwards. Throws ConfigurationError when a configured file cannot be used. */
export async function withGitlab<T>(config: Config, options: ConnectOptions, action: (gitlab: Gitlab) => Promise<T>): Promise<T> {
  const { signal, fetch, onAnswer, logger: log = silentLogger, hostStates = hostStatesOfProcess } = options;
  const token = config.token || config.tokenFile ? await tokenOf(config) : null;
  const network = fetch ? undefined : await openNetwork({ ...config, connectTimeoutMs: config.connectTimeout * 1000 });
  try {
    if (network && config.insecureTls) log.warn({ url: config.url }, insecureWarning);
    const gitlab = createGitlab({
      url: config.url,
      token,
      userAgent: `painchain-gitlab-connector/${version}`,
      concurrency: config.concurrency,
      maxRequestsPerMinute: config.maxRequestsPerMinute,
      timeoutMs: config.requestTimeout * 1000,
      responseTimeoutMs: config.responseTimeout * 1000,
      retry: { attempts: config.maxAttempts },
      log,
      signal,
      fetch: fetch ?? network?.fetch,
      host: hostStates.at(config.url),
      onAnswer,
    });
    return await action(gitlab);
  } finally {
    await network?.close();
  }
}

/** The configured token, or the token in the configured file. Throws ConfigurationError when the file cannot be used. */
export const tokenOf = async ({ token, tokenFile }: Pick<Config, 'token' | 'tokenFile'>): Promise<TokenSource> =>
  tokenFile ? openTokenFile(tokenFile) : fixedToken(token ?? '');

const causedBy = (cause: GitlabSyncError) => ({ cause, errorCode: cause.code });

function failureOf(error: unknown, signal: AbortSignal | undefined): SyncFailure {
  const lost = [signal?.reason, error].find((reason) => reason instanceof LostLockError);
  if (lost) return { error: `Stopped: ${lost.message}`, code: lost.isSuperseded ? 'busy' : 'database', ...causedBy(lost) };
  if (signal?.aborted) return { error: 'Stopped before the end', code: 'aborted' };
  if (error instanceof ConfigurationError)
    return { error: `Invalid configuration: ${error.message}`, code: 'configuration', ...causedBy(error) };
  if (error instanceof GitlabRequestError)
    return { error: `Failed to connect to GitLab: ${error.message}`, code: 'gitlab', ...causedBy(error) };
  if (error instanceof DatabaseError) return { error: `Failed to store: ${error.message}`, code: 'database', ...causedBy(error) };
  throw error;
}
