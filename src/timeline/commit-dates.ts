import type { TimelineChange } from '../store/events/read-timeline.ts';
import type { EventFilter, EventsPage } from '../store/events/read-events.ts';
import { commitKey } from './fold-commits.ts';
import type { CommitDates } from './fold-commits.ts';

/** So many commits are asked for at once. */
const commitsAtOnce = 1_000;

/** When the commits among the changes were made. The timeline has the time at which they came to a branch. */
export async function readCommitDates(
  readEvents: (filter: EventFilter) => Promise<EventsPage>,
  changes: readonly TimelineChange[],
): Promise<CommitDates> {
  const commits = changes.filter(({ stream }) => stream === 'commits');
  const connectionIds = [...new Set(commits.map(({ connectionId }) => connectionId))];
  const dates = new Map<string, string>();
  for (let start = 0; start < commits.length; start += commitsAtOnce) {
    const eventIds = commits.slice(start, start + commitsAtOnce).map(({ eventId }) => eventId);
    const { events } = await readEvents({ connectionIds, eventIds, limit: eventIds.length * connectionIds.length });
    for (const event of events) dates.set(commitKey(event), event.timestamp);
  }
  return dates;
}
