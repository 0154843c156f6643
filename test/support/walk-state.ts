import type { WalkState } from '../../src/walk-state.ts';

/** The state of a walk that has read nothing, and ended. */
export const walkState = (change: Partial<WalkState> & Pick<WalkState, 'lastAttemptAt'>): WalkState => ({
  selection: [],
  leftOut: [],
  watermark: null,
  cursor: null,
  walkStartedAt: null,
  frontier: null,
  childrenSince: null,
  depth: null,
  backfill: null,
  outcome: 'ok',
  error: null,
  lastSuccessAt: null,
  ...change,
});
