import { UnauthorizedError } from '../../errors.ts';
import type { TokenSource } from './token-source.ts';
import type { Fetch } from './fetch.ts';

/**
 * Sends the token with every request. After a 401, looks for a new token, and sends this request and all later requests with
 * the new token. When there is no new token, calls `end` with the error with which all other requests then fail.
 */
export function withToken(fetch: Fetch, tokens: TokenSource, end: (reason: unknown) => void): Fetch {
  return async (url, init) => {
    for (let used = tokens.current(), isAgain = false; ; isAgain = true) {
      try {
        return await fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${used}` } });
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error;
        const next = isAgain ? used : await tokens.renew(used).catch((failure: unknown) => endWith(failure, init.signal));
        if (next === used) endWith(error, init.signal);
        used = next;
      }
    }
  };

  /** When several requests are refused at once, all fail with the error of the first one. */
  function endWith(reason: unknown, signal: AbortSignal | undefined): never {
    end(reason);
    signal?.throwIfAborted();
    throw reason;
  }
}
