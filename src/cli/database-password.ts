import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { parseDatabaseUrl, withParameters } from '../config/database-url.ts';
import type { Config, SettingName } from '../config/parse-config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/**
 * Names DATABASE_PASSWORD_FILE or DATABASE_PASSWORD_COMMAND, when set, in the DATABASE_URL of a configuration: each new session reads the file, or
 * runs the command. Throws ConfigurationError.
 */
export function withDatabasePassword(config: Config, nameOf: (name: SettingName) => string): Config {
  const { databaseUrl, databasePasswordFile: file, databasePasswordCommand: command } = config;
  const set = (['databasePasswordFile', 'databasePasswordCommand'] as const).filter((name) => config[name] !== undefined).map(nameOf);
  if (!databaseUrl || set.length === 0) return config;
  const given = [...set, ...(parseDatabaseUrl(databaseUrl).password === undefined ? [] : [`a password in ${nameOf('databaseUrl')}`])];
  if (given.length > 1) throw new ConfigurationError([`${given.join(' and ')} are both set: keep one of them`]);
  if (command !== undefined) return { ...config, databaseUrl: withParameters(databaseUrl, { password_command: command }) };
  if (file === undefined) return config;
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new ConfigurationError([`${nameOf('databasePasswordFile')} cannot be read (${messageOf(cause)})`]);
  }
  return { ...config, databaseUrl: withParameters(databaseUrl, { password_file: path.resolve(file) }) };
}
