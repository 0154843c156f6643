import { UnauthorizedError } from '../../errors.ts';
import type { TokenSource } from './token-source.ts';
import type { Fetch } from './fetch.ts';

/**
 * Sends the token with every request. After a 401 it looks for a new token, and sends the request and all later ones with
 * that. When there is no new token, `end` is called once with the error with which all other requests fail.
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
