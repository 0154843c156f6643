import { isTimeout } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';

/** A row of which GitLab could not answer some fields: they are null, and named here. */
export interface Salvaged {
  readonly unknownFields?: readonly string[];
}

/** The fields of a row that GitLab could not answer. */
export const unknownFieldsOf = (row: object): readonly string[] | undefined => (row as Salvaged).unknownFields;

/** The fields of rows that an answer has errors in, by the position of the row. */
type FailedFields = ReadonlyMap<number, ReadonlySet<string>>;

/**
 * The rows of a list with the names of their fields that GitLab could not answer. Null when more is missing than single fields: a row
 * as a whole, or the list. `path` leads to the rows in the answer.
 */
function salvageRows<N extends object>(
  rows: ReadonlyArray<N | null> | null,
  errors: readonly GraphqlErrorEntry[],
  path: ReadonlyArray<string | number>,
): ReadonlyArray<(N & Salvaged) | null> | null {
  if (!rows) return null;
  const failed = failedFields(errors, path);
  if (!failed || [...failed.keys()].some((index) => !rows[index])) return null;
  return rows.map((row, index) => {
    const fields = failed.get(index);
    return row && fields ? { ...row, unknownFields: [...fields].toSorted() } : row;
  });
}

/** Null when an error is not about a field of a row. */
function failedFields(errors: readonly GraphqlErrorEntry[], path: ReadonlyArray<string | number>): FailedFields | null {
  const failed = new Map<number, Set<string>>();
  for (const { path: place = [] } of errors) {
    const [index, field] = place.slice(path.length);
    const isInside = path.every((step, position) => place[position] === step);
    if (!isInside || typeof index !== 'number' || typeof field !== 'string') return null;
    failed.set(index, (failed.get(index) ?? new Set()).add(field));
  }
  return failed;
}

/** A list of rows in a project's answer. */
export interface RowList<N> {
  readonly nodes: ReadonlyArray<N | null> | null;
}

/**
 * A list with the names of the fields that GitLab could not answer in its rows. Null when the answer is of no use: more is missing, or
 * GitLab ran out of time, and a smaller request may bring all. When time runs out in a row, everything after it is missing too; so a
 * row that is followed by a complete one fails by itself.
 */
export function salvageList<N extends object, L extends RowList<N>>(
  list: L | null,
  errors: readonly GraphqlErrorEntry[],
  { path, isSmallest }: { readonly path: ReadonlyArray<string | number>; readonly isSmallest: boolean },
): L | null {
  if (errors.length === 0) return list;
  const nodes = salvageRows(list?.nodes ?? null, errors, [...path, 'nodes']);
  const mayBeLate = !isSmallest && errors.some(isTimeout) && nodes?.at(-1)?.unknownFields !== undefined;
  return list && nodes && !mayBeLate ? { ...list, nodes } : null;
}

/** Steps of an error's path from a project to a field of a row: the name of the list, `nodes`, the position, the field. */
export const stepsToField = 4;
