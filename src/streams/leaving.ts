import type { ChangeEvent } from '../events/change-event.ts';
import { mayBeOfARow } from '../gitlab/read-around.ts';

/** What asking for rows by name brought: null for a row that GitLab answered with nothing, and without an error. Rows on which it failed are missing. */
export type RowsByName = ReadonlyMap<string, ChangeEvent | null>;

/** Reads rows one by one. `read` resolves to null for a row that GitLab does not have. */
export async function readEach(keys: readonly string[], read: (key: string) => Promise<ChangeEvent | null>): Promise<RowsByName> {
  const answers = new Map<string, ChangeEvent | null>();
  for (const key of keys) {
    try {
      answers.set(key, await read(key));
    } catch (error) {
      if (!mayBeOfARow(error)) throw error;
    }
  }
  return answers;
}
