import type { Missing } from './validation-errors.ts';

/** Fields, arguments and types that one GitLab lacks. Everything in a process that reads this GitLab shares them. */
export interface MissingFields {
  /** Names of what is missing, for people: `Pipeline.source`, `projects(fullPaths:)`. Each name once, sorted. */
  missing(): readonly string[];
  /** The name of what is missing, by the key of its place or type; undefined when nothing with this key is known to be missing. */
  nameOf(key: string): string | undefined;
  /** Stores what is missing. Returns true when its name was never stored before. */
  note(missing: Missing): boolean;
}

/** After this time the connector asks for a missing field again, because a GitLab may be upgraded while a poller runs. */
export const memoryMs = 60 * 60_000;

/** Creates an empty memory. `now` returns milliseconds. */
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
