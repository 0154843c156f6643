import { setTimeout as delay } from 'node:timers/promises';

/** Time and chance, for everything that waits. Tests let time pass as they like. */
export interface Clock {
  /** Milliseconds since some moment; they only ever grow. */
  readonly now: () => number;
  /** What this machine takes for the time of day. */
  readonly date: () => Date;
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** This machine's. */
export const systemClock: Clock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  random: () => Math.random(),
};
