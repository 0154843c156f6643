import type { Config } from '../config/parse-config.ts';
import { DataDirInUseError } from '../errors.ts';
import { readsOf } from '../store/reads.ts';
import type { Reads } from '../store/reads.ts';
import { sharedReads } from '../store/shared-reads.ts';
import { withDatabase } from './with-database.ts';

/** Runs an action that only reads. While a poller has the embedded database open, the poller answers. */
export async function withReads<T>(config: Pick<Config, 'databaseUrl' | 'dataDir'>, action: (reads: Reads) => Promise<T>): Promise<T> {
  let isOpen = false;
  try {
    return await withDatabase(config, ({ em }) => {
      isOpen = true;
      return action(readsOf(em));
    });
  } catch (error) {
    const shared = !isOpen && error instanceof DataDirInUseError ? sharedReads(config.dataDir) : null;
    if (!shared) throw error;
    return action(shared);
  }
}
