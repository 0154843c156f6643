import { readFileSync } from 'node:fs';
import type { Config, SettingName } from '../config/parse-config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** Puts the password from DATABASE_PASSWORD_FILE, when set, into the DATABASE_URL of a configuration. Throws ConfigurationError. */
export function withDatabasePassword(config: Config, nameOf: (name: SettingName) => string): Config {
  const { databaseUrl, databasePasswordFile: file } = config;
  if (!databaseUrl || !file) return config;
  const name = nameOf('databasePasswordFile');
  const url = new URL(databaseUrl);
  if (url.password !== '')
    throw new ConfigurationError([`${name} and a password in ${nameOf('databaseUrl')} are both set: keep one of them`]);
  // All characters are encoded, because a percent sign in a URL begins an escape. Editors add the end of the line.
  url.password = encodeURIComponent(read(file, name).replace(/[\r\n]+$/, ''));
  return { ...config, databaseUrl: url.href };
}

function read(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError([`${name} cannot be read (${messageOf(cause)})`]);
  }
}
