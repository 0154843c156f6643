import { createRequire } from 'node:module';
import { pino } from 'pino';
import type { Logger as PinoLogger } from 'pino';
import { readSecret } from '../config/password-file.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import { printable, printableJson } from '../printable.ts';
import { redactor } from '../redact.ts';

/** Where log lines are written: a stream of the process. */
export interface LogTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** Secrets that must not appear in any log line. */
export interface Secrets {
  /** Replaces the secrets of one origin. */
  readonly set: (origin: string, values: ReadonlyArray<string | undefined>) => void;
  readonly redact: (text: string) => string;
}

const removed = '[redacted]';
/** Shorter secrets are not redacted: they could match ordinary words. */
const shortestSecret = 6;

/** An empty set of secrets. */
export function createSecrets(): Secrets {
  const byOrigin = new Map<string, readonly string[]>();
  let redact = redactor([], removed);
  return {
    set: (origin, values) => {
      const fit = values.flatMap((value) => (value !== undefined && value.length >= shortestSecret ? [value] : []));
      if (fit.length === 0) byOrigin.delete(origin);
      else byOrigin.set(origin, fit);
      redact = redactor([...new Set([...byOrigin.values()].flat())], removed);
    },
    redact: (text) => redact(text),
  };
}

/** The passwords in the URL of a database. */
export function databasePasswordsOf(url: string | undefined): string[] {
  if (!url) return [];
  const { password, parameters } = parseDatabaseUrl(url);
  return [password, parameters['sslpassword'], ...passwordIn(parameters['password_file'])].filter((secret) => secret !== undefined);
}

/** The password in a file, now. Nothing when it cannot be read: whoever connects says so. */
function passwordIn(file: string | undefined): string[] {
  try {
    return file === undefined ? [] : [readSecret(file)];
  } catch {
    return [];
  }
}

/** The password in the URL of a proxy. */
export function passwordsOf(url: string | undefined): string[] {
  if (!url || !URL.canParse(url)) return [];
  return [decodeURIComponent(new URL(url).password)];
}

/** Fields that are redacted in case a configuration or a request is ever logged. */
const secretFields = ['token', 'password', 'databaseUrl', 'authorization', 'config.token', 'config.databaseUrl', 'headers.authorization'];

/** Options of a log. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly target: LogTarget;
  readonly secrets: Secrets;
}

/** A log of JSON lines, or of readable lines on a terminal where pino-pretty is installed. */
export function createLog({ level, target, secrets }: LogOptions): PinoLogger {
  const pretty = target.isTTY ? prettyWriter(target) : null;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields, censor: removed },
      hooks: { streamWrite: (line) => printableJson(secrets.redact(line)) },
    },
    { write: pretty ?? ((line: string) => target.write(line)) },
  );
}

/** pino-pretty writes texts as they are. */
const printableValue = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);

type Prettify = (line: string) => string;

/** Null where pino-pretty is not installed: it is an optional dependency that a container does not need. */
function prettyWriter(target: LogTarget): ((line: string) => void) | null {
  try {
    const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { prettyFactory: (options: object) => Prettify };
    const prettify = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss' });
    return (line) => void target.write(prettify(JSON.stringify(JSON.parse(line, printableValue))));
  } catch {
    return null;
  }
}
