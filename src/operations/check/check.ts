import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Config } from '../../config/parse-config.ts';
import type { UnknownKey } from '../../config/unknown-keys.ts';
import type { ConnectOptions } from '../connect.ts';
import { DatabaseError, GitlabSyncError, UnreachableError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Gitlab } from '../../gitlab/client.ts';
import type { Instance } from '../../gitlab/instance.ts';
import type { TokenFacts } from '../../gitlab/inspect-token.ts';
import type { DatabaseInspection } from '../../store/database/inspect-database.ts';

/** What looking at one thing showed. */
export interface CheckEntry {
  /** What was looked at, such as `token` or `database`. */
  readonly check: string;
  /** Which of several: the path of a project, or the entry of `repos` that named it. */
  readonly subject?: string;
  /** `warning`: it works, for now. `skipped`: it could not be looked at, or needs no look. */
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
  /** Nothing can be read, or stored, at all. */
  readonly isUnreachable?: true;
}

/** What checks work with, and tell each other. */
export interface CheckScope extends Pick<ConnectOptions, 'fetch' | 'signal'> {
  readonly config: Config;
  /** Keys of the given configuration that are not settings. */
  readonly unknownKeys: readonly UnknownKey[];
  readonly gitlab: Gitlab;
  /** Acts on a GitLab of its own, at this base URL: the one at hand asks nothing more once its token was refused. */
  readonly apart: <T>(url: string, action: (gitlab: Gitlab) => Promise<T>) => Promise<T>;
  readonly database: FoundDatabase;
  /** Our clock. */
  readonly now: () => Date;
  readonly facts: Facts;
}

/** What has been found out so far; later checks build on it. */
export interface Facts {
  /** Undefined when the token was refused. */
  instance?: Instance;
  /** Why GitLab refused to talk to the token. */
  refusal?: GitlabSyncError;
  /** Our clock around the question who the GitLab is. */
  askedAt?: { readonly sent: Date; readonly received: Date };
  token?: TokenFacts;
  database?: DatabaseInspection;
}

/** The database as it was found: nothing is made to look at it. */
export type FoundDatabase =
  | { readonly kind: 'open'; readonly em: SqlEntityManager }
  /** The embedded one has not been made yet. */
  | { readonly kind: 'absent'; readonly description: string; readonly isWritable: boolean }
  | { readonly kind: 'failed'; readonly error: DatabaseError }
  /** None was given. */
  | { readonly kind: 'none' };

/** One thing to look at. */
export interface Check {
  readonly name: string;
  /** Checks without which this one has nothing to go by: where one of them failed, this one is skipped. */
  readonly after: readonly string[];
  /** What fails with an error of this package's is a failure with its message. */
  readonly look: (scope: CheckScope) => Promise<Finding | readonly Finding[]>;
}

/** An entry, and whether nothing can be reached. */
export interface CheckedEntry extends CheckEntry {
  readonly isUnreachable?: true;
}

/** Looks at one thing after the other. None stops the others, but what depends on a failed one is skipped. */
export async function runChecks(checks: readonly Check[], scope: CheckScope): Promise<CheckedEntry[]> {
  const entries: CheckedEntry[] = [];
  /** Checks that failed, or were skipped for one that did, with the one that did. */
  const failed = new Map<string, string>();
  for (const { name, after, look } of checks) {
    scope.signal?.throwIfAborted();
    const cause = after.map((other) => failed.get(other)).find((other) => other !== undefined);
    const findings = cause === undefined ? await findingsOf(() => look(scope)) : [skipped(`not looked at, as "${cause}" failed`)];
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

/** A finding that all is well. */
export const ok = (detail: string): Finding => found('ok', detail);
/** A finding that nothing could be found out. */
export const skipped = (detail: string): Finding => found('skipped', detail);
/** A finding of something that works, for now. */
export const warning = (detail: string, fix: string): Finding => found('warning', detail, fix);
/** A finding of something that does not work; without a fix where the detail says it. */
export const failure = (detail: string, fix?: string): Finding => found('failure', detail, fix);
/** A finding that an error of this package was behind; without a fix where the error's message says it. */
export const failureBy = ({ message, code }: GitlabSyncError, fix?: string): Finding => ({ ...failure(message, fix), errorCode: code });
/** A finding that nothing can be reached. */
export const unreachable = (detail: string, fix?: string): Finding => ({ ...failure(detail, fix), isUnreachable: true });

/** How long before its end something is worth a warning. */
export const daysOfWarning = 30;

const dayMs = 24 * 60 * 60_000;

/** What an end in the future, or the past, means. */
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
