import { describe, expect, test } from 'vitest';
import { backoffMs, jitterMs, longestRefreshMs, nextRefreshInMs, nextStart, shortestRefreshMs } from '../../src/service/schedule.ts';
import type { PassRecord } from '../../src/store/progress/passes.ts';

const minute = 60_000;
const interval = 5 * minute;
const started = 1_000 * minute;
/** A pass that began at `started` and read everything in ten seconds. */
const good: PassRecord = {
  connectionId: 1,
  startedAt: started,
  movedAt: started + 10_000,
  endedAt: started + 10_000,
  readAt: started,
  result: 'ok',
  error: null,
  failures: 0,
  createdAt: 0,
};
const next = (record: PassRecord | undefined, { wantedSince = 0, shareMs = 0, now = started + 15 * interval } = {}) =>
  nextStart({ now, connectionId: 1, intervalMs: interval, record, wantedSince, shareMs });
const jitter = jitterMs(1, started, interval);

describe('the next pass of the poller starts', () => {
  test('at once when there was no pass', () => expect(next(undefined)).toBe(0));

  test('an interval and a short delay after the start of a pass that read the connection', () => {
    expect(next(good)).toBe(started + interval + jitter);
    expect(next({ ...good, result: 'incomplete' })).toBe(started + interval + jitter);
    // One that took longer is followed at once: that moment has gone by.
    expect(next({ ...good, endedAt: started + 3 * interval })).toBeLessThan(started + 3 * interval);
  });

  test('at least an interval after the end of a failed pass, later after each failure, up to 15 minutes', () => {
    const failed = (failures: number) => next({ ...good, result: 'gitlab', failures });
    const end = started + 10_000 + jitter;
    expect([1, 2, 3, 4, 50].map((failures) => (failed(failures) - end) / minute)).toEqual([5, 10, 15, 15, 15]);
  });

  test('at once when this process or a change of the connection is newer than the last pass', () => {
    expect(next(good, { wantedSince: started + 1 })).toBe(0);
    expect(next(good, { wantedSince: started })).toBeGreaterThan(started);
  });

  test('at once when the last pass has a time in the future, because the clock of the database was corrected', () => {
    const now = started - 60 * minute;
    expect(next(good, { now })).toBe(0);
    expect(next({ ...good, startedAt: now - interval, endedAt: started, result: 'gitlab', failures: 1 }, { now })).toBe(0);
    expect(next({ ...good, startedAt: now - interval, endedAt: null, failures: 1 }, { now })).toBeGreaterThan(0);
  });

  test('not repeatedly when a requested start is in the future, for the same reason', () => {
    const wantedSince = started + 60 * minute;
    expect(next(good, { wantedSince, now: started + minute })).toBe(started + interval + jitter);
    expect(next(good, { wantedSince, now: wantedSince })).toBe(0);
  });

  test('not at once when a replica has started a pass at about the same moment, unless that pass failed', () => {
    const share = { wantedSince: started + 5_000, shareMs: 10_000 };
    expect(next(good, share)).toBe(started + interval + jitter);
    expect(next({ ...good, endedAt: null, failures: 1 }, share)).toBeGreaterThan(started + interval - 1);
    expect(next({ ...good, result: 'gitlab', failures: 1 }, share)).toBe(0);
  });

  test('not before an interval has passed when the last pass has not ended', () => {
    expect(next({ ...good, endedAt: null, failures: 1 })).toBe(started + interval + jitter);
  });
});

test('the pause of the poller after failures is never shorter than the interval, and at most about 15 minutes', () => {
  expect([1, 2, 3, 4].map((failures) => backoffMs(1_000, failures))).toEqual([1_000, 2_000, 4_000, 4_000]);
  expect([1, 2, 9].map((failures) => backoffMs(60 * minute, failures) / minute)).toEqual([60, 60, 60]);
});

test('the delays of pollers differ between connections, and are the same in all replicas', () => {
  const starts = Array.from({ length: 200 }, (_, id) => jitterMs(id, started, interval));
  expect(new Set(starts).size).toBeGreaterThan(190);
  expect(Math.min(...starts)).toBeLessThan(1_500);
  expect(Math.max(...starts)).toBeGreaterThan(13_000);
  expect(Math.max(...starts)).toBeLessThan(15_000);
  expect(jitterMs(7, started, interval)).toBe(jitterMs(7, started, interval));
  expect(Math.max(...Array.from({ length: 200 }, (_, id) => jitterMs(id, started, 2_000)))).toBeLessThan(100);
});

test('the poller looks at its connections when the next pass is due, within limits', () => {
  expect(nextRefreshInMs([])).toBe(longestRefreshMs);
  expect(nextRefreshInMs([3 * minute, 2_500])).toBe(2_500);
  expect(nextRefreshInMs([3])).toBe(shortestRefreshMs);
  // What is due was asked for just now: it takes a moment to begin.
  expect(nextRefreshInMs([-500, 4_000])).toBe(1_000);
});
