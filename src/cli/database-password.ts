import { readFileSync } from 'node:fs';
import type { Config, SettingName } from '../config/parse-config.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** A configuration whose DATABASE_URL holds the password of DATABASE_PASSWORD_FILE, where that is set. Throws ConfigurationError. */
export function withDatabasePassword(config: Config, nameOf: (name: SettingName) => string): Config {
  const { databaseUrl, databasePasswordFile: file } = config;
  if (!databaseUrl || !file) return config;
  const name = nameOf('databasePasswordFile');
  const url = new URL(databaseUrl);
  if (url.password !== '')
    throw new ConfigurationError([`${name} and a password in ${nameOf('databaseUrl')} are both set: keep one of them`]);
  // Encoded whole: a URL would take a percent sign as it is. The end of the line is the editor's.
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
