import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError, GitlabSyncError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** How long to wait after so many failures in a row, in milliseconds: 1, 2, 4 … 15 s. */
export const retryDelayMs = (failures: number): number => Math.min(1_000 * 2 ** (failures - 1), 15_000);

/** Sleeps, but no longer than until the signal aborts. Resolves either way. */
export async function nap(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Says when something fails for a new reason, and when it works again; not each time. */
export interface FailureLog {
  readonly failed: (error: GitlabSyncError) => void;
  readonly passed: () => void;
  /** What is wrong now; null when nothing is. */
  readonly now: () => string | null;
  /** Failures since it worked. */
  readonly count: () => number;
}

/** Nothing is wrong yet. */
export function createFailureLog(log: Logger): FailureLog {
  let [reason, count]: [string | null, number] = [null, 0];
  return {
    failed: (error) => {
      const message = messageOf(error);
      if (message === reason) log.debug({ error: message, errorCode: error.code }, 'still waiting');
      else log.error({ error: message, errorCode: error.code, ...stackOf(error) }, 'waiting until this is over');
      [reason, count] = [message, count + 1];
    },
    passed: () => {
      if (reason !== null) log.info({ error: reason, attempts: count }, 'this is over');
      [reason, count] = [null, 0];
    },
    now: () => reason,
    count: () => count,
  };
}

/** What goes wrong in a service may pass, whatever it is. */
export const syncErrorOf = (error: unknown): GitlabSyncError =>
  error instanceof GitlabSyncError ? error : new GitlabSyncError(messageOf(error), { cause: error });

/** Where a mistake of this program is; nothing for what was thrown on purpose. */
const stackOf = ({ cause, name }: GitlabSyncError) => (name === 'GitlabSyncError' && cause instanceof Error ? { stack: cause.stack } : {});

/** What is tried again until it succeeds. */
export interface Attempt<T> {
  readonly action: () => Promise<T>;
  readonly trouble: FailureLog;
  readonly signal: AbortSignal;
}

/**
 * Tries until it succeeds, as the database may come up later than this. Resolves to null when the signal aborts.
 * Rejects with ConfigurationError, which waiting does not mend, and with mistakes of this program.
 */
export async function retryUntil<T>({ action, trouble, signal }: Attempt<T>): Promise<T | null> {
  while (!signal.aborted) {
    try {
      const result = await action();
      trouble.passed();
      return result;
    } catch (error) {
      if (error instanceof ConfigurationError || !(error instanceof GitlabSyncError)) throw error;
      trouble.failed(error);
      await nap(retryDelayMs(trouble.count()), signal);
    }
  }
  return null;
}

/** The result of an action, unless it takes too long: then it rejects with what `tooLate` makes. */
export async function within<T>(ms: number, action: Promise<T>, tooLate: () => Error): Promise<T> {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).then(() => Promise.reject(tooLate()));
  try {
    return await Promise.race([action, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}
