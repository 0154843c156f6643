import { createRequire } from 'node:module';
import { pino } from 'pino';
import type { Logger as PinoLogger } from 'pino';

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
  return {
    set: (origin, values) => {
      const known = values.flatMap((value) => (value ? [value, encodeURIComponent(value)] : []));
      const fit = known.filter((value) => value.length >= shortestSecret);
      if (fit.length === 0) byOrigin.delete(origin);
      else byOrigin.set(origin, fit);
    },
    redact: (text) => [...byOrigin.values()].flat().reduce((line, secret) => line.replaceAll(secret, removed), text),
  };
}

/** The password in a database URL, encoded and decoded. */
export function passwordsOf(databaseUrl: string | undefined): string[] {
  if (!databaseUrl || !URL.canParse(databaseUrl)) return [];
  const { password } = new URL(databaseUrl);
  return [password, decodeURIComponent(password)];
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
      hooks: { streamWrite: secrets.redact },
    },
    { write: pretty ?? ((line: string) => target.write(line)) },
  );
}

/** Control characters as JSON escapes them. Texts from GitLab must not move the terminal's cursor or change its colours. */
const controls = /\\u00[01][0-9a-f]|\\[bfnr]/g;

type Prettify = (line: string) => string;

/** Null where pino-pretty is not installed: it is an optional dependency that a container does not need. */
function prettyWriter(target: LogTarget): ((line: string) => void) | null {
  try {
    const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { prettyFactory: (options: object) => Prettify };
    const prettify = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss' });
    return (line) => void target.write(prettify(line.replaceAll(controls, ' ')));
  } catch {
    return null;
  }
}
