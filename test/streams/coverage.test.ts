import { describe, expect, test } from 'vitest';
import { coverBranches } from '../../src/streams/coverage.ts';
import type { Backfill, WalkState } from '../../src/walk-state.ts';

const day = (number: number) => new Date(Date.UTC(2026, 10, number));
const iso = (number: number) => day(number).toISOString();
const done: Backfill = { since: null, left: 0, cursor: 'page 1', isDone: true, isComplete: false };
const state = (parts: Partial<WalkState>): WalkState => ({
  selection: [],
  leftOut: [],
  watermark: day(10),
  cursor: null,
  walkStartedAt: null,
  frontier: null,
  childrenSince: null,
  depth: day(1),
  backfill: done,
  outcome: 'ok',
  error: null,
  lastAttemptAt: day(10),
  lastSuccessAt: day(10),
  ...parts,
});

describe('the coverage of a walk', () => {
  const walking = { cursor: 'page 2', walkStartedAt: day(11) };

  test('stays when the same branches are asked for, in whatever order', () => {
    const before = state({ selection: ['a', 'b'], ...walking });
    expect(coverBranches(before, ['b', 'a', 'b'])).toBe(before);
  });

  test('notes branches that are left out, and the walk goes on where it was', () => {
    const before = state({ selection: ['a', 'b'], ...walking });
    expect(coverBranches(before, ['a'])).toEqual({
      ...before,
      selection: ['a'],
      leftOut: [{ branches: ['a', 'b'], watermark: iso(10), depth: iso(1) }],
    });
  });

  test('goes back to where a branch was left, and notes nothing that is read again', () => {
    const narrowed = coverBranches(state({ selection: ['a', 'b'] }), ['a']);
    const later = { ...narrowed, watermark: day(20), ...walking };
    expect(coverBranches(later, ['a', 'b'])).toMatchObject({
      selection: ['a', 'b'],
      watermark: day(10),
      depth: day(1),
      backfill: { isDone: true },
      leftOut: [],
      cursor: null,
      walkStartedAt: null,
    });
  });

  test('takes of several notes of a branch the one that has come farthest', () => {
    const leftOut = [
      { branches: ['b', 'c'], watermark: iso(3), depth: iso(1) },
      { branches: ['b', 'd'], watermark: iso(5), depth: iso(1) },
    ];
    expect(coverBranches(state({ selection: ['a'], leftOut }), ['a', 'b'])).toMatchObject({ watermark: day(5), leftOut });
  });

  test('begins the backfill anew when a branch was never read, and keeps the watermark', () => {
    expect(coverBranches(state({ selection: ['a'] }), ['a', 'b'])).toMatchObject({
      selection: ['a', 'b'],
      watermark: day(10),
      depth: null,
      backfill: null,
    });
  });

  test('does not take some branches for all of them, and goes back to where each was left', () => {
    expect(coverBranches(state({ selection: ['a'], leftOut: [{ branches: ['b'], watermark: iso(5), depth: iso(1) }] }), [])).toMatchObject({
      selection: [],
      watermark: day(5),
      depth: null,
      backfill: null,
      leftOut: [],
    });
  });

  test('drops notes of which another one says as much', () => {
    const leftOut = [{ branches: ['b'], watermark: iso(5), depth: iso(2) }];
    expect(coverBranches(state({ selection: ['a', 'b', 'c'], leftOut }), ['a']).leftOut).toEqual([
      { branches: ['a', 'b', 'c'], watermark: iso(10), depth: iso(1) },
    ]);
  });

  test('is read again down to the depth where a branch that is taken back was read less deep', () => {
    const leftOut = [{ branches: ['a', 'b'], watermark: iso(5), depth: iso(4) }];
    expect(coverBranches(state({ selection: ['a'], leftOut }), ['a', 'b'])).toMatchObject({
      depth: day(4),
      backfill: { since: iso(1), left: null, cursor: null, isDone: false, isComplete: false },
    });
    const everything = state({ selection: ['a'], leftOut, depth: new Date(0) });
    expect(coverBranches(everything, ['a', 'b'])).toMatchObject({ depth: day(4), backfill: { since: null, left: null, isDone: false } });
  });

  test('keeps the goal of a backfill that is under way, and begins its list again', () => {
    const backfill = { since: iso(1), left: null, cursor: 'page 9', isDone: false, isComplete: false };
    const narrowed = state({
      selection: ['a'],
      leftOut: [{ branches: ['a', 'b'], watermark: iso(5), depth: iso(4) }],
      depth: day(4),
      backfill,
    });
    expect(coverBranches(narrowed, ['a', 'b'])).toMatchObject({ depth: day(4), backfill: { since: iso(1), cursor: null, isDone: false } });
  });

  test('of a walk without a watermark is nothing yet', () => {
    const unread = state({ watermark: null, depth: null });
    expect(coverBranches(unread, ['a'])).toBe(unread);
  });
});
