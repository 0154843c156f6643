import { UnreachableError } from '../../errors.ts';
import type { Fetch, FetchInit } from './fetch.ts';
import { secretIn, timeoutCode, unreachable, withoutSecret } from './unreachable.ts';

/** How long an attempt may take, in milliseconds. */
export interface Timeouts {
  /** Until the answer begins. */
  readonly responseMs: number;
  /** Until the answer has ended. */
  readonly requestMs: number;
}

/**
 * Limits the time of a request and its whole answer. Reads the body of the answer, so that a connection that is cut in the
 * middle of it fails here. Removes the token from an answer that repeats it. Throws UnreachableError; an abort of the caller's own
 * signal passes through.
 */
export function withTimeout(fetch: Fetch, { responseMs, requestMs }: Timeouts): Fetch {
  return async (url, init) => {
    const { signal } = init;
    signal?.throwIfAborted();
    const end = new AbortController();
    const stop = () => end.abort(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    const limit = (ms: number, name: string) => setTimeout(() => end.abort(timedOut(url, init, { ms, name })), ms);
    const timers = [limit(responseMs, 'RESPONSE_TIMEOUT'), limit(requestMs, 'REQUEST_TIMEOUT')];
    try {
      const response = await fetch(url, { ...init, signal: end.signal });
      clearTimeout(timers[0]);
      const { status, headers } = response;
      const body = withoutSecret(await response.text(), secretIn(init.headers));
      return new Response([204, 205, 304].includes(status) ? null : body, { status, headers: [...headers] });
    } catch (error) {
      signal?.throwIfAborted();
      if (end.signal.reason instanceof UnreachableError) throw end.signal.reason;
      throw unreachable(url, init, error);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  };
}

function timedOut(url: string, { operation }: FetchInit, { ms, name }: { readonly ms: number; readonly name: string }): UnreachableError {
  return new UnreachableError(
    `${new URL(url).origin} did not answer ${operation} within ${ms / 1000} s (${name}): it is overloaded or away, or needs more time than that`,
    { operation, systemCode: timeoutCode },
  );
}
