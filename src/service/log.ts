import { createRequire } from 'node:module';
import { pino } from 'pino';
import type { Logger as PinoLogger } from 'pino';

/** Where lines go: a stream of the process. */
export interface LogTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** Secrets that must not be in a line, wherever they come from. */
export interface Secrets {
  /** Sets those of one origin, in place of what it had before. */
  readonly set: (origin: string, values: ReadonlyArray<string | undefined>) => void;
  readonly redact: (text: string) => string;
}

const removed = '[redacted]';
/** Shorter ones would take ordinary words with them. */
const shortestSecret = 6;

/** No secrets yet. */
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

/** The password in a database's URL, as it is written there and as it is meant. */
export function passwordsOf(databaseUrl: string | undefined): string[] {
  if (!databaseUrl || !URL.canParse(databaseUrl)) return [];
  const { password } = new URL(databaseUrl);
  return [password, decodeURIComponent(password)];
}

/** Fields that hold secrets, should anything ever log a configuration or a request. */
const secretFields = ['token', 'password', 'databaseUrl', 'authorization', 'config.token', 'config.databaseUrl', 'headers.authorization'];

/** What a log is made of. */
export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly target: LogTarget;
  readonly secrets: Secrets;
}

/** A log of JSON lines; of lines for people where there is a terminal and pino-pretty is installed. */
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

/** Characters that move a terminal's cursor or change its colours, as JSON writes them; GitLab's texts must not bring any. */
const controls = /\\u00[01][0-9a-f]|\\[bfnr]/g;

type Prettify = (line: string) => string;

/** pino-pretty is optional: a container has no use for it. */
function prettyWriter(target: LogTarget): ((line: string) => void) | null {
  try {
    const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { prettyFactory: (options: object) => Prettify };
    const prettify = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss' });
    return (line) => void target.write(prettify(line.replaceAll(controls, ' ')));
  } catch {
    return null;
  }
}
