import { describe, expect, test } from 'vitest';
import { nextStep } from '../../src/streams/commits.ts';
import type { BranchFacts, Step } from '../../src/streams/commits.ts';
import type { Backfill } from '../../src/walk-state.ts';

const tip = 'tip';
const depth = new Date('2026-01-01T00:00:00Z');
const backfill = (change: Partial<Backfill> = {}): Backfill => ({
  since: null,
  left: 50,
  cursor: 'start#3#100',
  isDone: false,
  isComplete: false,
  ...change,
});
const state = (change: Partial<NonNullable<BranchFacts['state']>> = {}): NonNullable<BranchFacts['state']> => ({
  frontier: 'frontier',
  cursor: null,
  backfill: backfill({ isDone: true }),
  depth,
  ...change,
});
const next = (facts: Partial<BranchFacts>): Step =>
  nextStep({ tip, state: state(), depth: { since: null, rows: 50 }, gone: new Set(), taken: [], ...facts });
const restart: Step = { kind: 'restart', backfill: backfill({ cursor: 'tip#1#50' }), isRewritten: false };
const reread: Step = { kind: 'reread', since: depth };
const backward: Step = { kind: 'backward', backfill: backfill(), start: { sha: 'start', page: 3, pageSize: 100 } };
const toTip = { sha: tip, page: 1, pageSize: 100 };

describe('what the walk of a branch does next', () => {
  test.each<[string, Partial<BranchFacts>, Step]>([
    ['a branch that is new is read backwards from its tip', { state: undefined }, restart],
    ['a tip that has moved is read from the frontier', {}, { kind: 'forward', frontier: 'frontier', target: toTip }],
    [
      'a step forward that was stopped is ended first',
      { state: state({ cursor: 'middle#2#100' }) },
      { kind: 'forward', frontier: 'frontier', target: { sha: 'middle', page: 2, pageSize: 100 } },
    ],
    [
      'a stopped step whose target is gone gives way to the tip',
      { state: state({ cursor: 'middle#2#100' }), gone: new Set(['middle']) },
      { kind: 'forward', frontier: 'frontier', target: toTip },
    ],
    ['a tip that is gone is left to the next pass', { gone: new Set([tip]) }, { kind: 'end', isRewritten: false }],
    ['at the tip the backfill goes on', { state: state({ frontier: tip, backfill: backfill() }) }, backward],
    [
      'a backfill that was cut goes on in the next pass',
      { state: state({ frontier: tip, backfill: backfill() }), taken: [backward] },
      { kind: 'end', isRewritten: false },
    ],
    [
      'a backfill whose beginning is gone begins at the tip, with the goal that it had',
      { state: state({ frontier: tip, backfill: backfill({ left: 7 }) }), gone: new Set(['start']) },
      { kind: 'restart', backfill: backfill({ left: 7, cursor: 'tip#1#50' }), isRewritten: false },
    ],
    ['all that is wanted is stored: the walk ends', { state: state({ frontier: tip }) }, { kind: 'end', isRewritten: false }],
    ['a frontier that is gone has the history read again down to the depth', { gone: new Set(['frontier']) }, reread],
    [
      'a frontier that is gone before the backfill has ended has it begin again, with its whole goal',
      { state: state({ backfill: backfill({ left: 7 }) }), gone: new Set(['frontier']) },
      { ...restart, isRewritten: true },
    ],
    ['a reread ends the walk', { gone: new Set(['frontier']), taken: [reread] }, { kind: 'end', isRewritten: true }],
    ['a restart ends the walk', { gone: new Set(['start', tip]), taken: [restart] }, { kind: 'end', isRewritten: false }],
  ])('%s', (_, facts, step) => {
    expect(next(facts)).toEqual(step);
  });
});
