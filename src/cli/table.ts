import Table from 'cli-table3';
import { printable } from '../printable.ts';
import type { Output } from './io.ts';

/** The content of a table. */
export interface TableContent {
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>;
  /** Width of each column with its padding; longer texts are wrapped. Absent: each column is as wide as its texts. */
  readonly widths?: readonly number[];
}

/** Formats rows as a table with a head, without colours. */
export function tableOf({ head, rows, widths }: TableContent): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    ...(widths ? { colWidths: [...widths], wordWrap: true, wrapOnWordBoundary: true } : {}),
  });
  table.push(
    ...rows.map((row) =>
      row.map((cell) => (typeof cell === 'number' ? { content: String(cell), hAlign: 'right' as const } : printable(cell))),
    ),
  );
  return `${table.toString()}\n`;
}

/** Number of columns of the terminal; a default without a terminal. */
export const widthOf = ({ columns }: Output): number => columns ?? 120;
