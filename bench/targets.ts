import type { Run } from './measure/run-case.ts';
import type { TimelineRun } from './database/timeline.ts';
import type { UpsertRun } from './database/upserts.ts';
import type { Middle } from './table.ts';

/** A target for one measured figure of the connector. */
export interface Target {
  readonly what: string;
  readonly found: number;
  /** The largest value of the figure that meets the target. */
  readonly most: number;
}

const listRequests = ({ traffic }: Run) => traffic.graphql + traffic.rest - traffic.registry;
const requests = ({ traffic }: Run) => traffic.graphql + traffic.rest;

/** Requests of all kinds at most. */
const mostRequests = [
  ['first-10', 60],
  ['idle-10', 3],
  ['idle-100', 9],
  ['idle-1000', 80],
  ['changed-20', 80 + 3 * 20],
] as const;

/** Rows a second at least, of COPY. */
const leastSpeed = [
  ['all new', 0.6],
  ['all changed', 0.4],
] as const;

/** The targets whose figures were all measured. */
export function targetsOf(middle: Middle, upserts: readonly UpsertRun[] = [], timelines: readonly TimelineRun[] = []): Target[] {
  const targets: Target[] = [];
  const first = middle.get('first-10');
  const [ours, peer] = [first?.get('connector'), first?.get('one by one')];
  if (ours && peer) {
    targets.push(
      {
        what: 'first sync: requests for merge requests, pipelines and releases, of those one by one',
        found: listRequests(ours) / listRequests(peer),
        most: 1 / 20,
      },
      { what: 'first sync: all requests, of those one by one', found: requests(ours) / requests(peer), most: 1 / 3 },
      { what: 'first sync: time, of that one by one', found: ours.wallSeconds / peer.wallSeconds, most: 1 / 10 },
    );
  }
  for (const [name, most] of mostRequests) {
    const run = middle.get(name)?.get('connector');
    if (run) targets.push({ what: `${name}: requests of all kinds`, found: requests(run), most });
  }
  const idle = middle.get('idle-1000')?.get('connector');
  if (idle) targets.push({ what: 'idle pass over 1,000 projects: rows written', found: idle.rowsWritten ?? Number.NaN, most: 0 });
  for (const [name, runs] of middle) {
    const [connector, limit] = [runs.get('connector'), runs.get('limit')];
    if (connector && limit)
      targets.push({ what: `${name}: time, of the limit`, found: connector.wallSeconds / limit.wallSeconds, most: 1.2 });
  }
  const [small, large] = ['backfill-6000', 'backfill-60000'].map((name) => middle.get(name)?.get('connector'));
  if (small && large) {
    targets.push({
      what: 'memory of the backfill of 60,000, of that of 6,000',
      found: large.peakMegabytes / small.peakMegabytes,
      most: 1.2,
    });
  }
  const onPostgres = (action: UpsertRun['action']) =>
    upserts.find((run) => run.database === 'PostgreSQL' && run.action === action)?.seconds;
  const [unchanged, copy] = [onPostgres('all unchanged'), onPostgres('COPY')];
  if (unchanged && copy) targets.push({ what: 'unchanged pages on PostgreSQL: time, of COPY', found: unchanged / copy, most: 2 });
  for (const [action, least] of leastSpeed) {
    const seconds = onPostgres(action);
    if (seconds && copy) targets.push({ what: `${action} on PostgreSQL: time, of COPY`, found: seconds / copy, most: 1 / least });
  }
  for (const { question, milliseconds } of timelines) {
    targets.push({ what: `20 minutes of the timeline, ${question}: ms`, found: milliseconds, most: question.includes('page') ? 100 : 50 });
  }
  return targets;
}

/** One line that says whether a target is met. */
export const targetLine = ({ what, found, most }: Target): string =>
  `${found <= most ? 'met   ' : 'MISSED'} ${what}: ${Number(found.toFixed(3))} (at most ${Number(most.toFixed(3))})`;
