import { describe, expect, test } from 'vitest';
import { lagMs, readinessOf } from '../../src/service/readiness.ts';
import type { Watched } from '../../src/service/readiness.ts';
import { passSummaryOf, sumSummaries } from '../../src/service/pass-summary.ts';
import type { PassSummary } from '../../src/service/pass-summary.ts';
import type { PassRecord } from '../../src/store/progress/passes.ts';

const second = 1_000;
const now = 10_000 * second;
const interval = 300 * second;
const good: PassRecord = {
  connectionId: 1,
  startedAt: now - 100 * second,
  movedAt: now - 90 * second,
  endedAt: now - 90 * second,
  readAt: now - 100 * second,
  result: 'ok',
  error: null,
  failures: 0,
  createdAt: 0,
};
const watched = (record: Partial<PassRecord> | null, more: Partial<Watched> & { readonly problem?: string } = {}): Watched => ({
  served: { id: 1, name: 'gitlab.com', intervalMs: interval, config: null, problem: more.problem ?? null, unknownKeys: [] },
  record: record ? { ...good, ...record } : undefined,
  firstSeenAt: more.firstSeenAt ?? 0,
});
const reasons = (one: Watched) =>
  readinessOf({ now, watched: [one] }, false).reasons.map((line) => line.replace('connection 1 (gitlab.com): ', ''));

describe('a poller is ready', () => {
  test('when its connection was read recently', () =>
    expect(readinessOf({ now, watched: [watched({})] }, false)).toEqual({ isReady: true, reasons: [] }));

  test('but not before the first pass has read anything', () => {
    expect(reasons(watched(null, { firstSeenAt: now }))).toEqual(['nothing was read yet']);
    expect(
      reasons(
        watched(
          { readAt: null, endedAt: null, movedAt: now - 200 * second, startedAt: now - 100 * second, failures: 1 },
          { firstSeenAt: now },
        ),
      ),
    ).toEqual(['nothing was read yet']);
  });

  test('while a long pass makes progress, also the first pass', () => {
    const long = { readAt: null, endedAt: null, startedAt: now - 10_000 * second, failures: 1 };
    expect(reasons(watched({ ...long, movedAt: now - 5 * second }))).toEqual([]);
    expect(reasons(watched({ ...long, movedAt: now - 950 * second }))).toEqual([
      'nothing was read for 950 s, which is more than 3 intervals of 300 s',
    ]);
  });

  test('but not when a pass makes no progress for three intervals', () => {
    expect(reasons(watched({ readAt: now - 899 * second, movedAt: now - 950 * second }))).toEqual([]);
    expect(reasons(watched({ readAt: now - 901 * second, movedAt: now - 901 * second }))).toHaveLength(1);
  });

  test('but not after a failed pass, also while the next pass runs', () => {
    const failed = { result: 'gitlab', error: 'cannot reach it', failures: 1 } as const;
    expect(reasons(watched(failed))).toEqual(['cannot reach it']);
    expect(reasons(watched({ ...failed, endedAt: null, failures: 2 }))).toEqual(['cannot reach it']);
    // The failure was before the last one that has read.
    expect(reasons(watched({ ...failed, endedAt: null, failures: 1 }))).toEqual([]);
    expect(reasons(watched({ result: 'incomplete', error: 'acme/x: forbidden' }))).toEqual([]);
    expect(reasons(watched({ result: 'busy', error: 'another one runs' }))).toEqual([]);
  });

  test('with poll --all, as long as one connection is read, and names the others', () => {
    const broken = watched(null, { problem: 'its config has no token' });
    expect(readinessOf({ now, watched: [watched({}), broken] }, true)).toEqual({
      isReady: true,
      reasons: ['connection 1 (gitlab.com): its config has no token'],
    });
    expect(readinessOf({ now, watched: [broken] }, true).isReady).toBe(false);
    expect(readinessOf({ now, watched: [] }, true).isReady).toBe(true);
  });

  test('and counts its lag from the start of the last pass that read the connection', () => {
    expect(lagMs(watched({}), now)).toBe(100 * second);
    expect(lagMs(watched({ readAt: null, createdAt: now - 7 * second }), now)).toBe(7 * second);
    expect(lagMs(watched(null, { firstSeenAt: now - 3 * second }), now)).toBe(3 * second);
  });
});

describe('the summary of a pass in parts', () => {
  const ok: PassSummary = {
    result: 'ok',
    error: null,
    errorCode: null,
    projects: 10,
    fetched: 5,
    stored: 2,
    corrected: 1,
    unread: 0,
    requests: 3,
  };
  const own = { ...ok, projects: 0, fetched: 0, stored: 0, corrected: 0, requests: 1 };
  const failed = passSummaryOf({ error: 'refused', code: 'gitlab', errorCode: 'gitlab_unauthorized' });

  test('adds the parts up', () => {
    expect(sumSummaries(own, [ok, ok])).toEqual({ ...ok, projects: 20, fetched: 10, stored: 4, corrected: 2, requests: 7 });
    expect(sumSummaries(own, [])).toEqual(own);
  });

  test('counts as read when any part was read, and says what is missing', () => {
    expect(sumSummaries(own, [ok, failed, failed])).toMatchObject({
      result: 'incomplete',
      error: 'refused (and 1 more)',
      projects: 10,
      unread: 2,
    });
    expect(sumSummaries({ ...own, result: 'incomplete', error: 'acme/typo: failed', unread: 1 }, [ok])).toMatchObject({
      result: 'incomplete',
      error: 'acme/typo: failed',
      unread: 1,
    });
  });

  test('is a failure when no part could be read, with the reason of the first part', () => {
    expect(sumSummaries(own, [failed, failed])).toMatchObject({
      result: 'gitlab',
      error: 'refused',
      errorCode: 'gitlab_unauthorized',
      projects: 0,
    });
  });
});
