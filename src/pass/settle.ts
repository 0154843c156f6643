import { ForbiddenError, GitlabRequestError, NotFoundError, UnauthorizedError, UnsupportedGitlabError } from '../errors.ts';
import type { WalkEnd } from '../streams/stream.ts';
import type { Problem } from './report.ts';

/** The value, or how a walk or a request that failed on GitLab's side ended. */
export type Settled<T> = { readonly value: T } | { readonly end: WalkEnd; readonly error: GitlabRequestError };

/** Turns a failure on GitLab's side into the end of a walk. An error that concerns the whole pass is thrown. */
export async function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof GitlabRequestError) || concernsAll(error)) throw error;
    const outcome = error instanceof ForbiddenError ? 'forbidden' : error instanceof NotFoundError ? 'gone' : 'failed';
    return { end: { outcome, reason: error.message, errorCode: error.code }, error };
  }
}

/** Every other request would fail in the same way. */
const concernsAll = (error: GitlabRequestError) => error instanceof UnauthorizedError || error instanceof UnsupportedGitlabError;

/** A walk's end that is not `ok`, for the report. */
export function problemOf({
  outcome,
  reason,
  errorCode,
  byLimit,
}: WalkEnd): Pick<Problem, 'outcome' | 'reason' | 'errorCode' | 'expected'> {
  const expected = byLimit === true || outcome === 'disabled';
  return { outcome: outcome as Problem['outcome'], reason: reason ?? '', ...(errorCode ? { errorCode } : {}), expected };
}
