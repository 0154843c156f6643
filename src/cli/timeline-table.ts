import type { TimelineChange } from '../store/events/read-timeline.ts';
import { printable } from '../printable.ts';
import { tableOf } from './table.ts';
import type { ShownZone } from './window.ts';

const whenWidth = 18;
const borders = 4;
/** A narrower table has the project above the change, in one column. */
const wide = 100;
/** A change that arrived later than this says when. */
const lateMs = 10 * 60_000;

/** Changes as a table of `width` columns: when they happened, in which project, what changed, and by whom. Commits that arrived together are one row. */
export function timelineTable(changes: readonly TimelineChange[], width: number, zone: ShownZone): string {
  const rows = foldCommits(changes);
  const when = `when (${zone.zoneName})`;
  const room = Math.max(40, width - whenWidth - borders);
  if (width < wide) {
    return tableOf({
      head: [when, 'what changed'],
      widths: [whenWidth, Math.max(30, width - whenWidth - borders + 1)],
      rows: rows.map((row) => [zone.shown(row.change.happenedAt), [row.change.project ?? '', textOf(row, zone)]]),
    });
  }
  const projectWidth = Math.floor(room * 0.3);
  return tableOf({
    head: [when, 'project', 'what changed'],
    widths: [whenWidth, projectWidth, room - projectWidth],
    rows: rows.map((row) => [zone.shown(row.change.happenedAt), row.change.project ?? '', textOf(row, zone)]),
  });
}

/** A change in one line. */
export const changeLine = (change: TimelineChange, zone: ShownZone): string =>
  `${zone.shown(change.happenedAt)}  ${printable(change.project ?? '')}  ${printable(textOf({ change, count: 1 }, zone))}\n`;

interface FoldedChange {
  /** The first of them. */
  readonly change: TimelineChange;
  readonly count: number;
}

/** Commits of one author that arrived together in a project, as one. */
function foldCommits(changes: readonly TimelineChange[]): FoldedChange[] {
  const rows: FoldedChange[] = [];
  for (const change of changes) {
    const last = rows.at(-1);
    if (last && areTogether(last.change, change)) rows[rows.length - 1] = { ...last, count: last.count + 1 };
    else rows.push({ change, count: 1 });
  }
  return rows;
}

const areTogether = (a: TimelineChange, b: TimelineChange): boolean =>
  a.stream === 'commits' &&
  b.stream === 'commits' &&
  a.happenedAt === b.happenedAt &&
  a.author === b.author &&
  a.project === b.project &&
  a.connectionId === b.connectionId;

function textOf({ change, count }: FoldedChange, zone: ShownZone): string {
  const { headline, happenedAt, arrivedAt, author, isHistory } = change;
  const text = count === 1 ? headline : `${count} commits, the first: ${headline}`;
  // A merge names who merged.
  const by = author === 'unknown' || headline.startsWith('merged ') ? '' : ` (${author})`;
  const isLate = Date.parse(arrivedAt) - Date.parse(happenedAt) > lateMs;
  return `${text}${by}${isHistory ? ' [known from history]' : isLate ? ` [arrived ${zone.shown(arrivedAt)}]` : ''}`;
}
