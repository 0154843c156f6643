import { RateLimitedError } from '../../errors.ts';
import { createRateBudget, spreadMs } from './rate-budget.ts';
import type { LimitedAnswer } from './rate-budget.ts';
import type { Clock } from './clock.ts';
import { longestWaitMs, spanText } from './retry-after.ts';

/** How much a host is asked. */
export interface HostLimits {
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Requests in any 60 seconds; 0 = no limit of our own. */
  readonly maxRequestsPerMinute: number;
}

/** A request that wants to be sent. Each is held to its own client's limits, and counts for everyone's. */
export interface QueuedRequest extends HostLimits {
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
}

/** The order in which a host is asked. */
export interface RequestQueue {
  /**
   * Waits until a request may be sent, in the order of the calls; call what comes back when its answer is there, or it
   * has failed. Rejects with the signal's reason, and with RateLimitedError when the wait would be longer than 5 minutes.
   */
  readonly enter: (turn: QueuedRequest) => Promise<() => void>;
  /** Takes note of what an answer says about limits. */
  readonly observe: (answer: LimitedAnswer) => void;
  /** No request is under way or waits. */
  readonly isIdle: () => boolean;
}

interface Waiting extends QueuedRequest {
  readonly resolve: (leave: () => void) => void;
  readonly reject: (error: unknown) => void;
}

/** The queue of requests at the host of a base URL. */
export function createRequestQueue(url: string, clock: Clock): RequestQueue {
  const budget = createRateBudget(clock);
  const waiting: Waiting[] = [];
  let underWay = 0;
  let alarm = new AbortController();

  /** Starts those in front, as far as they may; comes back when the next one may, or when another has left. */
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
    `${url} is not to be asked for another ${spanText(waitMs)}, by its rate limit (${operation} was not sent): run again later, or less often`,
    { operation, retryAfterMs: Math.ceil(waitMs) },
  );
