import type { PassRecord } from '../store/progress/passes.ts';

/** What decides when the next pass over a connection starts. Moments are milliseconds by the database's clock. */
export interface Timing {
  readonly now: number;
  readonly connectionId: number;
  readonly intervalMs: number;
  /** The last pass; undefined before there was one. */
  readonly record: PassRecord | undefined;
  /** One that started before this moment will not do: this process started then, or the connection changed. */
  readonly wantedSince: number;
  /** Other replicas that started at about the same moment share one pass: one that began so much earlier will do. */
  readonly shareMs: number;
}

/** Servers that take over from each other differ by no more; further ahead of the clock is only what the clock was before it was put back. */
const skewMs = 10_000;
const longestBackoffMs = 15 * 60_000;
const longestJitterMs = 15_000;

/**
 * When the next pass is to start; 0 = at once. After one that has read, an interval after its start and a little more;
 * a pass that took longer is followed at once. After one that failed, at least an interval after its end. A database's
 * clock that was wrong and is put right neither delays a pass nor asks for more of them.
 */
export function nextStart({ now, connectionId, intervalMs, record, wantedSince, shareMs }: Timing): number {
  if (!record) return 0;
  const { startedAt, endedAt, failures } = record;
  if (Math.max(startedAt, endedAt ?? 0) > now + skewMs) return 0;
  const isGood = endedAt === null || failures === 0;
  if (wantedSince <= now + skewMs && startedAt < wantedSince - (isGood ? shareMs : 0)) return 0;
  const jitter = jitterMs(connectionId, startedAt, intervalMs);
  if (failures === 0) return startedAt + intervalMs + jitter;
  // While it runs, or when its process stopped or died, there is no end; whoever carries passes out does not begin a second one.
  return (endedAt ?? startedAt) + backoffMs(intervalMs, failures) + jitter;
}

/** The pause after so many failures in a row: the interval, then double, up to four times or 15 minutes; never less than the interval. */
export function backoffMs(intervalMs: number, failures: number): number {
  const longest = Math.max(intervalMs, Math.min(4 * intervalMs, longestBackoffMs));
  return Math.min(intervalMs * 2 ** Math.max(0, failures - 1), longest);
}

/** Up to 5 % of the interval and 15 s, so that many pollers do not fall into step; the same in every replica. */
export function jitterMs(connectionId: number, startedAt: number, intervalMs: number): number {
  return Math.floor(fraction(`${connectionId} ${startedAt}`) * Math.min(intervalMs / 20, longestJitterMs));
}

/** A number from 0 up to 1 that looks random and is the same for the same text: FNV-1a, mixed once more. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** Changes of `connections` are noticed within so much. */
export const longestLookMs = 10_000;
/** And the database is not asked more often than this, whatever is due. */
export const shortestLookMs = 200;

/** How long to wait before looking again. `dueInMs`: until each next pass; 0 or less = it was asked for just now. */
export function lookInMs(dueInMs: readonly number[]): number {
  const soonest = dueInMs.map((ms) => (ms <= 0 ? 1_000 : ms)).reduce((a, b) => Math.min(a, b), longestLookMs);
  return Math.max(shortestLookMs, Math.ceil(soonest));
}
