import { parametersFromEnv } from '../config/database-parameters.ts';
import { DatabaseUrlProblem, parseDatabaseUrl, withParameters } from '../config/database-url.ts';
import type { Config } from '../config/parse-config.ts';
import { ConfigurationError } from '../errors.ts';

/**
 * Completes a database URL with DATABASE_SCHEMA and libpq's variables (PGSSLMODE, PGSSLROOTCERT, …). The URL comes first. Without a database URL the embedded
 * database is used, and the variables mean nothing. Throws ConfigurationError for a variable that cannot be obeyed.
 */
export function withEnvironment(config: Config, env: Readonly<Record<string, string | undefined>>): Config {
  const { databaseUrl, databaseSchema } = config;
  if (!databaseUrl) return config;
  const { given, refused } = parametersFromEnv(env);
  if (refused.length > 0)
    throw new ConfigurationError(refused.map((name) => `${name} cannot be obeyed: remove it, and write into DATABASE_URL what it says`));
  const complete = withParameters(databaseUrl, { ...given, ...(databaseSchema === undefined ? {} : { schema: databaseSchema }) });
  try {
    parseDatabaseUrl(complete);
  } catch (error) {
    if (error instanceof DatabaseUrlProblem)
      throw new ConfigurationError([`DATABASE_URL with DATABASE_SCHEMA and the variables of libpq ${error.message}`]);
    throw error;
  }
  return { ...config, databaseUrl: complete };
}
