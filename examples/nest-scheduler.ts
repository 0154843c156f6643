// A scheduler as a provider of NestJS, with the names that Nest calls. Nothing is imported from Nest here: in your
// application it is `@Injectable()`, and `em` and `logger` come from MikroOrmModule and from Nest.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConnectionEntity, syncGitlab } from '@painchain/gitlab-connector';
import type { Logger } from '@painchain/gitlab-connector';

/** The part of Nest's LoggerService that is used. */
export interface NestLogger {
  log(message: unknown, ...context: unknown[]): void;
  warn(message: unknown, ...context: unknown[]): void;
  error(message: unknown, ...context: unknown[]): void;
  debug?(message: unknown, ...context: unknown[]): void;
}

/** Syncs every enabled GitLab connection when the application has started, and then every `intervalMs`, until it shuts down. */
export class GitlabSyncScheduler {
  readonly #em: SqlEntityManager;
  readonly #logger: NestLogger;
  readonly #intervalMs: number;
  readonly #stop = new AbortController();
  #passes: Promise<void> = Promise.resolve();

  constructor(em: SqlEntityManager, logger: NestLogger, intervalMs = 300_000) {
    this.#em = em;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  /** Called by Nest. Does not wait for the first pass. */
  onApplicationBootstrap(): void {
    this.#passes = this.#run();
  }

  /** Called by Nest when shutdown hooks are enabled. Stored pages stay stored, and the next pass continues from there. */
  async onApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#passes;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#syncAll(signal).catch((error: unknown) => this.#logger.error('GitLab sync failed', error));
      await sleep(this.#intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  async #syncAll(signal: AbortSignal): Promise<void> {
    for (const { id, name, config } of await this.#em.fork().find(ConnectionEntity, { type: 'gitlab', enabled: true })) {
      if (signal.aborted) return;
      const result = await syncGitlab(this.#em, config ?? {}, id, { signal, logger: connectorLogger(this.#logger) });
      if ('error' in result) this.#logger.warn(`${name}: ${result.error}`);
      else this.#logger.log(`${name}: fetched ${result.fetched}, stored ${result.stored}, ${result.problems.length} problems`);
    }
  }
}

/** The connector logs fields first, as pino does; Nest takes the sentence first. */
function connectorLogger(nest: NestLogger): Logger {
  return {
    debug: (fields, message) => nest.debug?.(message, fields),
    info: (fields, message) => nest.log(message, fields),
    warn: (fields, message) => nest.warn(message, fields),
    error: (fields, message) => nest.error(message, fields),
  };
}
