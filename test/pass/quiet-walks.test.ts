import { expect, test } from 'vitest';
import { createQuietWalks } from '../../src/pass/quiet-walks.ts';
import type { StoredState } from '../../src/store/progress/read-progress.ts';
import type { PlacedState } from '../../src/store/progress/save-progress.ts';
import { walkState } from '../support/walk-state.ts';
import type { QuietWalks } from '../../src/store/progress/shared-times.ts';

const at = (minutes: number) => new Date(Date.UTC(2026, 10, 23, 8, minutes));

const state = (projectId: number, change: Partial<PlacedState> = {}): PlacedState => ({
  ...walkState({ watermark: at(0), lastAttemptAt: at(0), lastSuccessAt: at(0) }),
  projectId,
  stream: 'pipelines',
  scope: '',
  ...change,
});

const known = [1, 2, 3].map((id): StoredState => ({ ...state(id), sharedTimesId: 'old' }));

/** What a pass over three known walks has stored. `wait` holds back what stores shared times. */
function start(wait: Promise<void> = Promise.resolve()) {
  const shared: QuietWalks[] = [];
  const saved: PlacedState[] = [];
  const clock = { now: at(0) };
  const store = {
    shareTimes: async (walks: QuietWalks) => {
      shared.push(walks);
      await wait;
      return 'new';
    },
    saveStates: (some: readonly PlacedState[]) => {
      saved.push(...some);
      return Promise.resolve();
    },
  };
  return { quiet: createQuietWalks({ store, now: () => clock.now }, known), shared, saved, clock };
}

test('a state is quiet when only its times differ from what is stored', () => {
  const { quiet } = start();
  expect(quiet.isQuiet(state(1, { watermark: at(9), lastAttemptAt: at(9), lastSuccessAt: at(9) }))).toBe(true);
  expect(quiet.isQuiet(state(1, { watermark: null }))).toBe(false);
  expect(quiet.isQuiet(state(1, { outcome: 'failed', error: 'why' }))).toBe(false);
  expect(quiet.isQuiet(state(4))).toBe(false);
});

test('walks share the earliest of their times, and one whose watermark is far behind stores its own', async () => {
  const { quiet, shared, saved } = start();
  await quiet.take(state(1, { watermark: at(20), lastAttemptAt: at(21) }));
  await quiet.take(state(2, { watermark: at(16), lastAttemptAt: at(22) }));
  await quiet.take(state(3, { watermark: at(14), lastAttemptAt: at(23) }));
  expect([shared, saved]).toEqual([[], []]);
  await quiet.store();
  const walk = (projectId: number) => ({ projectId, stream: 'pipelines', scope: '', sharedTimesId: 'old' });
  expect(shared).toEqual([{ walks: [walk(1), walk(2)], watermark: at(16), readAt: at(21) }]);
  expect(saved.map(({ projectId }) => projectId)).toEqual([3]);
});

test('a long pass stores the times once a minute, those of each walk once', async () => {
  const { quiet, shared, clock } = start();
  await quiet.take(state(1));
  clock.now = at(1);
  await quiet.take(state(2));
  expect(shared.map(({ walks }) => walks.length)).toEqual([2]);
  await quiet.take(state(3));
  await quiet.store();
  expect(shared.map(({ walks }) => walks.length)).toEqual([2, 1]);
});

test('what was stored of a walk while its times are stored is not forgotten', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { quiet, shared } = start(promise);
  await quiet.take(state(1));
  const storing = quiet.store();
  const failed = state(1, { outcome: 'failed', error: 'why' });
  quiet.noteStored(failed);
  resolve();
  await storing;
  expect([quiet.isQuiet(failed), quiet.isQuiet(state(1))]).toEqual([true, false]);
  await quiet.take(failed);
  await quiet.store();
  expect(shared.at(-1)?.walks).toMatchObject([{ projectId: 1, sharedTimesId: null }]);
});
