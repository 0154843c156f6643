import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../config/parse-config.ts';
import { DatabaseError } from '../errors.ts';

/** Throws when the embedded database does not exist, because listing must not create it. */
export function refuseMissing({ databaseUrl, dataDir }: Config): void {
  if (databaseUrl || existsSync(path.join(dataDir, 'pglite'))) return;
  throw new DatabaseError(`there is no database in ${dataDir} yet: run \`gitlab-connector sync\` first, or set DATA_DIR or DATABASE_URL`);
}
