import Table from 'cli-table3';
import { printable } from '../printable.ts';
import type { Output } from './io.ts';

/** The content of a table. */
export interface TableContent {
  readonly head: readonly string[];
  /** A cell of several texts has each in a line of its own. */
  readonly rows: ReadonlyArray<ReadonlyArray<string | number | readonly string[]>>;
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
      row.map((cell, index) => {
        if (typeof cell === 'number') return { content: String(cell), hAlign: 'right' as const };
        const texts = typeof cell === 'string' ? [cell] : cell.filter((text) => text !== '');
        return texts.map((text) => broken(printable(text), (widths?.[index] ?? Infinity) - padding)).join('\n');
      }),
    ),
  );
  return `${table.toString()}\n`;
}

const padding = 2;

/** A text whose words fit in a column: the table would cut an address or an id that is longer. */
function broken(text: string, width: number): string {
  if (text.length <= width) return text;
  // oxlint-disable-next-line no-control-regex -- a character of ASCII takes one column, others may take two
  return text.replaceAll(/[\x21-\x7e]+/g, (word) =>
    word.length > width ? (word.match(new RegExp(`.{1,${width}}`, 'g')) ?? []).join('\n') : word,
  );
}

/** Number of columns of the terminal; a default without a terminal. */
export const widthOf = ({ columns }: Output): number => columns ?? 120;
