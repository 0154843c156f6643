import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import type { FoundDatabase } from '../operations/check/check.ts';
import type { Config } from '../config/parse-config.ts';
import { DatabaseError } from '../errors.ts';
import { openDatabase } from '../store/database/database.ts';
import type { Database } from '../store/database/database.ts';

/** Opens the database for an action and closes it afterwards. Creates nothing: a missing database is a result. */
export async function withFoundDatabase<T>(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  action: (found: FoundDatabase) => Promise<T>,
): Promise<T> {
  const { databaseUrl, dataDir } = config;
  if (!databaseUrl && !existsSync(path.join(dataDir, 'pglite'))) {
    return action({ kind: 'absent', description: `embedded database in ${dataDir}`, isWritable: isWritable(dataDir) });
  }
  let database: Database;
  try {
    database = await openDatabase(config);
  } catch (error) {
    if (error instanceof DatabaseError) return action({ kind: 'failed', error });
    throw error;
  }
  try {
    return await action({ kind: 'open', em: database.em });
  } finally {
    await database.close();
  }
}

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
