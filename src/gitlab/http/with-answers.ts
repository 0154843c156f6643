import type { Fetch } from './fetch.ts';

/** How one request ended, for metrics. Holds nothing that was sent or received. */
export interface GitlabAnswer {
  /** The base URL's host, with its port. */
  readonly host: string;
  /** A GraphQL operation's name, or a method and a path, such as `GET projects/7/repository/commits`. */
  readonly operation: string;
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  /** Milliseconds until the whole answer had arrived. */
  readonly durationMs: number;
  /** Whether this is a retry of a request that failed. */
  readonly isRetry: boolean;
  /** GitLab's `RateLimit-Limit` and `RateLimit-Remaining`; null where it does not send them. */
  readonly rateLimit: { readonly limit: number; readonly remaining: number } | null;
}

/** Reports how every request ended. Wraps one attempt. */
export function withAnswers(fetch: Fetch, onAnswer: (answer: GitlabAnswer) => void): Fetch {
  return async (url, init) => {
    const isRetry = (init.attempt ?? 1) > 1;
    const startedAt = performance.now();
    const tell = (response: Response | null) =>
      onAnswer({
        host: new URL(url).host,
        operation: init.operation,
        status: response?.status ?? null,
        durationMs: performance.now() - startedAt,
        isRetry,
        rateLimit: response && rateLimitOf(response.headers),
      });
    try {
      const response = await fetch(url, init);
      tell(response);
      return response;
    } catch (error) {
      tell(null);
      throw error;
    }
  };
}

function rateLimitOf(headers: Headers): GitlabAnswer['rateLimit'] {
  const [limit, remaining] = ['ratelimit-limit', 'ratelimit-remaining'].map((name) => Number.parseInt(headers.get(name) ?? '', 10));
  if (limit === undefined || remaining === undefined || Number.isNaN(limit) || Number.isNaN(remaining)) return null;
  return { limit, remaining };
}
