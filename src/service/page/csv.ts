import { stringify } from 'csv-stringify/sync';
import type { TimelineChange } from '../../store/events/read-timeline.ts';
import { visible } from '../../printable.ts';
import { kindOf } from './kinds.ts';

const columns = ['happened_at', 'arrived_at', 'project', 'kind', 'change', 'status', 'author', 'url', 'event_id', 'version', 'connection'];

/** The first line of a CSV file of changes. */
export const csvHeader = (): string => stringify([columns]);

/** Changes as lines of CSV. */
export const csvLines = (changes: readonly TimelineChange[]): string => stringify(changes.map((change) => cellsOf(change).map(harmless)));

const cellsOf = (change: TimelineChange): Array<string | number | null> => [
  change.happenedAt,
  change.arrivedAt,
  change.project,
  kindOf(change.stream).word,
  change.headline,
  change.status,
  change.author,
  change.url,
  change.eventId,
  change.version,
  change.connectionId,
];

/** A spreadsheet runs a cell that begins like a formula. With an apostrophe before it, the cell is text. */
const harmless = (cell: string | number | null) =>
  typeof cell === 'string' ? `${/^\s*[=+\-@\t\r＝＋－＠]/.test(cell) ? "'" : ''}${visible(cell)}` : cell;
