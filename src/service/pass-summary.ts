import type { ErrorCode } from '../errors.ts';
import type { SyncFailure } from '../operations/connect.ts';
import { isFailure, problemLine } from './problem-line.ts';
import type { SyncReport } from '../pass/report.ts';
import type { PassResult } from '../store/progress/passes.ts';

/** The result of a pass or of a part, small enough for a log line, a job's output and the database. */
export interface PassSummary {
  /** `aborted`: the pass was stopped, and continues where it stopped, possibly in another process. */
  readonly result: PassResult | 'aborted';
  /** Why the result is not `ok`, in one line. */
  readonly error: string | null;
  /** Code of the error behind `error`, such as `gitlab_unauthorized`; null where there is none. */
  readonly errorCode: ErrorCode | null;
  readonly projects: number;
  readonly fetched: number;
  readonly stored: number;
  readonly corrected: number;
  /** Number of streams and projects that could not be read. */
  readonly unread: number;
  readonly requests: number;
}

const nothing = { projects: 0, fetched: 0, stored: 0, corrected: 0, unread: 0, requests: 0 };

/** The summary of a pass that had nothing to do. */
export const emptySummary: PassSummary = { ...nothing, result: 'ok', error: null, errorCode: null };

/** The summary of a failure about which only its message is known. */
export const failedSummary = (error: string): PassSummary => ({ ...nothing, result: 'error', error, errorCode: null });

/** The summary of the result of `syncGitlab`. */
export function passSummaryOf(outcome: SyncReport | SyncFailure): PassSummary {
  if ('error' in outcome) {
    return { ...nothing, result: outcome.code, error: outcome.error, errorCode: outcome.errorCode ?? null };
  }
  const unread = outcome.problems.filter(isFailure);
  const { projects, fetched, stored, corrected, requests } = outcome;
  const [first] = unread;
  return {
    result: first ? 'incomplete' : 'ok',
    error: first ? withMore(problemLine(first), unread.length - 1) : null,
    errorCode: first?.errorCode ?? null,
    projects,
    fetched,
    stored,
    corrected,
    unread: unread.length,
    requests: requests.graphql + requests.rest,
  };
}

const withMore = (line: string, more: number) => (more > 0 ? `${line} (and ${more} more)` : line);

/**
 * The summary of a pass that was read in parts; `own` is the summary of listing them. The pass has read the connection when
 * at least one part was read. When no part was read, the pass fails with the reason of the first.
 */
export function sumSummaries(own: PassSummary, parts: readonly PassSummary[]): PassSummary {
  const all = [own, ...parts];
  const sum = (count: (summary: PassSummary) => number) => all.reduce((total, summary) => total + count(summary), 0);
  const hasRead = ({ result }: PassSummary) => result === 'ok' || result === 'incomplete';
  const failed = parts.filter((part) => !hasRead(part));
  const [first] = failed;
  const notOk = all.filter(({ result }) => result !== 'ok');
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
  const [firstNotOk] = notOk;
  if (!firstNotOk) return { ...own, ...whole };
  return { ...whole, result: 'incomplete', error: withMore(firstNotOk.error ?? '', notOk.length - 1), errorCode: firstNotOk.errorCode };
}
