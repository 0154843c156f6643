import type { WalkState } from '../walk-state.ts';
import type { StreamContext } from './stream.ts';

/** GitLab may commit a change later than the time that it gives to it, so this much is read again. Milliseconds. */
export const overlapMs = 60_000;

/** A moment of GitLab's less the overlap. */
export const withOverlap = (moment: Date): Date => new Date(moment.getTime() - overlapMs);

/** The later of two moments, and whichever there is. */
export function later(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a > b ? a : b;
}

/** The earlier of two moments, and whichever there is. */
export function earlier(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a < b ? a : b;
}

/** Where a walk's watermark stands when everything up to the batch was read. Never earlier than it was. */
export function watermarkAfter({ startedAt }: Pick<StreamContext, 'startedAt'>, watermark: Date | null): Date | null {
  return later(watermark, startedAt && withOverlap(startedAt));
}

/** Whether a walk goes forwards from its watermark. */
export function hasWatermark(state: WalkState | undefined): state is WalkState & { readonly watermark: Date } {
  return state !== undefined && state.watermark !== null;
}
