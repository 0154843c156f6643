import type { ErrorCode } from '../errors.ts';
import type { SyncFailure } from '../operations/connect.ts';
import type { Problem, SyncReport } from '../pass/report.ts';
import type { PassResult } from '../store/progress/passes.ts';

/** What a pass, or a part of one, came to: small, and fit for a log, a job's output and the database. */
export interface PassSummary {
  /** `aborted`: it was stopped, and goes on where it was, in another process perhaps. */
  readonly result: PassResult | 'aborted';
  /** Why the result is not `ok`, in one line. */
  readonly error: string | null;
  /** Code of the error behind `error`, such as `gitlab_unauthorized`; null where there is none. */
  readonly errorCode: ErrorCode | null;
  readonly projects: number;
  readonly fetched: number;
  readonly stored: number;
  readonly corrected: number;
  /** Places that could not be read. */
  readonly unread: number;
  readonly requests: number;
}

const nothing = { projects: 0, fetched: 0, stored: 0, corrected: 0, unread: 0, requests: 0 };

/** The summary of what has done nothing, and had nothing to do. */
export const emptySummary: PassSummary = { ...nothing, result: 'ok', error: null, errorCode: null };

/** The summary of what failed without saying more. */
export const failedSummary = (error: string): PassSummary => ({ ...nothing, result: 'error', error, errorCode: null });

/** The summary of what `syncGitlab` resolves to. */
export function summaryOf(outcome: SyncReport | SyncFailure): PassSummary {
  if ('error' in outcome) {
    return { ...nothing, result: outcome.code, error: outcome.error, errorCode: outcome.errorCode ?? null };
  }
  const unread = outcome.problems.filter(({ expected }) => !expected);
  const { projects, fetched, stored, corrected, requests } = outcome;
  const [first] = unread;
  return {
    result: first ? 'incomplete' : 'ok',
    error: first ? withMore(lineOf(first), unread.length - 1) : null,
    errorCode: first?.errorCode ?? null,
    projects,
    fetched,
    stored,
    corrected,
    unread: unread.length,
    requests: requests.graphql + requests.rest,
  };
}

/** A problem in one line. */
export const lineOf = ({ project, stream, scope, outcome, reason }: Problem): string =>
  `${[project, stream, scope].filter((part) => part !== undefined && part !== '').join(' > ')}: ${outcome}: ${reason}`;

const withMore = (line: string, more: number) => (more > 0 ? `${line} (and ${more} more)` : line);

/**
 * The summary of a pass that was read in parts, `own` being what listing them came to. It has read the connection when
 * any part has; one that nobody could read fails with the first reason.
 */
export function sumOf(own: PassSummary, parts: readonly PassSummary[]): PassSummary {
  const all = [own, ...parts];
  const sum = (count: (summary: PassSummary) => number) => all.reduce((total, summary) => total + count(summary), 0);
  const hasRead = ({ result }: PassSummary) => result === 'ok' || result === 'incomplete';
  const failed = parts.filter((part) => !hasRead(part));
  const [first] = failed;
  const troubled = all.filter(({ result }) => result !== 'ok');
  const unread = sum((summary) => summary.unread) + failed.length;
  const whole = {
    projects: sum(({ projects }) => projects),
    fetched: sum(({ fetched }) => fetched),
    stored: sum(({ stored }) => stored),
    corrected: sum(({ corrected }) => corrected),
    requests: sum(({ requests }) => requests),
    unread,
  };
  if (first && failed.length === parts.length) return { ...first, ...whole };
  const [trouble] = troubled;
  if (!trouble) return { ...own, ...whole };
  return { ...whole, result: 'incomplete', error: withMore(trouble.error ?? '', troubled.length - 1), errorCode: trouble.errorCode };
}
