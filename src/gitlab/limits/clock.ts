import { setTimeout as delay } from 'node:timers/promises';

/** Time and random numbers for everything that waits. Tests replace it to control time. */
export interface Clock {
  /** Milliseconds since any moment. Never goes back. */
  readonly now: () => number;
  /** The date and time of this machine. */
  readonly date: () => Date;
  /** Rejects with the signal's reason when it is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** A random number from 0 up to 1. */
  readonly random: () => number;
}

/** The clock of this machine. */
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
