import assert from 'node:assert/strict';

/** The same list. Throws when it is empty: `test.each` of an empty list is no test, and nothing says so. */
export function notEmpty<T>(list: readonly T[]): readonly T[] {
  assert(list.length > 0, 'a list of cases is empty: what it is made from has changed');
  return list;
}
