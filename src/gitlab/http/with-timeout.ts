import { ResponseTooLargeError, UnreachableError } from '../../errors.ts';
import type { Fetch, FetchInit } from './fetch.ts';
import { readBody } from './read-body.ts';
import { TextResponse } from './text-response.ts';
import { timeoutCode, tokenRedactor, unreachable } from './unreachable.ts';

/** How long an attempt may take, in milliseconds. */
export interface Timeouts {
  /** The longest time until the answer begins. */
  readonly responseMs: number;
  /** The longest time until the answer has ended. */
  readonly requestMs: number;
}

const megabyte = 1_000_000;
/** The most bytes of an answer that are read, unpacked. GitLab's largest answer is a page of 20 rows with texts of 1 MB. */
const answerLimitBytes = 50 * megabyte;
/** The most bytes of an error's text that are read. */
const errorLimitBytes = 64 * 1024;
/** Replaces an error's text that is longer: the status is enough. */
const longErrorBody = JSON.stringify({ message: `the error text has more than ${errorLimitBytes / 1024} KB, and was not read` });

/**
 * Limits the time of a request and the size of its answer. Reads the whole body, so that a connection that is cut in the
 * middle of an answer fails here. Removes the token from the headers and the body of an answer. Throws UnreachableError and
 * ResponseTooLargeError, and the reason of the caller's signal when that signal aborts.
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
      const { bytes, isWhole } = await readBody(response, response.ok ? answerLimitBytes : errorLimitBytes, end.signal);
      if (!isWhole && response.ok) throw tooLarge(url, init, status);
      const redact = tokenRedactor(init.headers);
      const body = isWhole ? redact(new TextDecoder().decode(bytes)) : longErrorBody;
      return new TextResponse(body, {
        status,
        headers: [...headers].map(([name, value]) => [name, redact(value)]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (end.signal.reason instanceof UnreachableError) throw end.signal.reason;
      if (error instanceof ResponseTooLargeError) throw error;
      throw unreachable(url, init, error);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  };
}

function tooLarge(url: string, { operation }: FetchInit, status: number): ResponseTooLargeError {
  return new ResponseTooLargeError(
    `${new URL(url).origin} answered ${operation} with more than ${answerLimitBytes / megabyte} MB (unpacked), which was not read: check that the URL is the URL of a GitLab, and that no proxy changes its answers`,
    { operation, status, limitBytes: answerLimitBytes },
  );
}

function timedOut(url: string, { operation }: FetchInit, { ms, name }: { readonly ms: number; readonly name: string }): UnreachableError {
  return new UnreachableError(
    `${new URL(url).origin} did not answer ${operation} within ${ms / 1000} s (${name}): it is overloaded or down, or needs a longer timeout`,
    { operation, systemCode: timeoutCode },
  );
}
