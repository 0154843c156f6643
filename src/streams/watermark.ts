import { beginningOfTime } from '../walk-state.ts';
import type { WalkState } from '../walk-state.ts';
import type { StreamContext } from './stream.ts';

/** GitLab may commit a change later than the time that it gives to it, so this much is read again. Milliseconds. */
export const overlapMs = 60_000;

/** A moment of GitLab's less the overlap. */
export const withOverlap = (moment: Date): Date => new Date(moment.getTime() - overlapMs);

const later = (a: Date, b: Date | null): Date => (b && b > a ? b : a);

/**
 * Where a walk's watermark stands when everything up to the batch was read. Never earlier than it was. While no row of this
 * GitLab was seen, nothing shows how far the clock has come that dates rows: whatever its date, the next row is a new one.
 */
export function watermarkAfter({ startedAt }: Pick<StreamContext, 'startedAt'>, watermark: Date | null): Date {
  return later(startedAt ? withOverlap(startedAt) : beginningOfTime, watermark);
}

/**
 * Where the watermark stands when a list in the order of changes was read down to a row. That row proves how far the clock
 * had come that dates rows. Where that clock is fast, GitLab's clock at the start of the walk is the limit.
 */
export function watermarkAtRow({ seenAt }: Pick<StreamContext, 'seenAt'>, watermark: Date, updatedAt: Date): Date {
  return later(withOverlap(updatedAt < seenAt ? updatedAt : seenAt), watermark);
}

/** Whether a walk goes forwards from its watermark. */
export function hasWatermark(state: WalkState | undefined): state is WalkState & { readonly watermark: Date } {
  return state !== undefined && state.watermark !== null;
}
