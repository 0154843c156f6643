/** One line of a log: fields first, a constant sentence second. pino's loggers fit. */
export type LogMethod = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** Where the library logs: `debug` each page, `info` each pass, `warn` each retry, `error` what ended a pass. A pino logger fits. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

const ignore: LogMethod = () => {};

/** The default: the library is silent unless given a logger. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
