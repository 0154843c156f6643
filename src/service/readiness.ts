import type { PassRecord } from '../store/progress/passes.ts';
import type { ServedConnection } from './connection-source.ts';

/** A connection and its last pass. */
export interface Watched {
  readonly served: ServedConnection;
  /** Undefined before the first pass. */
  readonly record: PassRecord | undefined;
  /** When this process first read the connection: milliseconds, the database's clock. */
  readonly firstSeenAt: number;
}

/** The connections at one moment. */
export interface View {
  /** Milliseconds by the database's clock. */
  readonly now: number;
  readonly watched: readonly Watched[];
}

/** Milliseconds since the start of the last pass that read the connection. Before the first such pass: since the connection was first seen. */
export function lagMs({ record, firstSeenAt }: Watched, now: number): number {
  return Math.max(0, now - (record?.readAt ?? record?.createdAt ?? firstSeenAt));
}

/** A connection without progress for this number of intervals is not ready. */
export const lagIntervals = 3;

/** Whether a poller reads its connections. */
export interface Readiness {
  readonly isReady: boolean;
  /** One line for each connection that is not read. With a table of connections, a poller may be ready and still have reasons. */
  readonly reasons: readonly string[];
}

/**
 * Whether a poller reads its connections, or makes progress on them. With a table of connections, one connection that is
 * read is enough: an expired token of one connection must not restart the process that serves the others.
 */
export function readinessOf({ now, watched }: View, servesTable: boolean): Readiness {
  const notRead = watched.flatMap((one) => {
    const reason = reasonOf(one, now);
    return reason === null ? [] : [`connection ${one.served.id} (${one.served.name}): ${reason}`];
  });
  const isReady = servesTable ? watched.length === 0 || notRead.length < watched.length : notRead.length === 0;
  return { isReady, reasons: notRead };
}

function reasonOf(one: Watched, now: number): string | null {
  const { served, record, firstSeenAt } = one;
  if (served.problem !== null) return served.problem;
  const failure = record?.failures ? failureOf(record) : null;
  if (failure !== null) return failure;
  const hasProgress = record !== undefined && (record.readAt !== null || record.movedAt > record.startedAt);
  if (!hasProgress && now - firstSeenAt < lagIntervals * served.intervalMs) return 'nothing was read yet';
  // A long pass that makes progress is not behind.
  const stillMs = Math.max(0, now - Math.max(record?.readAt ?? 0, record?.movedAt ?? firstSeenAt));
  if (stillMs < lagIntervals * served.intervalMs) return null;
  return `nothing was read for ${Math.round(stillMs / 1000)} s, which is more than ${lagIntervals} intervals of ${served.intervalMs / 1000} s`;
}

/** The error of the last pass that ended, also while the next pass runs. Null when it did not fail. */
function failureOf({ result, error, failures, endedAt }: PassRecord): string | null {
  const isBad = result === 'gitlab' || result === 'database' || result === 'configuration' || result === 'error';
  if (!isBad) return null;
  const count = endedAt === null ? failures - 1 : failures;
  return count > 0 ? (error ?? result) : null;
}
