import { printable } from '../printable.ts';
import { tableOf } from './table.ts';
import { unbreakableWidth, widthOfText, wrap } from './wrap.ts';

/** A column of a table that fits into a terminal. A column without any text is left out. */
export interface Column {
  readonly head: string;
  readonly cells: readonly string[];
  /**
   * What may happen when the terminal is narrow. `wrap`: the text takes several lines. `below`: the text, which is never broken in a table, goes
   * below that of the first column with `wrap`. Absent: the column keeps its width.
   */
  readonly fit?: 'wrap' | 'below';
  /** The cells are numbers: to the right, and with their head where there is no row of heads. */
  readonly isNumber?: boolean;
}

/** A wrapped column next to columns that could go below it is not narrower than this. */
const comfortable = 40;
/** No wrapped column is narrower than this. */
const narrowest = 24;

/**
 * Columns as a table of at most `width` columns of the terminal: with each row in one line where that fits, else with lines that are wrapped
 * between words, else without borders, each row on two lines or more. A column without any text is left out.
 */
export function fittedTable(columns: readonly Column[], width: number): string {
  const full = shownOf(columns);
  const wide = layout(full, width, () => comfortable);
  if (wide) return wide;
  const merged = withBelow(full);
  const floorOf = ({ cells, below = [] }: Merged) => Math.max(narrowest, largest(cells.map(unbreakableWidth)), widest(below.flat()));
  return layout(merged, width, floorOf) ?? stacked(full, width, true);
}

/** The columns that have texts, without characters that are not printable. */
const shownOf = (columns: readonly Column[]): Column[] =>
  columns
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({ ...column, cells: column.cells.map((cell) => printable(cell).trim()) }));

interface Merged extends Column {
  /** For each row, the texts below. */
  readonly below?: ReadonlyArray<readonly string[]>;
}

function withBelow(columns: readonly Column[]): Merged[] {
  const main = columns.find(({ fit }) => fit === 'wrap');
  const lower = columns.filter(({ fit }) => fit === 'below');
  const textsOf = (row: number) => lower.map(({ cells }) => cells[row] ?? '').filter((text) => text !== '');
  return columns
    .filter(({ fit }) => fit !== 'below')
    .map((column) => (column === main ? { ...column, below: column.cells.map((_, row) => textsOf(row)) } : column));
}

/** The table with borders; null when the columns do not fit. */
function layout(columns: readonly Merged[], width: number, floorOf: (column: Merged) => number): string | null {
  const natural = columns.map(({ head, cells, below = [] }) => widest([head, ...cells, ...below.flat()]));
  const least = columns.map((column, index) =>
    column.fit === 'wrap' ? Math.min(natural[index] ?? 0, Math.max(widthOfText(column.head), floorOf(column))) : (natural[index] ?? 0),
  );
  const widths = shared(least, natural, width - (3 * columns.length + 1));
  if (!widths) return null;
  const rows = (columns[0]?.cells ?? []).map((_, row) =>
    columns.map(({ cells, below = [], isNumber }, index) => {
      const lines = [...wrap(cells[row] ?? '', widths[index] ?? 0), ...(below[row] ? wrap(below[row].join(' '), widths[index] ?? 0) : [])];
      return isNumber && cells[row] !== '' ? Number(cells[row]) : lines.filter((line, place) => place === 0 || line !== '');
    }),
  );
  return tableOf({ head: columns.map(({ head }) => head), rows, widths: widths.map((text) => text + 2) });
}

/** Widths between `least` and `most` that fill the room; null when there is not enough of it. */
function shared(least: readonly number[], most: readonly number[], room: number): number[] | null {
  const widths = [...least];
  let rest = room - widths.reduce((sum, width) => sum + width, 0);
  if (rest < 0) return null;
  for (;;) {
    const growing = widths.flatMap((width, index) => (width < (most[index] ?? 0) ? [index] : []));
    const share = Math.floor(rest / growing.length);
    if (growing.length === 0 || share === 0) return widths;
    for (const index of growing) {
      const before = widths[index] ?? 0;
      const after = Math.min(most[index] ?? 0, before + share);
      widths[index] = after;
      rest -= after - before;
    }
  }
}

/**
 * Rows without borders: the cells that keep their width, the wrapped ones beside them, or below where they take more than half of the line, and
 * below those the others. `hasHead`: the heads come first.
 */
function stacked(columns: readonly Column[], width: number, hasHead: boolean): string {
  const [fixed, wrapped, lower] = [undefined, 'wrap', 'below'].map((fit) => columns.filter((column) => column.fit === fit)) as [
    Column[],
    Column[],
    Column[],
  ];
  const widths = fixed.map(({ head, cells }) => widest(hasHead ? [head, ...cells] : cells));
  const indent = widths.reduce((sum, column) => sum + column + 2, 0);
  const isBeside = indent <= width / 2 && !fixed.some(({ isNumber }) => isNumber);
  const linesOf = ([first, texts, below]: readonly [readonly string[], readonly string[], readonly string[]]): string[] => {
    const others = isBeside ? texts.flatMap((text) => wrap(text, width - indent)) : [];
    const begin = isBeside
      ? `${first.map((text, index) => padded(text, (widths[index] ?? 0) + 2)).join('')}${others[0] ?? ''}`.trimEnd()
      : joined(first, width).join('\n  ');
    const last = wrap(below.join(' '), width - 2);
    return [
      begin,
      ...(isBeside ? others.slice(1) : texts.flatMap((text) => wrap(text, width - 2))).map(
        (text) => `${' '.repeat(isBeside ? indent : 2)}${text}`,
      ),
      ...last.map((text) => `${' '.repeat(isBeside && last.every((one) => widthOfText(one) <= width - indent) ? indent : 2)}${text}`),
    ].filter((line) => line.trim() !== '');
  };
  const textOf = ({ head, cells, isNumber }: Column, row: number) =>
    isNumber && cells[row] !== '' ? `${head} ${cells[row] ?? ''}` : (cells[row] ?? '');
  const textsOf = (some: readonly Column[], row: number) => some.map((column) => textOf(column, row));
  const filled = (texts: readonly string[]) => texts.filter((text) => text !== '');
  const heads = [fixed.map(({ head, isNumber }) => (isNumber ? '' : head)), wrapped.map(({ head }) => head), []] as const;
  const rows = (columns[0]?.cells ?? []).map(
    (_, row) => [textsOf(fixed, row), filled(textsOf(wrapped, row)), filled(textsOf(lower, row))] as const,
  );
  return [...(hasHead ? [heads] : []), ...rows]
    .flatMap(linesOf)
    .map((line) => `${line}\n`)
    .join('');
}

/** Math.max cannot take the cells of a table of 200,000 rows. */
const largest = (numbers: readonly number[]): number => numbers.reduce((most, one) => Math.max(most, one), 0);
const widest = (texts: readonly string[]): number => largest(texts.map(widthOfText));

const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - widthOfText(text)));

/** Columns without borders and heads, for rows that come one after the other. */
export const stackedRows = (columns: readonly Column[], width: number): string => stacked(shownOf(columns), width, false);

/** Texts beside each other, two spaces apart, on as many lines as that takes. */
function joined(texts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const text of texts.filter((one) => one !== '')) {
    const longer = lines.length === 0 ? text : `${lines.at(-1) ?? ''}  ${text}`;
    if (lines.length > 0 && widthOfText(longer) <= width - 2) lines[lines.length - 1] = longer;
    else lines.push(...wrap(text, width - 2));
  }
  return lines;
}
