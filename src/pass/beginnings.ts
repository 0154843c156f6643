import type { ChangeEvent } from '../events/change-event.ts';
import type { LockedStore } from '../store/store.ts';
import type { Stream, StreamContext } from '../streams/stream.ts';
import { hasWatermark } from '../streams/watermark.ts';
import type { WalkState } from '../walk-state.ts';
import { identityOf } from './leaving.ts';
import { settle } from './settle.ts';

/** Which rows were read, and how far the walk had come before. */
export interface ReadRows {
  readonly stream: Stream;
  readonly events: readonly ChangeEvent[];
  readonly before: WalkState | undefined;
}

/**
 * Asks GitLab since when rows are in a status whose beginning is not in lists. Asks only for rows that have come to the status since the last
 * pass, and for none of a first reading. Where GitLab does not know, or fails, the status begins at the row's last update.
 */
export async function withBeginnings(
  store: Pick<LockedStore, 'readStatuses'>,
  context: StreamContext,
  { stream, events, before }: ReadRows,
): Promise<readonly ChangeEvent[]> {
  const { beginnings } = stream;
  const candidates = events.filter(({ status }) => beginnings?.statuses.includes(status));
  if (!beginnings || candidates.length === 0 || !hasWatermark(before)) return events;
  const stored = await store.readStatuses(candidates.map(({ eventId }) => eventId));
  const keys = candidates.filter(({ eventId, status }) => stored.get(eventId) !== status).map((event) => identityOf(stream, event));
  if (keys.length === 0) return events;
  const answer = await settle(beginnings.read(context, keys));
  if ('end' in answer) return events;
  return events.map((event) => {
    const since = beginnings.statuses.includes(event.status) ? answer.value.get(identityOf(stream, event)) : undefined;
    return since ? { ...event, statusSince: since } : event;
  });
}
