import Table from 'cli-table3';
import { printable } from '../printable.ts';
import type { Output } from './io.ts';

/** What a table shows. */
export interface TableContent {
  readonly head: readonly string[];
  readonly rows: ReadonlyArray<ReadonlyArray<string | number>>;
  /** Width of each column with its padding; texts are wrapped into it. As wide as they need when absent. */
  readonly widths?: readonly number[];
}

/** Rows as a table with a head, without colours. */
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

/** Columns of the terminal, or of a page where there is none. */
export const widthOf = ({ columns }: Output): number => columns ?? 120;
