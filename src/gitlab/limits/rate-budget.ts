import type { Clock } from './clock.ts';
import { createLearnedRate } from './learned-rate.ts';
import { retryAfterMsOf, serverTimeOf } from './retry-after.ts';

/** The part of an answer that describes limits. */
export type LimitedAnswer = Pick<Response, 'status' | 'headers'>;

/** The rate limits of a host, as its answers describe them, and the requests that were sent. Times are milliseconds. */
export interface RateBudget {
  /** Notes an answer. `underWay`: other requests without an answer, which GitLab may not have counted yet. */
  observe(answer: LimitedAnswer, underWay: number): void;
  /** Notes a request. */
  spend(): void;
  /** How long the next request has to wait; 0 = no wait. `maxRequestsPerMinute`: 0 = no limit except GitLab's. */
  waitMs(maxRequestsPerMinute: number): number;
}

/** A span of time in which GitLab allows `total` requests. */
interface Window {
  readonly total: number;
  readonly endsAt: number;
  left: number;
}

const minuteMs = 60_000;
/** When less than this part of a window's requests is left, the rest is spread over the rest of the window. */
const scarce = 1 / 5;
/** A longer `Retry-After` is cut to an hour, because it may be a mistake, and a poller may run for years. */
const longestClosedMs = 60 * minuteMs;
/** Clients with the same time to retry are spread at random over this span, in milliseconds. */
export const spreadMs = 1000;

/** Creates a budget without known limits. */
export function createRateBudget({ now, random }: Pick<Clock, 'now' | 'random'>): RateBudget {
  const sentAt: number[] = [];
  const learned = createLearnedRate({ now, random });
  let window: Window | undefined;
  let closedUntil = Number.NEGATIVE_INFINITY;
  let pacedUntil = Number.NEGATIVE_INFINITY;

  const forget = () => {
    while (sentAt[0] !== undefined && sentAt[0] <= now() - minuteMs) sentAt.shift();
    if (window && window.endsAt <= now()) window = undefined;
  };
  const isScarce = ({ left, total }: Window) => left < total * scarce;

  return {
    observe({ status, headers }, underWay) {
      const retryAfterMs = retryAfterMsOf(headers) ?? 0;
      const described = windowOf(headers, { now: now(), underWay });
      if (retryAfterMs > 0) {
        closedUntil = Math.max(closedUntil, now() + Math.min(retryAfterMs, longestClosedMs) + random() * spreadMs);
        // `Retry-After` decides the end of this wait. `RateLimit-Reset` is ignored.
        window = described && described.left > 0 ? described : undefined;
        return;
      }
      window = described ?? window;
      const saysWhen = described !== undefined && described.left <= 0;
      if (status !== 429) learned.allowed();
      else if (!saysWhen) learned.refused(sentAt.length);
    },
    spend() {
      forget();
      sentAt.push(now());
      if (!window) return;
      window.left--;
      if (isScarce(window)) pacedUntil = now() + (window.endsAt - now()) / (Math.max(0, window.left) + 1);
    },
    waitMs(maxRequestsPerMinute) {
      forget();
      const oldest = maxRequestsPerMinute > 0 ? sentAt[sentAt.length - maxRequestsPerMinute] : undefined;
      const openAt = [closedUntil, oldest === undefined ? closedUntil : oldest + minuteMs, learned.openAt(sentAt.at(-1))];
      if (window && window.left <= 0) openAt.push(window.endsAt);
      if (window && isScarce(window)) openAt.push(pacedUntil);
      return Math.max(0, Math.max(...openAt) - now());
    },
  };
}

/**
 * The window that an answer's `RateLimit-*` headers describe. `RateLimit-Reset` and `Date` are times of the server's clock.
 * GitLab scales `RateLimit-Limit` to a minute for every window, so the total is computed from `RateLimit-Observed` and
 * `RateLimit-Remaining` when both are there.
 */
function windowOf(headers: Headers, { now, underWay }: { readonly now: number; readonly underWay: number }): Window | undefined {
  const number = (name: string) => Number.parseInt(headers.get(name) ?? '', 10);
  const [remaining, resetsAt] = [number('ratelimit-remaining'), number('ratelimit-reset') * 1000];
  const leftMs = resetsAt - serverTimeOf(headers);
  if (Number.isNaN(remaining) || Number.isNaN(leftMs) || leftMs <= 0) return undefined;
  const observed = number('ratelimit-observed');
  const total = Number.isNaN(observed) ? number('ratelimit-limit') : observed + remaining;
  return { total: Number.isNaN(total) ? 0 : total, left: remaining - underWay, endsAt: now + leftMs };
}
