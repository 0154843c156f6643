import { readSecret } from '../config/password-file.ts';
import { ConfigurationError, messageOf } from '../errors.ts';

/** A setting that may also be given as a file, under its name with `_FILE` at the end. */
export interface ValueOrFile {
  /** The variable of the value. */
  readonly env: string;
  readonly value: string | undefined;
  readonly file: string | undefined;
}

/** The value, or what its file holds; null = neither is set. Throws ConfigurationError. */
export function valueOrFile({ env, value, file }: ValueOrFile): string | null {
  if (file === undefined) return value ?? null;
  if (value !== undefined) throw new ConfigurationError([`${env} and ${env}_FILE are both set: keep one of them`]);
  let text: string;
  try {
    text = readSecret(file);
  } catch (cause) {
    throw new ConfigurationError([`${env}_FILE cannot be read (${messageOf(cause)})`]);
  }
  if (text === '') throw new ConfigurationError([`${env}_FILE is empty`]);
  return text;
}
