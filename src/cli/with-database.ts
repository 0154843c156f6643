import type { Config } from '../config/parse-config.ts';
import { openDatabase } from '../store/database/database.ts';
import type { Database, DatabaseOptions } from '../store/database/database.ts';

/** Opens the database for an action, and closes it afterwards, also after an error. */
export async function withDatabase<T>(
  config: Pick<Config, 'databaseUrl' | 'dataDir'> & Pick<DatabaseOptions, 'createDatabase'>,
  action: (database: Database) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(config);
  try {
    return await action(database);
  } finally {
    await database.close();
  }
}
