import { RateLimitedError } from '../../errors.ts';
import { createRateBudget, spreadMs } from './rate-budget.ts';
import type { LimitedAnswer } from './rate-budget.ts';
import type { Clock } from './clock.ts';
import { longestWaitMs, spanText } from './retry-after.ts';

/** Limits of the requests of one client. */
export interface HostLimits {
  /** Largest number of simultaneous requests. */
  readonly concurrency: number;
  /** Largest number of requests in any 60 seconds; 0 = no limit except GitLab's. */
  readonly maxRequestsPerMinute: number;
}

/** A request that waits. The limits of its own client apply to it, and it counts for the limits of every client. */
export interface QueuedRequest extends HostLimits {
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
}

/** The queue of the requests to a host. */
export interface RequestQueue {
  /**
   * Waits until a request may be sent, in the order of the calls. Resolves to a function: call it when the request has ended.
   * Rejects with the signal's reason, and with RateLimitedError when the wait would be longer than 5 minutes.
   */
  readonly enter: (turn: QueuedRequest) => Promise<() => void>;
  /** Notes the limits that an answer describes. */
  readonly observe: (answer: LimitedAnswer) => void;
  /** Whether no request waits or is in progress. */
  readonly isIdle: () => boolean;
}

interface Waiting extends QueuedRequest {
  readonly resolve: (leave: () => void) => void;
  readonly reject: (error: unknown) => void;
}

/** Creates the queue for the host of a base URL. */
export function createRequestQueue(url: string, clock: Clock): RequestQueue {
  const budget = createRateBudget(clock);
  const waiting: Waiting[] = [];
  let underWay = 0;
  let alarm = new AbortController();

  /** Starts the first requests of the queue as far as the limits allow. Runs again when the next request may start, and after each end of a request. */
  const proceed = () => {
    alarm.abort();
    for (let first = waiting[0]; first && underWay < first.concurrency; first = waiting[0]) {
      const waitMs = first.signal?.aborted ? 0 : budget.waitMs(first.maxRequestsPerMinute);
      if (waitMs > 0 && waitMs <= longestWaitMs + spreadMs) {
        alarm = new AbortController();
        clock.sleep(waitMs, alarm.signal).then(proceed, () => {});
        return;
      }
      waiting.shift();
      if (first.signal?.aborted) first.reject(first.signal.reason);
      else if (waitMs > 0) first.reject(tooLong(url, first.operation, waitMs));
      else first.resolve(begin());
    }
  };
  const begin = () => {
    budget.spend();
    underWay++;
    return () => {
      underWay--;
      proceed();
    };
  };
  const giveUp = (turn: Waiting) => {
    const place = waiting.indexOf(turn);
    if (place < 0) return;
    waiting.splice(place, 1);
    turn.reject(turn.signal?.reason);
    proceed();
  };

  return {
    enter: (turn) => {
      if (turn.signal?.aborted) return Promise.reject(turn.signal.reason as Error);
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const entry = { ...turn, resolve, reject };
      const stop = () => giveUp(entry);
      turn.signal?.addEventListener('abort', stop, { once: true });
      waiting.push(entry);
      if (waiting.length === 1) proceed();
      return promise.finally(() => turn.signal?.removeEventListener('abort', stop));
    },
    observe: (answer) => budget.observe(answer, underWay - 1),
    isIdle: () => underWay === 0 && waiting.length === 0,
  };
}

const tooLong = (url: string, operation: string, waitMs: number) =>
  new RateLimitedError(
    `the rate limit of ${url} allows no request for another ${spanText(waitMs)} (${operation} was not sent): run again later, or less often`,
    { operation, retryAfterMs: Math.ceil(waitMs) },
  );
