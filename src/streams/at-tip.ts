import type { WalkState } from '../walk-state.ts';

/** GitLab returns at most so many projects in one answer, and so the tips of a branch of so many projects. */
export const tipsPerRequest = 100;

/** Whether a branch was read to its tip, and down to its depth: there is nothing to read until the tip moves. */
export const isAtTip = (state: WalkState | undefined): state is WalkState & { readonly frontier: string } =>
  state !== undefined &&
  state.outcome === 'ok' &&
  state.frontier !== null &&
  state.cursor === null &&
  state.backfill !== null &&
  (state.backfill.isDone || state.backfill.cursor === null);
