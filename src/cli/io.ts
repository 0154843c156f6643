/** The environment and the output of a command: those of the process, or buffers in tests. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The part of a stream that commands use. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Exit codes of the process. */
export const exitCodes = {
  /** Everything was read. */
  ok: 0,
  /** Something could not be read. */
  incomplete: 1,
  /** The command line or a setting is wrong. */
  usage: 2,
  /** GitLab or the database cannot be reached, or refuses access. */
  unavailable: 3,
} as const;

/** One of `exitCodes`. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
