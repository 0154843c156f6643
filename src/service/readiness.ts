import type { PassRecord } from '../store/progress/passes.ts';
import type { Served } from './connection-source.ts';

/** A connection and its last pass. */
export interface Watched {
  readonly served: Served;
  /** Undefined before the first pass. */
  readonly record: PassRecord | undefined;
  /** When this process saw it first, in milliseconds by the database's clock. */
  readonly firstSeenAt: number;
}

/** What there is to be seen at one moment. */
export interface View {
  /** Milliseconds by the database's clock. */
  readonly now: number;
  readonly watched: readonly Watched[];
}

/** Since the start of the last pass that read the connection; before there was one, since it was first seen. */
export function lagMs({ record, firstSeenAt }: Watched, now: number): number {
  return Math.max(0, now - (record?.readAt ?? record?.createdAt ?? firstSeenAt));
}

/** A poller that has come on in none of so many intervals has stopped moving. */
export const lagIntervals = 3;

/** Whether a poller does its work. */
export interface Readiness {
  readonly isReady: boolean;
  /** One line each: what is not as it should be. There may be some although it is ready. */
  readonly reasons: readonly string[];
}

/**
 * Whether a poller does its work: every connection is read, or comes on. Where it serves a table of them, one that is
 * read will do: a token that expired is no reason to stop what serves the others.
 */
export function readinessOf({ now, watched }: View, servesTable: boolean): Readiness {
  const troubled = watched.flatMap((one) => {
    const reason = syncErrorOf(one, now);
    return reason === null ? [] : [`connection ${one.served.id} (${one.served.name}): ${reason}`];
  });
  const isReady = servesTable ? watched.length === 0 || troubled.length < watched.length : troubled.length === 0;
  return { isReady, reasons: troubled };
}

function syncErrorOf(one: Watched, now: number): string | null {
  const { served, record, firstSeenAt } = one;
  if (served.problem !== null) return served.problem;
  const failure = record?.failures ? failureOf(record) : null;
  if (failure !== null) return failure;
  const hasMoved = record !== undefined && (record.readAt !== null || record.movedAt > record.startedAt);
  if (!hasMoved && now - firstSeenAt < lagIntervals * served.intervalMs) return 'nothing was read yet';
  // One long pass that comes on is not behind.
  const stillMs = Math.max(0, now - Math.max(record?.readAt ?? 0, record?.movedAt ?? firstSeenAt));
  if (stillMs < lagIntervals * served.intervalMs) return null;
  return `nothing was read for ${Math.round(stillMs / 1000)} s, which is more than ${lagIntervals} intervals of ${served.intervalMs / 1000} s`;
}

/** The last pass that has ended failed; that one runs now changes nothing. */
function failureOf({ result, error, failures, endedAt }: PassRecord): string | null {
  const isBad = result === 'gitlab' || result === 'database' || result === 'configuration' || result === 'error';
  if (!isBad) return null;
  const count = endedAt === null ? failures - 1 : failures;
  return count > 0 ? (error ?? result) : null;
}
