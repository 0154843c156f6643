import { UnauthorizedError } from '../../errors.ts';
import type { TokenSource } from './token-source.ts';
import type { Fetch } from './fetch.ts';

/**
 * Sends the token with every request. After a 401 the token is looked for again: the request is sent once more with
 * another one, and so are all that come later. When there is none, `end` is told, once, what all others are to fail with.
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

  /** Of several that find out at once, all fail with what the first one found. */
  function endWith(reason: unknown, signal: AbortSignal | undefined): never {
    end(reason);
    signal?.throwIfAborted();
    throw reason;
  }
}
