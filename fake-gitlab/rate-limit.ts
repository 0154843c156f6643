/** How a GitLab limits the rate of requests. */
export interface RateLimitOptions {
  /** Requests that a window allows. */
  readonly requests: number;
  /** Length of a window. Windows are fixed: they begin at its multiples. */
  readonly periodMs?: number;
  /**
   * What a refusal says of the limit: `all` = what Rack::Attack sends, `retry-after` = that header alone, `none` = nothing,
   * as the limits of single endpoints, and proxies that drop headers.
   */
  readonly headers: 'all' | 'retry-after' | 'none';
  /** Whether answers that are no refusals have `RateLimit-*`, too: on gitlab.com most do, elsewhere a feature flag decides. Default: no. */
  readonly isAnnounced?: boolean;
  /** Milliseconds since 1970, or since any other moment. */
  readonly now: () => number;
}

/** A limit, with what it has counted. */
export interface RateLimit {
  /** The refusal of one more request; undefined while the window allows it. A refused request counts, too. */
  readonly refusal: () => Response | undefined;
  /** The headers of an answer within the limit. */
  readonly announcement: () => Readonly<Record<string, string>>;
  readonly counts: { readonly allowed: number; readonly refused: number };
}

/** A limit of which nothing is used yet. https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/ */
export function createRateLimit({ requests, periodMs = 60_000, headers, isAnnounced = false, now }: RateLimitOptions): RateLimit {
  const counts = { allowed: 0, refused: 0 };
  let [window, used] = [Number.NaN, 0];
  const resetOf = (current: number) => (current + 1) * periodMs;
  const usage = () => ({
    'ratelimit-limit': String(Math.round((requests * 60_000) / periodMs)),
    'ratelimit-observed': String(used),
    'ratelimit-remaining': String(Math.max(0, requests - used)),
    'ratelimit-reset': String(Math.ceil(resetOf(window) / 1000)),
  });
  return {
    counts,
    announcement: () => (isAnnounced ? usage() : {}),
    refusal: () => {
      const current = Math.floor(now() / periodMs);
      if (current !== window) [window, used] = [current, 0];
      used++;
      if (used <= requests) {
        counts.allowed++;
        return undefined;
      }
      counts.refused++;
      const resetsAt = resetOf(current);
      const retryAfter = { 'retry-after': String(Math.ceil((resetsAt - now()) / 1000)) };
      const all = {
        date: new Date(now()).toUTCString(),
        'ratelimit-name': 'throttle_authenticated_api',
        ...usage(),
        'ratelimit-resettime': new Date(resetsAt).toUTCString(),
      };
      return new Response('Retry later\n', {
        status: 429,
        headers: {
          'content-type': 'text/plain',
          ...(headers === 'none' ? {} : retryAfter),
          ...(headers === 'all' ? all : {}),
        },
      });
    },
  };
}
