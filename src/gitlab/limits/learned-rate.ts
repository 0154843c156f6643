import type { Clock } from './clock.ts';

/**
 * The rate that a host bears, learned from refusals that do not say when to come back: additive increase, multiplicative
 * decrease. Times are milliseconds.
 */
export interface LearnedRate {
  /** A request was answered with 429, and nothing in the answer says when to come back. `sentInMinute`: what was sent, this request included. */
  refused(sentInMinute: number): void;
  /** A request was answered with anything else. */
  allowed(): void;
  /** From when on the next request may be sent. `lastSentAt`: undefined when none was sent in the last minute. */
  openAt(lastSentAt: number | undefined): number;
}

const minuteMs = 60_000;
/** The first pause after a refusal. Each further refusal doubles it. */
const firstPauseMs = 15_000;
/** GitLab's limits are by the minute as a rule: a longer pause wins nothing. Four attempts of a request wait for more than a minute. */
const longestPauseMs = minuteMs;
/** Pauses get longer by up to this part at random, so that processes that were refused together do not come back together. */
const pauseSpread = 1 / 4;
const decrease = 1 / 2;
/** The rate is back at what was refused after 10 minutes. */
const increasePerMinute = 1 / 20;
const lowestPerMinute = 10;
/** A refusal is forgotten after so long: the limit may have been another's, or of a single endpoint. */
const forgottenAfterMs = 30 * minuteMs;

/** A host that has refused nothing yet. */
export function createLearnedRate({ now, random }: Pick<Clock, 'now' | 'random'>): LearnedRate {
  let refusal: { readonly at: number; readonly fromPerMinute: number; readonly stepPerMinute: number } | undefined;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  /** Refusals since a request was allowed. */
  let inARow = 0;

  const perMinute = () => {
    if (refusal && now() - refusal.at >= forgottenAfterMs) refusal = undefined;
    return refusal && refusal.fromPerMinute + (refusal.stepPerMinute * (now() - refusal.at)) / minuteMs;
  };
  // Answers to what was sent before the pause began say nothing about the time after it.
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
