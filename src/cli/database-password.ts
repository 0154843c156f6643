import { readFileSync } from 'node:fs';
import { parseDatabaseUrl, withParameters } from '../config/database-url.ts';
import type { Config, SettingName } from '../config/parse-config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** Puts the password from DATABASE_PASSWORD_FILE, when set, into the DATABASE_URL of a configuration. Throws ConfigurationError. */
export function withDatabasePassword(config: Config, nameOf: (name: SettingName) => string): Config {
  const { databaseUrl, databasePasswordFile: file } = config;
  if (!databaseUrl || !file) return config;
  const name = nameOf('databasePasswordFile');
  if (parseDatabaseUrl(databaseUrl).password !== undefined)
    throw new ConfigurationError([`${name} and a password in ${nameOf('databaseUrl')} are both set: keep one of them`]);
  // Editors add the end of the line.
  return { ...config, databaseUrl: withParameters(databaseUrl, { password: read(file, name).replace(/[\r\n]+$/, '') }) };
}

function read(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError([`${name} cannot be read (${messageOf(cause)})`]);
  }
}
