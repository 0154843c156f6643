import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError, GitlabSyncError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** Milliseconds to wait after a number of failures in a row: 1, 2, 4 … 15 s. */
export const retryDelayMs = (failures: number): number => Math.min(1_000 * 2 ** (failures - 1), 15_000);

/** Sleeps until the time is over or the signal aborts. Never rejects. */
export async function nap(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

/** Logs a failure once for each new reason, and the recovery. */
export interface FailureLog {
  readonly failed: (error: GitlabSyncError) => void;
  readonly recovered: () => void;
  /** The last reason. Null after a success. */
  readonly now: () => string | null;
  /** Failures since the last success. */
  readonly count: () => number;
}

/** A failure log without a failure. */
export function createFailureLog(log: Logger): FailureLog {
  let [reason, count]: [string | null, number] = [null, 0];
  return {
    failed: (error) => {
      const message = messageOf(error);
      if (message === reason) log.debug({ error: message, errorCode: error.code }, 'failed again; still retrying');
      else log.error({ error: message, errorCode: error.code, ...stackOf(error) }, 'retrying after a failure');
      [reason, count] = [message, count + 1];
    },
    recovered: () => {
      if (reason !== null) log.info({ error: reason, attempts: count }, 'recovered');
      [reason, count] = [null, 0];
    },
    now: () => reason,
    count: () => count,
  };
}

/** Any error as a GitlabSyncError, because the service retries after every error. */
export const syncErrorOf = (error: unknown): GitlabSyncError =>
  error instanceof GitlabSyncError ? error : new GitlabSyncError(messageOf(error), { cause: error });

/** The stack of an unexpected error (a bug). Nothing for errors that this program throws itself. */
const stackOf = ({ cause, name }: GitlabSyncError) => (name === 'GitlabSyncError' && cause instanceof Error ? { stack: cause.stack } : {});

/** What `retryUntil` retries. */
export interface RetryOptions<T> {
  readonly action: () => Promise<T>;
  readonly failureLog: FailureLog;
  readonly signal: AbortSignal;
}

/**
 * Retries an action until it succeeds: the database may start later than this process. Resolves to null when the signal
 * aborts. Rejects with ConfigurationError, which no retry fixes, and with unexpected errors (bugs).
 */
export async function retryUntil<T>({ action, failureLog, signal }: RetryOptions<T>): Promise<T | null> {
  while (!signal.aborted) {
    try {
      const result = await action();
      failureLog.recovered();
      return result;
    } catch (error) {
      if (error instanceof ConfigurationError || !(error instanceof GitlabSyncError)) throw error;
      failureLog.failed(error);
      await nap(retryDelayMs(failureLog.count()), signal);
    }
  }
  return null;
}

/** The result of an action. Rejects with the error of `tooLate` when the action takes longer than `ms`. */
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

/** A pause that `now` ends early. */
export function createWake() {
  let current = new AbortController();
  return {
    now: () => current.abort(),
    orAfter: async (ms: number, signal: AbortSignal) => {
      const stop = () => current.abort();
      signal.addEventListener('abort', stop, { once: true });
      if (!signal.aborted) await nap(ms, current.signal);
      signal.removeEventListener('abort', stop);
      current = new AbortController();
    },
  };
}
