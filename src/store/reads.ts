import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { countStored, readEvents, readHistory } from './events/read-events.ts';
import { readConnections, readKnownNames } from './events/read-known.ts';
import { countTimeline, readNewChanges, readTimeline } from './events/read-timeline.ts';
import { readCoverage } from './progress/read-coverage.ts';

/** Every function through which commands that only read use a database. The process that has the embedded database open runs them for others. */
const functions = {
  readTimeline,
  countTimeline,
  readNewChanges,
  readCoverage,
  readEvents,
  countStored,
  readHistory,
  readConnections,
  readKnownNames,
};

type WithoutFirst<T> = T extends (em: SqlEntityManager, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result : never;

/** The functions, without their first parameter. */
export type Reads = { readonly [Name in keyof typeof functions]: WithoutFirst<(typeof functions)[Name]> };

/** The names of the functions. */
export const readNames = Object.keys(functions) as ReadonlyArray<keyof Reads>;

/** The functions over a database. */
export const readsOf = (em: SqlEntityManager): Reads =>
  readsFrom((name, args) => (functions[name] as (em: SqlEntityManager, ...rest: readonly unknown[]) => Promise<unknown>)(em, ...args));

/** The functions, each of which calls `ask` with its name and its arguments. */
export const readsFrom = (ask: (name: keyof Reads, args: readonly unknown[]) => Promise<unknown>): Reads =>
  Object.fromEntries(readNames.map((name) => [name, (...args: readonly unknown[]) => ask(name, args)])) as unknown as Reads;
