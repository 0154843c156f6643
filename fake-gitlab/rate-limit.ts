/** How a GitLab limits the rate of requests. */
export interface RateLimitOptions {
  /** How many requests a window allows. */
  readonly requests: number;
  /** Length of a window. Windows begin at multiples of this length. */
  readonly periodMs?: number;
  /**
   * Headers of a refusal: `all` = those of Rack::Attack, `retry-after` = only this header, `none` = none, as the limits of
   * single endpoints send, and proxies that drop headers.
   */
  readonly headers: 'all' | 'retry-after' | 'none';
  /** Whether other answers have `RateLimit-*` headers too. On gitlab.com most have; elsewhere a feature flag decides. Default: false. */
  readonly isAnnounced?: boolean;
  /** Milliseconds since 1970, or since any other moment. */
  readonly now: () => number;
}

/** A rate limit with its count. */
export interface RateLimit {
  /** Counts a request. Returns the refusal, or undefined while the window allows the request. A refused request counts too. */
  readonly refusal: () => Response | undefined;
  /** The headers of an answer within the limit. */
  readonly announcement: () => Readonly<Record<string, string>>;
  readonly counts: { readonly allowed: number; readonly refused: number };
}

/** Creates a limit with a count of 0. https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/ */
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
