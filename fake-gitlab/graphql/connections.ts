import { GraphQLError } from 'graphql';
import { cursorTime, parseCursorTime } from '../world/time.ts';
import type { Micros } from '../world/time.ts';

/** Paging arguments of a connection. */
export interface PageArgs {
  readonly first?: number | null;
  readonly after?: string | null;
}

/** A column of an order. GitLab puts each of these columns into the cursor. */
export interface OrderColumn<T> {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
  readonly type: 'id' | 'time';
  readonly value: (row: T) => number;
}

/** The rows of a connection, and how they are listed. */
export interface KeysetList<T> {
  readonly rows: readonly T[];
  /** Which rows are in the list. Default: all. */
  readonly where?: (row: T) => boolean;
  readonly order: ReadonlyArray<OrderColumn<T>>;
  /** For long lists: grows with every change of the rows. The rows are sorted once for each revision. */
  readonly revision?: number;
  readonly toNode: (row: T) => object;
  /** False for rows that the token may not read, which GitLab removes after paging. */
  readonly isVisible?: (row: T) => boolean;
  /** Largest page. Most lists have 100. */
  readonly maxPageSize?: number;
}

/** A connection of rows in an order of the database, with keyset cursors as GitLab encodes them. */
export function keysetConnection<T>(list: KeysetList<T>, args: PageArgs) {
  const { rows, where = () => true, order, toNode, isVisible = () => true, maxPageSize = 100 } = list;
  const sorted = inOrder(list);
  const size = pageSize(args, maxPageSize);
  const page: T[] = [];
  let hasNextPage = false;
  for (let index = args.after ? placeAfter(sorted, order, parseCursor(args.after, order)) : 0; index < sorted.length; index++) {
    const row = sorted[index] as T;
    if (!where(row)) continue;
    hasNextPage = page.length === size;
    if (hasNextPage) break;
    page.push(row);
  }
  const last = page.at(-1);
  return {
    // The count includes rows that the token may not see.
    count: () => rows.filter(where).length,
    nodes: page.filter(isVisible).map(toNode),
    edges: () => page.filter(isVisible).map((row) => ({ cursor: formatCursor(order, row), node: toNode(row) })),
    pageInfo: { hasNextPage, endCursor: last ? formatCursor(order, last) : null },
  };
}

interface Sorted {
  readonly revision: number;
  readonly rows: readonly unknown[];
}

/** Sorted rows by list and order, which are valid until the revision grows. */
const sortedRows = new WeakMap<readonly unknown[], Map<string, Sorted>>();

/** The sorted rows of a list, sorted once for each revision. */
export function inOrder<T>({ rows, order, revision }: Pick<KeysetList<T>, 'rows' | 'order' | 'revision'>): readonly T[] {
  const sort = () => rows.toSorted((a, b) => compare(order, keyOf(order, a), keyOf(order, b)));
  if (revision === undefined) return sort();
  const byOrder: Map<string, Sorted> = sortedRows.get(rows) ?? new Map();
  sortedRows.set(rows, byOrder);
  const name = order.map(({ column, direction }) => `${column} ${direction}`).join(', ');
  const known = byOrder.get(name);
  if (known?.revision === revision) return known.rows as readonly T[];
  const sorted = sort();
  byOrder.set(name, { revision, rows: sorted });
  return sorted;
}

/** Index of the first row after a cursor. */
function placeAfter<T>(sorted: readonly T[], order: ReadonlyArray<OrderColumn<T>>, after: readonly number[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(order, keyOf(order, sorted[middle] as T), after) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A connection of a list in memory, whose cursors are positions. */
export function arrayConnection<T>(
  { rows, toNode, maxPageSize = 100 }: Pick<KeysetList<T>, 'rows' | 'toNode' | 'maxPageSize'>,
  args: PageArgs,
) {
  const start = args.after ? positionOf(args.after) : 0;
  const size = pageSize(args, maxPageSize);
  const page = rows.slice(start, start + size);
  return {
    count: rows.length,
    nodes: page.map(toNode),
    edges: () => page.map((row, index) => ({ cursor: formatPosition(start + index + 1), node: toNode(row) })),
    pageInfo: {
      hasNextPage: start + size < rows.length,
      endCursor: page.length > 0 ? formatPosition(start + page.length) : null,
    },
  };
}

const formatPosition = (position: number): string => Buffer.from(String(position)).toString('base64url');

function pageSize({ first }: PageArgs, maxPageSize: number): number {
  return Math.min(first ?? maxPageSize, maxPageSize);
}

const keyOf = <T>(order: ReadonlyArray<OrderColumn<T>>, row: T) => order.map(({ value }) => value(row));

function compare<T>(order: ReadonlyArray<OrderColumn<T>>, a: readonly number[], b: readonly number[]): number {
  for (const [index, { direction }] of order.entries()) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return direction === 'asc' ? difference : -difference;
  }
  return 0;
}

function formatCursor<T>(order: ReadonlyArray<OrderColumn<T>>, row: T): string {
  const entries = order.map(({ column, type, value }) => [column, type === 'time' ? cursorTime(value(row)) : String(value(row))] as const);
  return Buffer.from(JSON.stringify(Object.fromEntries(entries))).toString('base64');
}

function parseCursor<T>(cursor: string, order: ReadonlyArray<OrderColumn<T>>): Micros[] {
  const key = order.map(({ column, type }) => {
    const text = columnIn(cursor, column);
    return type === 'time' ? parseCursorTime(text) : Number(text);
  });
  if (key.some(Number.isNaN)) throw new GraphQLError('Please provide a valid cursor');
  return key;
}

function columnIn(cursor: string, column: string): string {
  try {
    const columns = JSON.parse(Buffer.from(cursor, 'base64').toString()) as Record<string, string>;
    return columns[column] ?? 'missing';
  } catch {
    return 'missing';
  }
}

function positionOf(cursor: string): number {
  const position = Number(Buffer.from(cursor, 'base64url').toString());
  if (!Number.isInteger(position)) throw new GraphQLError('Please provide a valid cursor');
  return position;
}
