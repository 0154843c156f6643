import type { TimelineChange } from '../store/events/read-timeline.ts';
import { foldCommits, isLate, lineText } from '../timeline/fold-commits.ts';
import type { CommitDates, TimelineLine } from '../timeline/fold-commits.ts';
import { connectionColumn } from './event-table.ts';
import type { TableOptions } from './event-table.ts';
import { fittedTable, stackedRows } from './fitted-table.ts';
import type { Column } from './fitted-table.ts';
import { utc } from './window.ts';
import type { ShownZone } from './window.ts';

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
  const lines = foldCommits(changes, commitDates);
  const firsts = lines.map((line) => line.changes[0]);
  return [
    { head: `when (${zone.zoneName})`, cells: firsts.map(({ happenedAt }) => zone.shown(happenedAt, 'second')) },
    { head: 'type', cells: firsts.map(({ type }) => type) },
    { head: 'project', cells: firsts.map(({ project }) => project ?? '') },
    connectionColumn(firsts, options),
    { head: 'what changed', cells: lines.map((line) => textOf(line, zone)), fit: 'wrap' },
    { head: 'link', cells: lines.map((line) => (line.changes.at(-1) ?? line.changes[0]).url), fit: 'below' },
  ];
}

function textOf(line: TimelineLine, zone: ShownZone): string {
  const [first] = line.changes;
  const mark = first.isHistory ? ' [known from history]' : isLate(first) ? ` [arrived ${zone.shown(first.arrivedAt)}]` : '';
  return `${lineText(line, { withAuthor: true })}${mark}`;
}
