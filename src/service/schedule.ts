import type { PassRecord } from '../store/progress/passes.ts';

/** What decides when the next pass over a connection starts. Moments are milliseconds by the database's clock. */
export interface Timing {
  readonly now: number;
  readonly connectionId: number;
  readonly intervalMs: number;
  /** The last pass. Undefined before the first one. */
  readonly record: PassRecord | undefined;
  /** When this process started, or when the connection last changed: a pass that started before does not count. */
  readonly wantedSince: number;
  /** Replicas that start at about the same time share one pass: a pass that started this much before `wantedSince` still counts. */
  readonly shareMs: number;
}

/** Clocks of database servers that replace each other differ by at most this. A time further in the future means that the clock was set back. */
const skewMs = 10_000;
const longestBackoffMs = 15 * 60_000;
const longestJitterMs = 15_000;

/**
 * When the next pass starts; 0 = at once. After a pass that read the connection: one interval and a jitter after its start,
 * or at once when it took longer. After a failed pass: at least one interval after its end. Correcting a wrong clock of the
 * database neither delays a pass nor adds passes.
 */
export function nextStart({ now, connectionId, intervalMs, record, wantedSince, shareMs }: Timing): number {
  if (!record) return 0;
  const { startedAt, endedAt, failures } = record;
  if (Math.max(startedAt, endedAt ?? 0) > now + skewMs) return 0;
  const isGood = endedAt === null || failures === 0;
  if (wantedSince <= now + skewMs && startedAt < wantedSince - (isGood ? shareMs : 0)) return 0;
  const jitter = jitterMs(connectionId, startedAt, intervalMs);
  if (failures === 0) return startedAt + intervalMs + jitter;
  // A pass that runs, or whose process died, has no end. The engine does not start a second pass beside it.
  return (endedAt ?? startedAt) + backoffMs(intervalMs, failures) + jitter;
}

/** The pause after failures in a row: the interval, doubled with each failure up to four intervals or 15 minutes, and never less than the interval. */
export function backoffMs(intervalMs: number, failures: number): number {
  const longest = Math.max(intervalMs, Math.min(4 * intervalMs, longestBackoffMs));
  return Math.min(intervalMs * 2 ** Math.max(0, failures - 1), longest);
}

/** Up to 5 % of the interval and at most 15 s, so that pollers do not all start at the same time. Every replica computes the same value. */
export function jitterMs(connectionId: number, startedAt: number, intervalMs: number): number {
  return Math.floor(fraction(`${connectionId} ${startedAt}`) * Math.min(intervalMs / 20, longestJitterMs));
}

/** A pseudo-random number from 0 up to 1 that depends on the text only: FNV-1a, mixed once more. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** A change of `connections` takes effect within this time. */
export const longestRefreshMs = 10_000;
/** The database is not queried more often than this. */
export const shortestRefreshMs = 200;

/** Milliseconds until the connections are read again. `dueInMs`: time until each next pass; 0 or less = the pass was just requested. */
export function nextRefreshInMs(dueInMs: readonly number[]): number {
  const soonest = dueInMs.map((ms) => (ms <= 0 ? 1_000 : ms)).reduce((a, b) => Math.min(a, b), longestRefreshMs);
  return Math.max(shortestRefreshMs, Math.ceil(soonest));
}
