import type { Logger } from '../../log.ts';
import { UnreachableError } from '../../errors.ts';
import type { Fetch, FetchInit } from './fetch.ts';

/** How failed requests are tried again. */
export interface RetryOptions {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  /** Delay before the second attempt, in milliseconds; it doubles from there. */
  readonly baseDelayMs: number;
  /** No delay is longer, in milliseconds, not even one that GitLab asks for. */
  readonly maxDelayMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * Tries again what may pass: 429, 500, 502, 503, 504 and connections that fail. Every request here only reads, so a
 * POST is repeated like a GET. The last answer or error comes back as it is.
 */
export function withRetry(fetch: Fetch, options: RetryOptions): Fetch {
  return async (url, init) => {
    for (let attempt = 1; ; attempt++) {
      const result = await outcomeOf(fetch, url, init);
      if (attempt >= options.attempts || init.signal?.aborted || !isTransient(result)) return unwrap(result);
      const delayMs = retryDelayMs({ attempt, retryAfterMs: retryAfterMs(result), ...options });
      options.log.warn({ operation: init.operation, attempt, delayMs, ...reasonOf(result) }, 'request failed, trying again');
      await options.sleep(delayMs, init.signal);
    }
  };
}

type Outcome = { readonly response: Response } | { readonly error: unknown };

const outcomeOf = (fetch: Fetch, url: string, init: FetchInit): Promise<Outcome> =>
  fetch(url, init).then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );

function unwrap(result: Outcome): Response {
  if ('error' in result) throw result.error;
  return result.response;
}

const transientStatuses = new Set([429, 500, 502, 503, 504]);
const lastingCodes = /^ENOTFOUND$|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/;

function isTransient(result: Outcome): boolean {
  if ('response' in result) return transientStatuses.has(result.response.status);
  return result.error instanceof UnreachableError && !lastingCodes.test(result.error.code ?? '');
}

function reasonOf(result: Outcome): { readonly status: number } | { readonly error: string } {
  return 'response' in result ? { status: result.response.status } : { error: String(result.error) };
}

function retryAfterMs(result: Outcome): number | undefined {
  return 'response' in result ? parseRetryAfter(result.response.headers.get('retry-after')) : undefined;
}

/** `Retry-After` in milliseconds; GitLab sends seconds. Undefined when absent or not a number. */
export function parseRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header.trim()) ? Number(header) * 1000 : undefined;
}

/** The delay before the next attempt: what GitLab asked for, else a doubling one; up to half more, so that many clients spread out. */
export function retryDelayMs(options: {
  readonly attempt: number;
  readonly retryAfterMs: number | undefined;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly random: () => number;
}): number {
  const delayMs = options.retryAfterMs ?? options.baseDelayMs * 2 ** (options.attempt - 1);
  return Math.round(Math.min(delayMs * (1 + options.random() / 2), options.maxDelayMs));
}
