import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import { knownConnection, readConfigKeys } from './connections.ts';
import { withDatabaseErrors } from './database/database-errors.ts';
import { inspectDatabase } from './database/inspect-database.ts';
import { inspectJobs } from './database/inspect-jobs.ts';
import { countStored, readEvents, readHistory } from './events/read-events.ts';
import { readConnections, readKnownNames } from './events/read-known.ts';
import { countTimeline, readNewChanges, readTimeline } from './events/read-timeline.ts';
import { readLayout } from './layouts/layout.ts';
import type { Layout } from './layouts/layout.ts';
import { readCoverage } from './progress/read-coverage.ts';
import { openRecord } from './store.ts';
import type { StoredRecord } from './store.ts';

/** The questions of a StoredRecord. */
const recordNames = ['arePainchains', 'readProjects', 'readStates', 'readGaps', 'countTags', 'countEvents', 'readIdentities'] as const;

/** What commands ask of the stored data of one connection. */
export type ReadableRecord = Pick<StoredRecord, (typeof recordNames)[number]>;

/** Asks one question of the stored data of a connection. Throws DatabaseError. */
async function readRecord(
  em: SqlEntityManager,
  connectionId: number,
  name: keyof ReadableRecord,
  args: readonly unknown[],
): Promise<unknown> {
  if (!recordNames.includes(name)) throw new DatabaseError('the poller is of another version than this command');
  const record = await openRecord(em, connectionId);
  return (record[name] as (...rest: readonly unknown[]) => Promise<unknown>)(...args);
}

/** What the database holds: this program's tables, PainChain's, or others. Throws DatabaseError. */
const readLayoutOf = (em: SqlEntityManager): Promise<Layout> =>
  withDatabaseErrors(() => readLayout((text) => em.fork({ clear: true }).execute(text)));

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
  inspectDatabase,
  inspectJobs,
  readLayoutOf,
  knownConnection,
  readConfigKeys,
  readRecord,
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

/** The stored data of a connection, through these functions. */
export const recordFrom = (reads: Reads, connectionId: number): ReadableRecord =>
  Object.fromEntries(
    recordNames.map((name) => [name, (...args: readonly unknown[]) => reads.readRecord(connectionId, name, args)]),
  ) as unknown as ReadableRecord;
