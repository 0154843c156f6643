import type { TimelineChange } from '../store/events/read-timeline.ts';
import { connectionColumn } from './event-table.ts';
import type { TableOptions } from './event-table.ts';
import { fittedTable, stackedRows } from './fitted-table.ts';
import type { Column } from './fitted-table.ts';
import { foldCommits } from './fold-commits.ts';
import type { CommitDates, TimelineLine } from './fold-commits.ts';
import { utc } from './window.ts';
import type { ShownZone } from './window.ts';

/** A change that arrived later than this says when. */
const lateMs = 10 * 60_000;

/** How changes are shown. */
export interface TimelineTableOptions extends TableOptions {
  /** When commits were made. Where it is known, old commits say so. */
  readonly commitDates?: CommitDates;
}

/** Changes as a table that fits into `width` columns: when they happened, of which type and project they are, what changed, and the link. Commits that arrived together are one row. */
export const timelineTable = (changes: readonly TimelineChange[], width: number, options: TimelineTableOptions = {}): string =>
  fittedTable(columnsOf(changes, options), width);

/** As `timelineTable`, but without borders and heads, for changes that come one after the other. */
export const timelineRows = (changes: readonly TimelineChange[], width: number, options: TimelineTableOptions = {}): string =>
  stackedRows(columnsOf(changes, options), width);

function columnsOf(changes: readonly TimelineChange[], options: TimelineTableOptions): Column[] {
  const { zone = utc, commitDates = new Map() } = options;
  const lines = foldCommits(changes, commitDates, new Date());
  return [
    { head: `when (${zone.zoneName})`, cells: lines.map(({ happenedAt }) => zone.shown(happenedAt, 'second')) },
    { head: 'type', cells: lines.map(({ type }) => type) },
    { head: 'project', cells: lines.map(({ project }) => project ?? '') },
    connectionColumn(lines, options),
    { head: 'what changed', cells: lines.map((line) => textOf(line, zone)), fit: 'wrap' },
    { head: 'link', cells: lines.map(({ url }) => url), fit: 'below' },
  ];
}

function textOf(line: TimelineLine, zone: ShownZone): string {
  const { headline, notes, happenedAt, arrivedAt, isHistory } = line;
  const isLate = Date.parse(arrivedAt) - Date.parse(happenedAt) > lateMs;
  const marks = [...(isHistory ? ['known from history'] : []), ...(isLate && !isHistory ? [`arrived ${zone.shown(arrivedAt)}`] : [])];
  return `${headline}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}${marks.length > 0 ? ` [${marks.join(', ')}]` : ''}`;
}
