import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConfigurationError } from '../errors.ts';
import { pruneEvents } from '../store/events/prune-events.ts';
import type { Pruned } from '../store/events/prune-events.ts';

/** Options of `prune`. */
export interface PruneOptions {
  /** Delete what was read before this moment. At least a day ago. */
  readonly before: Date;
  /**
   * Also delete events that have ended, with all their versions. They are not read again.
   * @default false
   */
  readonly events?: boolean | undefined;
  /** Only of this connection. Absent = of all. */
  readonly connectionId?: number | undefined;
  /** Stops after the batch in progress. */
  readonly signal?: AbortSignal | undefined;
}

const dayMs = 24 * 3_600_000;

/**
 * Deletes old history: versions that a later version of the same event follows, gaps of projects that are not read any more, and with
 * `events` whole events. Every event that stays keeps its last version. It runs in small transactions, beside passes, and may be stopped and repeated.
 * The view `gitlab_timeline` is complete from `before` on; `readCoverage` says so (`historyFrom`).
 *
 * @example
 * const { versions } = await prune(em, { before: new Date(Date.now() - 400 * 24 * 3_600_000) });
 *
 * @throws {ConfigurationError} when `before` is less than a day ago.
 * @throws {DatabaseError} when the database cannot be used.
 */
export async function prune(em: SqlEntityManager, options: PruneOptions): Promise<Pruned> {
  const { before, events = false, connectionId, signal } = options;
  if (!(before.getTime() <= Date.now() - dayMs)) throw new ConfigurationError(['what is pruned must be at least a day old (1d)']);
  return pruneEvents(em, { before, events, connectionId, signal });
}
