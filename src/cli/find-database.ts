import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import type { FoundDatabase } from '../operations/check/check.ts';
import type { Config } from '../config/parse-config.ts';
import { ConfigurationError, DataDirInUseError, DatabaseError } from '../errors.ts';
import { openDatabase } from '../store/database/database.ts';
import type { Database } from '../store/database/database.ts';
import { readsOf, recordFrom } from '../store/reads.ts';
import type { ReadableRecord } from '../store/reads.ts';
import { openRecord } from '../store/store.ts';
import { sharedReads } from '../store/shared-reads.ts';

type OpenDatabase = Extract<FoundDatabase, { readonly kind: 'open' }>;

/** An open database, here or in the poller. */
interface ReadableDatabase extends OpenDatabase {
  readonly openRecord: (connectionId: number) => Promise<ReadableRecord>;
}

/** Opens the database for an action that only reads, and closes it afterwards. While a poller has the embedded database open, the poller answers. Creates nothing: a missing database is a result. */
export async function withFoundDatabase<T>(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  action: (found: Exclude<FoundDatabase, OpenDatabase> | ReadableDatabase) => Promise<T>,
): Promise<T> {
  const { databaseUrl, dataDir } = config;
  if (!databaseUrl && !existsSync(path.join(dataDir, 'pglite'))) {
    return action({ kind: 'absent', description: `embedded database in ${dataDir}`, isWritable: isWritable(dataDir) });
  }
  let database: Database;
  try {
    database = await openDatabase(config);
  } catch (error) {
    // An embedded database whose folder may not be written is a finding; a wrong DATABASE_URL is a wrong command line.
    const isFound = error instanceof DatabaseError || (error instanceof ConfigurationError && !databaseUrl);
    if (!isFound) throw error;
    const shared = error instanceof DataDirInUseError ? sharedReads(dataDir) : null;
    if (!shared) return action({ kind: 'failed', error });
    return action({ kind: 'open', reads: shared, openRecord: (id) => Promise.resolve(recordFrom(shared, id)) });
  }
  try {
    const { em } = database;
    return await action({ kind: 'open', reads: readsOf(em), openRecord: (id) => openRecord(em, id) });
  } finally {
    await database.close();
  }
}

/** Runs an action with what is stored of the configured connection. Null when there is no database, no table, or no such connection. */
export const withRecord = <T>(config: Config, action: (open: (() => Promise<ReadableRecord>) | null) => Promise<T>): Promise<T> =>
  withFoundDatabase(config, async (found) => {
    if (found.kind === 'failed') throw found.error;
    if (found.kind !== 'open') return action(null);
    const id = await found.reads.knownConnection({ connectionId: config.connectionId, url: config.url });
    return action(id === null ? null : () => found.openRecord(id));
  });

/** Whether a folder can be written or created. */
function isWritable(folder: string): boolean {
  const parent = path.dirname(path.resolve(folder));
  if (!existsSync(folder) && parent !== path.resolve(folder)) return isWritable(parent);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
