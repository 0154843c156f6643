import { isDeepStrictEqual } from 'node:util';
import type { PlacedState } from '../store/progress/save-progress.ts';
import type { StoredState } from '../store/progress/read-progress.ts';
import type { LockedStore } from '../store/store.ts';
import { walkKey } from './pass-state.ts';

/** The walks in which a pass has found nothing. Only their times have changed, and these are stored together. */
export interface QuietWalks {
  /** Whether nothing of a state has changed but its times. */
  readonly isQuiet: (state: PlacedState) => boolean;
  /** Takes the state of a walk that has ended without a change. */
  readonly take: (state: PlacedState) => Promise<void>;
  /** Notes that the state of a walk was stored. */
  readonly noteStored: (state: PlacedState) => void;
  /** Stores the times of those that were taken. */
  readonly store: () => Promise<void>;
}

/** In a long pass, times are stored so often. Milliseconds. */
const longestWait = 60_000;
/** Walks share a watermark when theirs are not further apart. Milliseconds: so much is read again. */
const closeMs = 5 * 60_000;

interface Known {
  readonly state: PlacedState;
  readonly sharedTimesId: string | null;
}

/** Begins with the states that are stored. */
export function createQuietWalks(
  { store, now }: { readonly store: Pick<LockedStore, 'shareTimes' | 'saveStates'>; readonly now: () => Date },
  states: readonly StoredState[],
): QuietWalks {
  const stored = new Map(states.map((state): [string, Known] => [keyOf(state), { state, sharedTimesId: state.sharedTimesId }]));
  const taken = new Map<string, PlacedState>();
  let storedAt = now().getTime();

  const storeTaken = async () => {
    storedAt = now().getTime();
    const all = [...taken.values()];
    taken.clear();
    const latest = latestOf(all);
    const isClose = ({ watermark }: PlacedState) => watermark === null || watermark.getTime() >= latest - closeMs;
    const [close, apart] = [all.filter(isClose), all.filter((state) => !isClose(state))];
    if (apart.length > 0) {
      await store.saveStates(apart);
      for (const state of apart) noteStored(state);
    }
    if (close.length === 0) return;
    const before = new Map(close.map((state) => [state, stored.get(keyOf(state))]));
    const walks = close.map((state) => {
      const { projectId, stream, scope } = state;
      return { projectId, stream, scope, sharedTimesId: before.get(state)?.sharedTimesId ?? null };
    });
    const id = await store.shareTimes({ walks, ...earliestOf(close) });
    // What was stored of a walk meanwhile is what is known of it.
    for (const [state, known] of before) if (stored.get(keyOf(state)) === known) stored.set(keyOf(state), { state, sharedTimesId: id });
  };

  const noteStored = (state: PlacedState) => {
    taken.delete(keyOf(state));
    stored.set(keyOf(state), { state, sharedTimesId: null });
  };

  return {
    isQuiet: (state) => {
      const before = stored.get(keyOf(state));
      return before !== undefined && isDeepStrictEqual(withoutTimes(before.state), withoutTimes(state));
    },
    take: async (state) => {
      taken.set(keyOf(state), state);
      if (now().getTime() - storedAt >= longestWait) await storeTaken();
    },
    noteStored,
    store: storeTaken,
  };
}

const keyOf = ({ projectId, stream, scope }: Pick<PlacedState, 'projectId' | 'stream' | 'scope'>): string =>
  `${projectId}\n${walkKey(stream, scope)}`;

/** What stays when nothing is found. A watermark moves; whether there is one stays. */
function withoutTimes(state: PlacedState & Partial<StoredState>): Partial<PlacedState> {
  const { lastAttemptAt: _attempt, lastSuccessAt: _success, sharedTimesId: _id, watermark, ...walk } = state;
  return { ...walk, watermark: watermark && new Date(0) };
}

const watermarksOf = (states: readonly PlacedState[]) => states.flatMap(({ watermark }) => (watermark ? [watermark.getTime()] : []));

const latestOf = (states: readonly PlacedState[]): number => watermarksOf(states).reduce((a, b) => Math.max(a, b), 0);

function earliestOf(states: readonly PlacedState[]) {
  const earliest = (times: readonly number[]) => new Date(times.reduce((a, b) => Math.min(a, b)));
  const watermarks = watermarksOf(states);
  return {
    watermark: watermarks.length === 0 ? null : earliest(watermarks),
    readAt: earliest(states.map(({ lastAttemptAt }) => lastAttemptAt.getTime())),
  };
}
