import { stringify } from 'csv-stringify/sync';
import { printable } from '../printable.ts';

/** Rows as comma-separated values with a line of names first. A text that a spreadsheet would take for a formula begins with an apostrophe, also behind a tab or a space. */
export const csvText = (rows: ReadonlyArray<ReadonlyArray<string | number | null>>, columns: readonly string[]): string =>
  stringify(
    rows.map((row) => row.map((cell) => (typeof cell === 'string' ? printable(cell).trim() : cell))),
    { header: true, columns: [...columns], escape_formulas: true },
  );
