import type { TimelineChange } from '../store/events/read-timeline.ts';
import { tableOf } from './table.ts';

const whenWidth = 18;
const borders = 4;
/** A change that arrived later than this says when. */
const lateMs = 10 * 60_000;

/** Changes as a table of `width` columns: when they happened, in which project, what changed, and by whom. */
export function timelineTable(changes: readonly TimelineChange[], width: number): string {
  const room = Math.max(40, width - whenWidth - borders);
  const projectWidth = Math.floor(room * 0.3);
  return tableOf({
    head: ['when (UTC)', 'project', 'what changed'],
    widths: [whenWidth, projectWidth, room - projectWidth],
    rows: changes.map((change) => [
      shown(change.happenedAt),
      change.project ?? '',
      `${change.headline}${authorOf(change)}${arrivalOf(change)}`,
    ]),
  });
}

/** A merge names who merged. */
const authorOf = ({ author, headline }: TimelineChange) => (author === 'unknown' || headline.startsWith('merged ') ? '' : ` (${author})`);

function arrivalOf({ happenedAt, arrivedAt }: TimelineChange): string {
  return Date.parse(arrivedAt) - Date.parse(happenedAt) > lateMs ? ` [arrived ${shown(arrivedAt)}]` : '';
}

const shown = (time: string) => time.slice(0, 16).replace('T', ' ');
