import { GraphqlError, InvalidResponseError, ResponseTooLargeError, ServerError, UnreachableError } from '../errors.ts';
import type { GitlabRequestError, GitlabSyncError } from '../errors.ts';
import type { AdaptiveSizes } from './limits/adaptive-size.ts';
import { numberOfGlobalId } from './ids.ts';
import type { ConnectionPage } from './paging.ts';
import { hasFailedRows } from './salvage.ts';

/** What a list of names says of a row. */
export interface ListedRow {
  /** Unique in its list: a number in the project, the name of a tag. */
  readonly key: string;
  /** When GitLab changed it last. Null where the list does not say. */
  readonly changedAt: Date | null;
}

/** A row that GitLab lists and cannot answer. */
export interface UnreadRow extends ListedRow {
  readonly error: Pick<GitlabSyncError, 'message' | 'code'>;
  /** Whether GitLab fails on lists with this row in it. Default: true. */
  readonly breaksLists?: boolean;
}

/** A page, with the rows of it that GitLab could not answer. */
export type PageAround<N> = ConnectionPage<N> & { readonly unread?: readonly UnreadRow[] };

/** Where a page begins, and how many rows it has at the most. */
export interface Place {
  readonly first: number;
  readonly after?: string;
}

/** A row with the cursor behind it. */
export interface RowWithCursor extends ListedRow {
  readonly cursor: string;
}

/** A page of names, in GitLab's shape. */
interface Edges {
  readonly edges: ReadonlyArray<{ readonly cursor: string | null; readonly node: NamedRow | null } | null> | null;
  readonly pageInfo: ConnectionPage<unknown>['pageInfo'];
}

/** A page of names. */
export const namesOf = ({ edges, pageInfo }: Edges): { readonly rows: RowWithCursor[]; readonly pageInfo: Edges['pageInfo'] } => ({
  rows: (edges ?? []).flatMap((edge) => (edge?.node && edge.cursor !== null ? [{ ...listedRow(edge.node), cursor: edge.cursor }] : [])),
  pageInfo,
});

/** What names a row of any list, and when it changed. */
export interface NamedRow {
  readonly iid?: string;
  readonly updatedAt?: string;
  readonly tagName?: string | null;
  readonly id?: string;
}

/** A row of any list by its name. */
export function listedRow({ iid, updatedAt, tagName, id }: NamedRow): ListedRow {
  const key = iid ?? tagName ?? String(numberOfGlobalId(id ?? ''));
  return { key, changedAt: updatedAt === undefined ? null : new Date(updatedAt) };
}

/** A list with rows that GitLab may not be able to answer. */
export interface List<N> {
  readonly operation: string;
  /** A page with everything of its rows. With `isExact` it has `first` rows or fails; else as many as GitLab bears. */
  readonly page: (place: Place, options?: { readonly isExact: true }) => Promise<ConnectionPage<N>>;
  /** A page of names only. */
  readonly names: (place: Place) => Promise<{ readonly rows: readonly RowWithCursor[]; readonly pageInfo: ConnectionPage<N>['pageInfo'] }>;
  readonly keyOf: (node: N) => string;
  /** Whether a row has what it is placed and named by; else it has failed. Absent: GitLab has such fields, or the row is null. */
  readonly isUsable?: (node: N) => boolean;
  /** How to ask for a row alone: whole, and then without the fields that cost GitLab most. Null: there is no such row any more. */
  readonly alone: ReadonlyArray<(key: string) => Promise<N | null>>;
  /** GitLab is known to fail on a page of it: names are asked for at once. */
  readonly startsWithNames: boolean;
  /** Whether a row is known to fail, and not to be asked for now. */
  readonly isWaiting: (row: ListedRow) => boolean;
}

/**
 * A page of a list. Where GitLab cannot answer for single rows, it has all others, and names those: a page of names tells the rows
 * apart, halves of the page find the ones that fail, and each of them is asked for alone. Throws when GitLab answers no page of names
 * either: then it is not the row.
 */
export async function readAround<N extends object>(list: List<N>, place: Place, sizes: AdaptiveSizes): Promise<PageAround<N>> {
  const page = list.startsWithNames ? null : await wholePage(list, place);
  if (page && 'nodes' in page) return page;
  const { rows, pageInfo } = await list.names(place).catch((error: unknown) => {
    throw page ? page.failure : error;
  });
  if (rows.length === 0 && page) throw page.failure;
  const { nodes, unread, failed } = await readBetween(list, place, rows);
  // Nothing failed alone: it was the size, or it is over.
  if (failed === 0) sizes.noteTooMuch(list.operation, { size: rows.length, factor: 0.5 });
  return { nodes, pageInfo, unread };
}

/** A page as it is, or with the rows that failed in it asked for alone; or why it failed as a whole. */
async function wholePage<N extends object>(list: List<N>, place: Place): Promise<PageAround<N> | { readonly failure: GitlabRequestError }> {
  try {
    const page = usable(list, await list.page(place));
    return page.isWhole ? page.page : { ...page.page, ...(await withFailedRows(list, place, page.page)) };
  } catch (failure) {
    if (!mayBeOfARow(failure)) throw failure;
    return { failure };
  }
}

/** A page with null in place of rows that are of no use, and whether there are none. */
function usable<N extends object>(
  { isUsable = () => true }: Pick<List<N>, 'isUsable'>,
  page: ConnectionPage<N>,
): { readonly page: ConnectionPage<N>; readonly isWhole: boolean } {
  const nodes = (page.nodes ?? []).map((node) => (node && isUsable(node) ? node : null));
  const areAllUsable = nodes.every((node, index) => node !== null || page.nodes?.[index] === null);
  return areAllUsable ? { page, isWhole: !hasFailedRows(page) } : { page: { ...page, nodes }, isWhole: false };
}

interface Found<N> {
  readonly nodes: readonly N[];
  readonly unread: readonly UnreadRow[];
}

/** The rows between those that are known to fail, in the order of the list. */
async function readBetween<N extends object>(
  list: List<N>,
  place: Place,
  rows: readonly RowWithCursor[],
): Promise<Found<N> & { readonly failed: number }> {
  const nodes: N[] = [];
  const unread: UnreadRow[] = [];
  let failed = 0;
  /** GitLab has answered since the last row that failed. */
  let isUp = false;
  const alone = async (row: ListedRow, error: GitlabRequestError) => {
    failed++;
    isUp = false;
    await askAlone(list, { row, error }, { nodes, unread });
  };
  const read = async (from: number, to: number): Promise<void> => {
    const before = from === 0 ? place.after : rows[from - 1]?.cursor;
    try {
      const answer = await list.page({ first: to - from, ...(before === undefined ? {} : { after: before }) }, { isExact: true });
      isUp = true;
      const { page, isWhole } = usable(list, answer);
      const present = (page.nodes ?? []).filter((node) => node !== null);
      nodes.push(...present);
      if (isWhole) return;
      const keys = new Set(present.map(list.keyOf));
      for (const row of rows.slice(from, to)) if (!keys.has(row.key)) await alone(row, noRow(list.operation, row));
    } catch (error) {
      if (!mayBeOfARow(error)) throw error;
      const [row] = rows.slice(from, to);
      if (to - from === 1 && row) await alone(row, error);
      else await halves(from, to);
    }
  };
  const halves = async (from: number, to: number): Promise<void> => {
    const middle = Math.ceil((from + to) / 2);
    await read(from, middle);
    if (middle < to) await read(middle, to);
  };
  const ranges = rangesOf(rows, list.isWaiting);
  const [only] = ranges;
  // The page as it is has just failed.
  if (!list.startsWithNames && only && only.to - only.from === rows.length && rows.length > 1) await halves(0, rows.length);
  else for (const { from, to } of ranges) await read(from, to);
  if (!isUp) await throwIfDown(list, unread);
  return {
    nodes: inOrder(nodes, rows, list),
    unread,
    failed: failed + (list.startsWithNames || ranges.length !== 1 ? 1 : 0),
  };
}

/** The ranges of rows that are not waiting. */
function rangesOf(rows: readonly ListedRow[], isWaiting: List<never>['isWaiting']): Array<{ readonly from: number; readonly to: number }> {
  const ranges: Array<{ from: number; to: number }> = [];
  for (const [index, row] of rows.entries()) {
    const last = ranges.at(-1);
    if (isWaiting(row)) continue;
    if (last?.to === index) last.to++;
    else ranges.push({ from: index, to: index + 1 });
  }
  return ranges;
}

/** GitLab has answered a page, with null in place of rows. */
async function withFailedRows<N extends object>(list: List<N>, place: Place, page: ConnectionPage<N>): Promise<Found<N>> {
  const present = (page.nodes ?? []).filter((node) => node !== null);
  const keys = new Set(present.map(list.keyOf));
  const { rows } = await list.names({ ...place, first: page.nodes?.length ?? place.first });
  const missing = rows.filter((row) => !keys.has(row.key) && !list.isWaiting(row));
  const found = { nodes: [...present], unread: [] };
  for (const row of missing) await askAlone(list, { row, error: noRow(list.operation, row) }, found);
  return { ...found, nodes: inOrder(found.nodes, rows, list) };
}

/** Rows in the order of a page of names; others, which came or went between the two, are the first: the last row is one that proves how far the list was read. */
function inOrder<N>(nodes: readonly N[], rows: readonly ListedRow[], { keyOf }: Pick<List<N>, 'keyOf'>): N[] {
  const order = new Map(rows.map(({ key }, index) => [key, index]));
  const placeOf = (node: N) => order.get(keyOf(node)) ?? -1;
  return nodes.toSorted((a, b) => placeOf(a) - placeOf(b));
}

const noRow = (operation: string, { key }: ListedRow) =>
  new GraphqlError([{ message: `null in place of ${key}, with an error` }], { operation });

/** A row that has failed in its list, and how. */
interface FailedRow {
  readonly row: ListedRow;
  readonly error: GitlabRequestError;
}

/** Asks for a failed row alone, and adds it to what was found. */
async function askAlone<N extends object>(
  { alone, isUsable = () => true }: Pick<List<N>, 'alone' | 'isUsable'>,
  { row: { key, changedAt }, error }: FailedRow,
  found: { readonly nodes: N[]; readonly unread: UnreadRow[] },
): Promise<void> {
  let last = error;
  for (const ask of alone) {
    try {
      const node = await ask(key);
      if (node !== null && !isUsable(node)) continue;
      if (node !== null) found.nodes.push({ ...node, breaksLists: true });
      return;
    } catch (failure) {
      if (!mayBeOfARow(failure)) throw failure;
      last = failure;
    }
  }
  found.unread.push({ key, changedAt, error: last });
}

/** When GitLab answers no page of names any more, it is not the rows. */
async function throwIfDown<N>({ names }: List<N>, unread: readonly UnreadRow[]): Promise<void> {
  const [first] = unread;
  if (!first) return;
  await names({ first: 1 }).catch(() => {
    throw first.error;
  });
}

/** Whether a request may have failed because of a single row in its answer. */
export function mayBeOfARow(error: unknown): error is GitlabRequestError {
  if (error instanceof ServerError || error instanceof ResponseTooLargeError || error instanceof InvalidResponseError) return true;
  if (error instanceof UnreachableError) return error.systemCode === 'TIMEOUT';
  return error instanceof GraphqlError;
}

/** Asks for a row alone, in each way until one succeeds; null when there is none. Throws the last error. */
export async function readAlone<N extends object>(alone: List<N>['alone'], key: string): Promise<N | null> {
  const [first, ...others] = alone;
  if (!first) return null;
  try {
    return await first(key);
  } catch (error) {
    if (others.length === 0 || !mayBeOfARow(error)) throw error;
    return readAlone(others, key);
  }
}
