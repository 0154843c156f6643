import type { Clock } from '../../src/gitlab/limits/clock.ts';

/** A clock that jumps to the next moment that somebody waits for, as soon as nothing else is going on in this process. */
export function createTestClock(random: () => number = () => 0): Clock {
  let now = 0;
  let isJumping = false;
  const sleepers: Array<{ readonly at: number; readonly wake: () => void }> = [];
  const jump = () => {
    isJumping = false;
    const next = sleepers.toSorted((a, b) => a.at - b.at)[0];
    if (!next) return;
    sleepers.splice(sleepers.indexOf(next), 1);
    now = Math.max(now, next.at);
    next.wake();
    later();
  };
  const later = () => {
    if (isJumping || sleepers.length === 0) return;
    isJumping = true;
    setTimeout(jump, 1);
  };
  return {
    now: () => now,
    date: () => new Date(),
    random,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.push(sleeper);
        const stop = () => {
          if (sleepers.includes(sleeper)) sleepers.splice(sleepers.indexOf(sleeper), 1);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', stop, { once: true });
        later();
      }),
  };
}
