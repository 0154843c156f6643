import { GraphqlError, InvalidResponseError, ResponseTooLargeError, ServerError, UnreachableError, isTimeout } from '../../errors.ts';

/** After an answer within this time, the next request may be larger. */
const quickMs = 5000;
/** Half of GitLab's time limit for a query. After a slower answer, the next request is smaller, before GitLab's limit fails it. */
const slowMs = 15_000;
const growth = 1.5;

/** Whether the size of a GraphQL operation adapts: after a failure that may come from the size, it is sent again in a smaller size. */
export const isResizableOperation = (operation: string): boolean =>
  /^(Project|Group)(Changes|Rows)$|^ProjectTips$|^(Newest|Described)Tags$|^(MergeRequest|Pipeline|Release|ContainerRepository)(Page|Whole|Light)$|^MergeRequestsByIid$|Identities$/.test(
    operation,
  );

/** The size that a GitLab can answer for each kind of request, in rows or projects. Learned from its answers; kept only in memory. */
export interface AdaptiveSizes {
  /** The size of the next request: `largest`, or less when `largest` was too much. */
  of(kind: string, largest: number): number;
  noteAnswer(kind: string, answer: { readonly size: number; readonly durationMs: number }): void;
  /** `factor`: the size of the next request in relation to `size`. */
  noteTooMuch(kind: string, refusal: { readonly size: number; readonly factor: number }): void;
  /** Sets the size of the next request: what failed was not the size. */
  restore(kind: string, size: number): void;
}

/** Starts every kind of request at its largest size. */
export function createAdaptiveSizes(): AdaptiveSizes {
  const reduced = new Map<string, number>();
  return {
    of: (kind, largest) => Math.min(reduced.get(kind) ?? largest, largest),
    noteAnswer(kind, { size, durationMs }) {
      const now = reduced.get(kind);
      if (durationMs >= slowMs) reduced.set(kind, Math.max(1, Math.min(now ?? size, Math.floor(size / growth))));
      else if (durationMs <= quickMs && now !== undefined && size >= now) reduced.set(kind, Math.ceil(now * growth));
    },
    noteTooMuch(kind, { size, factor }) {
      // When several requests fail at once at the same size, only the first makes the size smaller.
      reduced.set(kind, Math.max(1, Math.min(reduced.get(kind) ?? size, Math.floor(size * factor))));
    },
    restore: (kind, size) => void reduced.set(kind, size),
  };
}

/** A request whose size can be chosen. */
export interface ResizableRequest<T> {
  /** Requests of one kind share their learned size. */
  readonly kind: string;
  /** The largest size. The smallest is 1. */
  readonly largest: number;
  /** After so many failures that need not come from the size, the caller finds another way. Default: at the smallest size. */
  readonly patience?: number | undefined;
  readonly ask: (size: number) => Promise<T>;
  /** Whether an answer that arrived shows that the size was too large. */
  readonly wasTooMuch?: (answer: T) => boolean;
}

/** What `fitRequest` works with. */
export interface FitOptions {
  readonly sizes: AdaptiveSizes;
  /** Attempts at the smallest size. */
  readonly attempts: number;
  /** Waits before the next attempt. `attempt` counts the failed attempts. */
  readonly wait: (attempt: number, error: unknown) => Promise<void>;
  /** Milliseconds from any origin. */
  readonly now: () => number;
}

/**
 * Sends a request in the largest size that GitLab answers: smaller after a failure and a pause, larger again after quick answers.
 * Throws the last error when even the smallest size fails.
 */
export async function fitRequest<T>(
  { sizes, attempts, wait, now }: FitOptions,
  { kind, largest, ask, wasTooMuch, patience = Number.POSITIVE_INFINITY }: ResizableRequest<T>,
): Promise<T> {
  let failuresAtSmallest = 0;
  let failures = 0;
  const first = sizes.of(kind, largest);
  for (;;) {
    const size = sizes.of(kind, largest);
    const startedAt = now();
    try {
      const answer = await ask(size);
      if (wasTooMuch?.(answer)) sizes.noteTooMuch(kind, { size, factor: 0.5 });
      else sizes.noteAnswer(kind, { size, durationMs: now() - startedAt });
      return answer;
    } catch (error) {
      if (!isTooMuch(error)) throw error;
      const excess = complexityIn(error);
      if (size === 1) failuresAtSmallest++;
      const isSure = excess !== undefined || error instanceof ResponseTooLargeError;
      if (!isSure && ++failures >= patience) {
        if (failures > 1) sizes.restore(kind, first);
        throw error;
      }
      if (size === 1 && (isSure || failuresAtSmallest >= attempts)) throw error;
      sizes.noteTooMuch(kind, { size, factor: excess ? Math.min(0.5, excess.limit / excess.score) : 0.5 });
      if (!isSure) await wait(Math.max(1, failuresAtSmallest), error);
    }
  }
}

/** Whether a smaller request may succeed after this error: too complex, a timeout, too large, cut off, or a server error. */
export function isTooMuch(error: unknown): boolean {
  if (error instanceof ServerError || error instanceof ResponseTooLargeError) return true;
  if (error instanceof InvalidResponseError) return error.isTruncated;
  if (error instanceof UnreachableError) return error.systemCode === 'TIMEOUT';
  return error instanceof GraphqlError && (error.complexity !== undefined || error.errors.some(isTimeout));
}

const complexityIn = (error: unknown) => (error instanceof GraphqlError ? error.complexity : undefined);
