import type { Missing } from './validation-errors.ts';

/** What one GitLab turned out not to have. Shared by everything in a process that reads this GitLab. */
export interface MissingFields {
  /** What is missing, for people: `Pipeline.source`, `projects(fullPaths:)`; each once, by name. */
  missing(): readonly string[];
  /** The name of what is missing at a place, or of a missing type; undefined when nothing is known to be. */
  nameOf(key: string): string | undefined;
  /** Notes something; true when its name was never noted before. */
  note(missing: Missing): boolean;
}

/** What was learnt is forgotten after this time, and learnt anew if need be: a GitLab may be upgraded while a poller runs. */
export const memoryMs = 60 * 60_000;

/** Knows nothing yet. `now` in milliseconds. */
export function createMissingFields(now: () => number = Date.now): MissingFields {
  const noted = new Map<string, { readonly name: string; readonly at: number }>();
  const told = new Set<string>();
  const forget = () => {
    const oldest = now() - memoryMs;
    for (const [key, { at }] of noted) if (at < oldest) noted.delete(key);
  };
  return {
    missing: () => {
      forget();
      return [...new Set([...noted.values()].map(({ name }) => name))].toSorted();
    },
    nameOf: (key) => {
      forget();
      return noted.get(key)?.name;
    },
    note: ({ key, name }) => {
      noted.set(key, { name, at: now() });
      const isNew = !told.has(name);
      told.add(name);
      return isNew;
    },
  };
}
