import type { GitlabRequestError } from '../errors.ts';
import type { WalkEnd } from '../streams/stream.ts';
import type { Settled } from './settle.ts';

/** After so many failures in a row nothing more is asked for. */
const mostFailures = 3;

/** Stops a pass from asking a GitLab that does not answer: a pass over 1,000 projects must not fail 1,000 times. */
export interface CircuitBreaker {
  note(answer: Settled<unknown>): void;
  /** Why nothing more is asked for; null while the breaker is closed. */
  openReason(): WalkEnd | null;
  /** Throws the first error when every request has failed. */
  throwIfNone(): void;
}

/** A breaker that is closed. */
export function createCircuitBreaker(): CircuitBreaker {
  let count = 0;
  let failuresInARow = 0;
  let first: GitlabRequestError | undefined;
  let last: WalkEnd | null = null;
  return {
    note(answer) {
      if ('end' in answer) {
        first ??= answer.error;
        last = answer.end;
        failuresInARow++;
      } else {
        count++;
        failuresInARow = 0;
      }
    },
    openReason: () => (failuresInARow >= mostFailures ? last : null),
    throwIfNone() {
      if (first && count === 0) throw first;
    },
  };
}
