import { InvalidResponseError, RateLimitedError, ServerError, UnreachableError } from '../../errors.ts';
import type { GitlabRequestError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { HostState } from '../limits/host-state.ts';
import type { Fetch } from './fetch.ts';
import { longestWaitMs } from '../limits/retry-after.ts';
import { isLasting, timeoutCode } from './unreachable.ts';

/** How failed requests are retried. */
export interface RetryOptions {
  /** Largest number of attempts, including the first. */
  readonly attempts: number;
  /** The longest wait before the second attempt, in milliseconds. Doubles with each further attempt. */
  readonly baseDelayMs: number;
}

const longestDelayMs = 60_000;

/**
 * Retries failures that may be temporary: connections that fail or are cut, timeouts, truncated answers, 429 and most 5xx.
 * Every request only reads, so a POST is retried like a GET. Throws the last error unchanged.
 */
export function withRetry(
  fetch: Fetch,
  { host, log, attempts, baseDelayMs }: RetryOptions & { readonly host: HostState; readonly log: Logger },
): Fetch {
  return async (url, init) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await fetch(url, { ...init, attempt });
      } catch (error) {
        if (init.signal?.aborted || !isTransient(error) || (init.isResizable && isForItsSize(error))) throw error;
        if (attempt >= (host.isSilent ? 1 : attempts)) {
          host.isSilent ||= error instanceof UnreachableError;
          throw error;
        }
        const delayMs = delayBefore(attempt, error, { baseDelayMs, random: host.clock.random });
        const { operation, status, code: errorCode, message: reason } = error;
        log.warn(
          { operation, attempt, delayMs, ...(status === undefined ? {} : { status }), errorCode, reason },
          'request failed; retrying',
        );
        await host.clock.sleep(delayMs, init.signal);
      }
    }
  };
}

/** The statuses from 500 to 504 that may be temporary, and Cloudflare's codes for a server that is down. */
const transientStatuses = new Set([500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): error is GitlabRequestError {
  if (error instanceof UnreachableError) return !isLasting(error.systemCode);
  if (error instanceof RateLimitedError) return (error.retryAfterMs ?? 0) <= longestWaitMs;
  if (error instanceof ServerError) return transientStatuses.has(error.status ?? 0);
  return error instanceof InvalidResponseError && error.isTruncated;
}

/** Whether a request may have failed because it asked for too much. */
export function isForItsSize(error: unknown): boolean {
  if (error instanceof UnreachableError) return error.systemCode === timeoutCode;
  if (error instanceof InvalidResponseError) return error.isTruncated;
  return error instanceof ServerError && transientStatuses.has(error.status ?? 0);
}

/**
 * Milliseconds to wait after attempt number `attempt` failed with `error`: random up to a bound that doubles, so that clients
 * that failed at the same time do not retry at the same time. 0 when GitLab limits the rate or sent `Retry-After`: the
 * request queue of the host then delays every request.
 */
export function delayBefore(
  attempt: number,
  error: unknown,
  { baseDelayMs = 500, random = Math.random }: { readonly baseDelayMs?: number; readonly random?: () => number } = {},
): number {
  if (error instanceof RateLimitedError) return 0;
  if (error instanceof ServerError && (error.retryAfterMs ?? 0) > 0) return 0;
  const bound = baseDelayMs * 2 ** (attempt - 1);
  return Math.round(random() * Math.min(bound, longestDelayMs));
}
