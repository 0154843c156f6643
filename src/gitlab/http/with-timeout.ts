import { ResponseTooLargeError, UnreachableError } from '../../errors.ts';
import type { Fetch, FetchInit } from './fetch.ts';
import { readBody } from './read-body.ts';
import { TextResponse } from './text-response.ts';
import { timeoutCode, tokenRedactor, unreachable } from './unreachable.ts';

/** How long an attempt may take, in milliseconds. */
export interface Timeouts {
  /** Until the answer begins. */
  readonly responseMs: number;
  /** Until the answer has ended. */
  readonly requestMs: number;
}

const megabyte = 1_000_000;
/** What is read of an answer at most, unpacked. The largest that GitLab gives is a page of 20 rows with texts of 1 MB. */
const answerLimitBytes = 50 * megabyte;
/** What is read of an error's text at most. */
const errorLimitBytes = 64 * 1024;
/** In place of an error's text that is longer: the status says what matters. */
const longErrorBody = JSON.stringify({ message: `its text has more than ${errorLimitBytes / 1024} KB, and was not read` });

/**
 * Limits the time and the size of a request and its whole answer. Reads the body of the answer, so that a connection that is cut in
 * the middle of it fails here. Removes the token from an answer that repeats it, in headers and body. Throws UnreachableError and
 * ResponseTooLargeError; an abort of the caller's own signal passes through.
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
    `${new URL(url).origin} answered ${operation} with more than ${answerLimitBytes / megabyte} MB (unpacked), which was not read: check that the URL is that of a GitLab, and that no proxy changes its answers`,
    { operation, status, limitBytes: answerLimitBytes },
  );
}

function timedOut(url: string, { operation }: FetchInit, { ms, name }: { readonly ms: number; readonly name: string }): UnreachableError {
  return new UnreachableError(
    `${new URL(url).origin} did not answer ${operation} within ${ms / 1000} s (${name}): it is overloaded or away, or needs more time than that`,
    { operation, systemCode: timeoutCode },
  );
}
