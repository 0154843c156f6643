import { isTimeout } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';

/** A row of which GitLab could not answer some fields: they are null, and named here. */
export interface Salvaged {
  readonly unknownFields?: readonly string[];
  /** GitLab fails on lists with this row in it. */
  readonly breaksLists?: true;
}

/** What GitLab could not answer of a row. */
export function salvagedOf(row: object): Salvaged {
  const { unknownFields, breaksLists } = row as Salvaged;
  return { ...(unknownFields ? { unknownFields } : {}), ...(breaksLists ? { breaksLists } : {}) };
}

/** A row without the fields that cost GitLab most, which are null. */
export const withoutFields = <N extends object, F extends string>(
  row: N,
  fields: readonly F[],
): Omit<N, F> & Record<F, null> & Salvaged => ({
  ...row,
  ...(Object.fromEntries(fields.map((field) => [field, null])) as Record<F, null>),
  unknownFields: [...new Set([...((row as Salvaged).unknownFields ?? []), ...fields])].toSorted(),
});

/** A list in whose answer rows are null because GitLab failed on them. */
interface WithFailedRows {
  readonly hasFailedRows?: true;
}

/** Whether GitLab has answered a list, but not each of its rows. */
export const hasFailedRows = (list: object): boolean => (list as WithFailedRows).hasFailedRows === true;

/** The fields of rows that an answer has errors in, by the position of the row; null = the row as a whole. */
type FailedFields = ReadonlyMap<number, ReadonlySet<string> | null>;

/** Null when an error is about more than a row. */
function failedFields(errors: readonly GraphqlErrorEntry[], path: ReadonlyArray<string | number>): FailedFields | null {
  const failed = new Map<number, Set<string> | null>();
  for (const { path: place = [] } of errors) {
    const [index, field] = place.slice(path.length);
    const isInside = path.every((step, position) => place[position] === step);
    if (!isInside || typeof index !== 'number') return null;
    const known = failed.get(index);
    if (typeof field !== 'string') failed.set(index, null);
    else if (known !== null) failed.set(index, (known ?? new Set()).add(field));
  }
  return failed;
}

/** A list of rows in a project's answer. */
export interface RowList<N> {
  readonly nodes: ReadonlyArray<N | null> | null;
}

/**
 * A list with the names of the fields that GitLab could not answer in its rows; rows that it could not answer at all are null. Null when
 * the answer is of no use: more is missing, or GitLab ran out of time, and a smaller request may bring all. When time runs out in a row,
 * everything after it is missing too; so a row that is followed by a complete one fails by itself.
 */
export function salvageList<N extends object, L extends RowList<N>>(
  list: L | null,
  errors: readonly GraphqlErrorEntry[],
  { path, isSmallest }: { readonly path: ReadonlyArray<string | number>; readonly isSmallest: boolean },
): (L & WithFailedRows) | null {
  if (errors.length === 0) return list;
  const rows = list?.nodes;
  const failed = failedFields(errors, [...path, 'nodes']);
  if (!list || !rows || !failed) return null;
  // Later, a request may end before the rows behind such a row.
  const timedOut = new Set(errors.filter(isTimeout).map(({ path: place }) => place?.[path.length + 1]));
  const nodes = rows.map((row, index) => {
    const fields = failed.get(index);
    return row && fields
      ? { ...row, unknownFields: [...fields].toSorted(), ...(timedOut.has(index) ? { breaksLists: true as const } : {}) }
      : row;
  });
  const isLate = !isSmallest && errors.some(isTimeout) && failed.has(nodes.length - 1);
  if (isLate) return null;
  return { ...list, nodes, ...([...failed.keys()].some((index) => !rows[index]) ? { hasFailedRows: true as const } : {}) };
}

/**
 * A row that was asked for alone, with the names of the fields that GitLab could not answer. Null when it could not answer the row.
 * `path` leads to the row in the answer.
 */
export function salvageRow<N extends object>(
  row: N | null,
  errors: readonly GraphqlErrorEntry[],
  path: ReadonlyArray<string | number>,
): (N & Salvaged) | null {
  const fields = errors.map(({ path: place = [] }) =>
    path.every((step, position) => place[position] === step) ? place[path.length] : undefined,
  );
  if (!row || fields.some((field) => typeof field !== 'string')) return null;
  return { ...row, unknownFields: [...new Set(fields as string[])].toSorted() };
}

/** Steps of an error's path from a project to a field of a row: the name of the list, `nodes`, the position, the field. */
export const stepsToField = 4;
