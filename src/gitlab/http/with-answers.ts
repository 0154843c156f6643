import type { Fetch } from './fetch.ts';

/** The result of one request, for metrics. Contains no text of the request or the answer. */
export interface GitlabAnswer {
  /** The base URL's host, with its port. */
  readonly host: string;
  /** A GraphQL operation's name, or a method and a path, such as `GET projects/7/repository/commits`. */
  readonly operation: string;
  /** HTTP status; null when no answer arrived. */
  readonly status: number | null;
  /** Milliseconds until the complete answer had arrived. */
  readonly durationMs: number;
  /** Whether this is a retry of a request that failed. */
  readonly isRetry: boolean;
  /** GitLab's `RateLimit-Limit` and `RateLimit-Remaining`; null when GitLab does not send them. */
  readonly rateLimit: { readonly limit: number; readonly remaining: number } | null;
}

/** Reports the result of every request. Wraps one attempt. */
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
