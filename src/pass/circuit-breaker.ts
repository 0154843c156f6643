import type { GitlabRequestError } from '../errors.ts';
import type { WalkEnd } from '../streams/stream.ts';
import type { Settled } from './settle.ts';

/** Failures one after the other after which nothing more is asked for. */
const patience = 3;

/** Whether GitLab answers: a pass over a thousand projects is not to fail a thousand times. */
export interface CircuitBreaker {
  note(answer: Settled<unknown>): void;
  /** Why there is no sense in asking on; null while there is. */
  openReason(): WalkEnd | null;
  /** Throws the first error when there was no answer at all. */
  throwIfNone(): void;
}

/** Of a pass that begins. */
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
    openReason: () => (failuresInARow >= patience ? last : null),
    throwIfNone() {
      if (first && count === 0) throw first;
    },
  };
}
