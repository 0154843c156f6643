import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { parseDatabaseUrl, withParameters } from '../config/database-url.ts';
import type { Config, SettingName } from '../config/parse-config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** Names DATABASE_PASSWORD_FILE, when set, in the DATABASE_URL of a configuration: each new session reads it. Throws ConfigurationError. */
export function withDatabasePassword(config: Config, nameOf: (name: SettingName) => string): Config {
  const { databaseUrl, databasePasswordFile: file } = config;
  if (!databaseUrl || !file) return config;
  const name = nameOf('databasePasswordFile');
  if (parseDatabaseUrl(databaseUrl).password !== undefined)
    throw new ConfigurationError([`${name} and a password in ${nameOf('databaseUrl')} are both set: keep one of them`]);
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new ConfigurationError([`${name} cannot be read (${messageOf(cause)})`]);
  }
  return { ...config, databaseUrl: withParameters(databaseUrl, { password_file: path.resolve(file) }) };
}
