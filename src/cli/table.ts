import Table from 'cli-table3';
import { printable } from '../printable.ts';
import type { Output } from './io.ts';

/** The content of a table. */
export interface TableContent {
  readonly head: readonly string[];
  /** A cell of several texts has each in a line of its own. */
  readonly rows: ReadonlyArray<ReadonlyArray<string | number | readonly string[]>>;
  /** Width of each column with its padding, for texts that fit. Absent: each column is as wide as its texts. */
  readonly widths?: readonly number[];
}

/** cli-table3 takes time that grows with the square of the number of rows. */
const rowsAtOnce = 500;

/** Formats rows as a table with a head, without colours. */
export function tableOf({ head, rows, widths }: TableContent): string {
  if (!widths) return `${partOf({ head, rows })}\n`;
  const parts: string[][] = [];
  for (let start = 0; start === 0 || start < rows.length; start += rowsAtOnce) {
    const some = rows.slice(start, start + rowsAtOnce);
    const lines = partOf({ head: start === 0 ? head : [], rows: some, widths }).split('\n');
    // The border above is the one below the part before.
    parts.push(lines.slice(start === 0 ? 0 : 1, start + rowsAtOnce < rows.length ? -1 : undefined));
  }
  return `${parts.map((lines) => lines.join('\n')).join('\n')}\n`;
}

function partOf({ head, rows, widths }: TableContent): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    ...(widths ? { colWidths: [...widths] } : {}),
  });
  table.push(
    ...rows.map((row) =>
      row.map((cell) => {
        if (typeof cell === 'number') return { content: String(cell), hAlign: 'right' as const };
        return typeof cell === 'string' ? printable(cell) : cell.map(printable).join('\n');
      }),
    ),
  );
  return table.toString();
}

/** Number of columns of the terminal; a default without a terminal. */
export const widthOf = ({ columns }: Output): number => columns ?? 120;
