import type { Clock } from './clock.ts';

/**
 * The rate of requests that a host allows, learned from 429 answers without a time to retry: additive increase,
 * multiplicative decrease. Times are milliseconds.
 */
export interface LearnedRate {
  /** Notes a 429 answer that does not say when to retry. `sentInMinute`: requests in the last minute, including this request. */
  refused(sentInMinute: number): void;
  /** Notes any other answer. */
  allowed(): void;
  /** The moment from which the next request may be sent. `lastSentAt`: undefined when no request was sent in the last minute. */
  openAt(lastSentAt: number | undefined): number;
}

const minuteMs = 60_000;
/** The first pause after a refusal. Each further refusal doubles the pause. */
const firstPauseMs = 15_000;
/** Most limits of GitLab are for each minute, so a longer pause has no use. Four attempts of a request wait for more than a minute. */
const longestPauseMs = minuteMs;
/** Pauses are longer by a random part of up to this, so that processes that were refused at the same time do not retry at the same time. */
const pauseSpread = 1 / 4;
const decrease = 1 / 2;
/** With this step, the rate reaches the refused rate again after 10 minutes. */
const increasePerMinute = 1 / 20;
const lowestPerMinute = 10;
/** A refusal is forgotten after this time: another client may have used up the limit, or the limit may be for a single endpoint. */
const forgottenAfterMs = 30 * minuteMs;

/** Creates the rate of a host that has refused no request. */
export function createLearnedRate({ now, random }: Pick<Clock, 'now' | 'random'>): LearnedRate {
  let refusal: { readonly at: number; readonly fromPerMinute: number; readonly stepPerMinute: number } | undefined;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  /** Refusals since the last allowed request. */
  let inARow = 0;

  const perMinute = () => {
    if (refusal && now() - refusal.at >= forgottenAfterMs) refusal = undefined;
    return refusal && refusal.fromPerMinute + (refusal.stepPerMinute * (now() - refusal.at)) / minuteMs;
  };
  // Answers to requests from before the pause do not show whether the pause was long enough.
  const isPaused = () => now() < pausedUntil;

  return {
    refused(sentInMinute) {
      if (isPaused()) return;
      if (inARow === 0) {
        const bearable = Math.max(lowestPerMinute, Math.min(perMinute() ?? sentInMinute, sentInMinute));
        refusal = {
          at: now(),
          fromPerMinute: Math.max(lowestPerMinute, bearable * decrease),
          stepPerMinute: bearable * increasePerMinute,
        };
      }
      pausedUntil = now() + Math.min(firstPauseMs * 2 ** inARow, longestPauseMs) * (1 + random() * pauseSpread);
      inARow++;
    },
    allowed() {
      if (!isPaused()) inARow = 0;
    },
    openAt(lastSentAt) {
      const rate = perMinute();
      if (rate === undefined || lastSentAt === undefined) return pausedUntil;
      return Math.max(pausedUntil, lastSentAt + minuteMs / rate);
    },
  };
}
