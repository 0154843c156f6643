import { stringify } from 'csv-stringify/sync';
import { printable } from '../printable.ts';
import type { TimelineChange } from '../store/events/read-timeline.ts';

/** A row of a CSV file. */
export type CsvRow = ReadonlyArray<string | number | null>;

/** Rows as comma-separated values. A text that a spreadsheet would take for a formula begins with an apostrophe, also behind a tab or a space. */
export const csvText = (rows: readonly CsvRow[]): string =>
  stringify(
    rows.map((row) => row.map((cell) => (typeof cell === 'string' ? printable(cell).trim() : cell))),
    { escape_formulas: true },
  );

/** The columns of a timeline, in the order of `timelineCsvRow`. */
export const timelineCsvColumns = [
  'happened_at',
  'arrived_at',
  'project',
  'type',
  'headline',
  'author',
  'status',
  'url',
  'event_id',
  'version',
  'connection_id',
] as const;

/** A change as a row of `timelineCsvColumns`. */
export const timelineCsvRow = (change: TimelineChange): CsvRow => [
  change.happenedAt,
  change.arrivedAt,
  change.project,
  change.type,
  change.headline,
  change.author,
  change.status,
  change.url,
  change.eventId,
  change.version,
  change.connectionId,
];
