import type { Clock } from './clock.ts';
import { createLearnedRate } from './learned-rate.ts';
import { retryAfterMsOf, serverTimeOf } from './retry-after.ts';

/** The part of an answer that says something about limits. */
export type LimitedAnswer = Pick<Response, 'status' | 'headers'>;

/** What is known of a host's limits: what its answers said, and what was sent. Times are milliseconds. */
export interface RateBudget {
  /** Takes note of an answer. `underWay`: other requests that GitLab may not have counted yet. */
  observe(answer: LimitedAnswer, underWay: number): void;
  /** Takes note of a request. */
  spend(): void;
  /** How long the next request has to wait; 0 = not at all. `maxRequestsPerMinute`: 0 = no limit of our own. */
  waitMs(maxRequestsPerMinute: number): number;
}

/** A span in which GitLab allows so many requests. */
interface Window {
  readonly total: number;
  readonly endsAt: number;
  left: number;
}

const minuteMs = 60_000;
/** From here on what is left of a window is spread over the time that is left of it. */
const scarce = 1 / 5;
/** A host that asks for more is asked again after an hour: it may have been a mistake, and this may run for years. */
const longestClosedMs = 60 * minuteMs;
/** Clients that were told to come back at the same moment do so within this span. */
export const spreadMs = 1000;

/** A budget of which nothing is known yet. */
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
        // `Retry-After` is the end of this wait, whatever `RateLimit-Reset` says.
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
 * The window that an answer's `RateLimit-*` headers describe. `RateLimit-Reset` is by the server's clock, as `Date` is.
 * `RateLimit-Limit` is scaled to a minute whatever the window is, so what was observed and what remains is the better total.
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
