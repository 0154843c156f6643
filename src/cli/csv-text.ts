import { stringify } from 'csv-stringify/sync';
import { printable } from '../printable.ts';

/** Rows as comma-separated values with a line of names first. A text that a spreadsheet would take for a formula begins with an apostrophe. */
export const csvText = (rows: ReadonlyArray<ReadonlyArray<string | number | null>>, columns: readonly string[]): string =>
  stringify(
    rows.map((row) => row.map((cell) => (typeof cell === 'string' ? printable(cell) : cell))),
    { header: true, columns: [...columns], escape_formulas: true },
  );
