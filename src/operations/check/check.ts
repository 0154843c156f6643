import type { Config } from '../../config/parse-config.ts';
import type { UnknownKey } from '../../config/unknown-keys.ts';
import type { ConnectOptions } from '../connect.ts';
import { DatabaseError, GitlabSyncError, UnreachableError } from '../../errors.ts';
import type { ConfigurationError, ErrorCode } from '../../errors.ts';
import type { Gitlab } from '../../gitlab/client.ts';
import type { Instance } from '../../gitlab/instance.ts';
import type { TokenFacts } from '../../gitlab/inspect-token.ts';
import type { Reads } from '../../store/reads.ts';
import type { DatabaseInspection } from '../../store/database/inspect-database.ts';

/** The result of one check. */
export interface CheckEntry {
  /** Name of the check, such as `token` or `database`. */
  readonly check: string;
  /** What was checked when a check has several entries: the path of a project, or an entry of `repos`. */
  readonly subject?: string;
  /** `warning`: works now, but needs attention. `skipped`: could not be checked, or needs no check. */
  readonly result: 'ok' | 'warning' | 'failure' | 'skipped';
  /** One line: what was found. */
  readonly detail: string;
  /** One line: what to do about a warning or a failure. */
  readonly fix?: string;
  /** The code of the error behind a failure, such as `gitlab_unauthorized`. */
  readonly errorCode?: ErrorCode;
}

/** A finding of a check, without the check's name. */
export interface Finding extends Omit<CheckEntry, 'check'> {
  /** GitLab or the database cannot be reached, so nothing can be read or stored. */
  readonly isUnreachable?: true;
}

/** What checks work with, and the facts that they share. */
export interface CheckScope extends Pick<ConnectOptions, 'fetch' | 'signal'> {
  readonly config: Config;
  /** Keys of the given configuration that are not settings. */
  readonly unknownKeys: readonly UnknownKey[];
  readonly gitlab: Gitlab;
  /** Runs an action with a new GitLab client at this base URL, because `gitlab` sends nothing more after its token was refused. */
  readonly apart: <T>(url: string, action: (gitlab: Gitlab) => Promise<T>) => Promise<T>;
  readonly database: FoundDatabase;
  /** The clock of this machine. */
  readonly now: () => Date;
  readonly facts: Facts;
}

/** What earlier checks have found out for later checks. */
export interface Facts {
  /** Undefined when the token was refused. */
  instance?: Instance;
  /** Why GitLab refused the token. */
  refusal?: GitlabSyncError;
  /** The times on this machine's clock when the request for the instance was sent, and when its answer arrived. */
  askedAt?: { readonly sent: Date; readonly received: Date };
  token?: TokenFacts;
  /** The projects that are read, as far as GitLab returns them. */
  projects?: ReadonlyArray<{ readonly id: number; readonly fullPath: string }>;
  database?: DatabaseInspection;
}

/** The database in the state in which it was found. A check creates nothing. */
export type FoundDatabase =
  | { readonly kind: 'open'; readonly reads: Reads }
  /** The embedded database does not exist yet. */
  | { readonly kind: 'absent'; readonly description: string; readonly isWritable: boolean }
  | { readonly kind: 'failed'; readonly error: DatabaseError | ConfigurationError }
  /** The caller gave no database. */
  | { readonly kind: 'none' };

/** One check. */
export interface Check {
  readonly name: string;
  /** Names of the checks that this check depends on. When a check that it depends on failed, this check is skipped. */
  readonly after: readonly string[];
  /** Runs the check. A thrown error of this package becomes a failure with the error's message. */
  readonly look: (scope: CheckScope) => Promise<Finding | readonly Finding[]>;
}

/** An entry, and whether it says that GitLab or the database cannot be reached. */
export interface CheckedEntry extends CheckEntry {
  readonly isUnreachable?: true;
}

/** Runs the checks one after another. After a failed check, only the checks that depend on it are skipped. */
export async function runChecks(checks: readonly Check[], scope: CheckScope): Promise<CheckedEntry[]> {
  const entries: CheckedEntry[] = [];
  /** Names of checks that failed or were skipped, each with the name of the check that failed first. */
  const failed = new Map<string, string>();
  for (const { name, after, look } of checks) {
    scope.signal?.throwIfAborted();
    const cause = after.map((other) => failed.get(other)).find((other) => other !== undefined);
    const findings = cause === undefined ? await findingsOf(() => look(scope)) : [skipped(`not checked, because "${cause}" failed`)];
    if (cause !== undefined || findings.some(({ result }) => result === 'failure')) failed.set(name, cause ?? name);
    entries.push(...findings.map((finding) => ({ check: name, ...finding })));
  }
  return entries;
}

async function findingsOf(look: () => Promise<Finding | readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    if (!(error instanceof GitlabSyncError)) throw error;
    const isUnreachable = error instanceof UnreachableError || error instanceof DatabaseError;
    return [{ ...failureBy(error), ...(isUnreachable ? { isUnreachable } : {}) }];
  }
}

const found = (result: Finding['result'], detail: string, fix?: string): Finding => ({ result, detail, ...(fix ? { fix } : {}) });

/** A finding without a problem. */
export const ok = (detail: string): Finding => found('ok', detail);
/** A finding that the check did not run. */
export const skipped = (detail: string): Finding => found('skipped', detail);
/** A finding of something that works now, but needs attention. */
export const warning = (detail: string, fix: string): Finding => found('warning', detail, fix);
/** A finding of something that does not work. `fix` is absent when `detail` says what to do. */
export const failure = (detail: string, fix?: string): Finding => found('failure', detail, fix);
/** A failure that an error of this package caused. `fix` is absent when the error's message says what to do. */
export const failureBy = ({ message, code }: GitlabSyncError, fix?: string): Finding => ({ ...failure(message, fix), errorCode: code });
/** A failure after which nothing can be read or stored. */
export const unreachable = (detail: string, fix?: string): Finding => ({ ...failure(detail, fix), isUnreachable: true });

/** How many days before the expiry of a token or a certificate a warning is given. */
export const daysOfWarning = 30;

const dayMs = 24 * 60 * 60_000;

/** Whether an expiry is past, at most `daysOfWarning` away (`near`), or later (`far`). */
export function endOf(end: Date, now: Date): 'past' | 'near' | 'far' {
  if (end <= now) return 'past';
  return end.getTime() - now.getTime() <= daysOfWarning * dayMs ? 'near' : 'far';
}

/** `2026-12-31 (in 38 days)` */
export function dayText(end: Date, now: Date): string {
  const days = Math.floor((end.getTime() - now.getTime()) / dayMs);
  const distance = days === 0 ? 'within a day' : days > 0 ? `in ${plural(days, 'day')}` : `${plural(-days, 'day')} ago`;
  return `${end.toISOString().slice(0, 10)} (${distance})`;
}

/** `1 day`, `2 days` */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
