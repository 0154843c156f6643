import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Config } from '../config/parse-config.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { prune } from '../operations/prune.ts';
import { nap } from './retry-until.ts';

/** What `enforceRetention` works with. */
export interface RetentionOptions {
  readonly config: Pick<Config, 'retention' | 'retentionEvents'>;
  readonly em: SqlEntityManager;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Deletes at once, and then once a day, what is older than RETENTION. Ends when the signal aborts. Never rejects. */
export async function enforceRetention({ config, em, log, signal }: RetentionOptions): Promise<void> {
  const { retention, retentionEvents: events } = config;
  if (retention === undefined) return;
  while (!signal.aborted) {
    const before = new Date(Date.now() - Number.parseInt(retention) * dayMs);
    try {
      const deleted = await prune(em, { before, events, signal });
      if (Object.values(deleted).some((count) => count > 0)) log.info({ before, ...deleted }, 'old history deleted');
      await nap(dayMs, signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'old history could not be deleted; trying again in an hour');
      await nap(hourMs, signal);
    }
  }
}
