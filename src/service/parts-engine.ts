import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import type { Part } from '../pass/part.ts';
import type { PartsEngine } from './engine.ts';
import { failedSummary } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';
import type { PreviousQueue } from './previous-queue.ts';

/** The data of a job that reads one part of a pass. */
export interface PartJob {
  readonly connectionId: number;
  /** Start of the pass, which identifies it: milliseconds, the database's clock. */
  readonly passStartedAt: number;
  readonly projectIds: Part;
}

/** Options of the engine for the parts of one pass. */
export interface PartsEngineOptions {
  readonly boss: PgBoss;
  readonly queue: string;
  /** Parts that a process of an earlier version has queued. */
  readonly previous: PreviousQueue;
  /** Called when there are new jobs. */
  readonly onInserted: () => void;
  readonly signal: AbortSignal;
  readonly connectionId: number;
}

/** The most jobs that one query returns. */
export const mostJobs = 100_000;
/** Milliseconds between two queries for the jobs of a pass. */
export const waitMs = 500;

/** Queues the parts of a pass, so that any replica with a free worker reads them, and waits until all have ended. */
export function createPartsEngine(options: PartsEngineOptions): PartsEngine {
  const { boss, queue, previous, onInserted, connectionId } = options;
  const jobsOf = (data: object, queued = false) =>
    boss.findJobs<PartJob>(queue, { data: { connectionId, ...data }, queued, limit: mostJobs });
  const readAll = async (passStartedAt: number, parts: readonly Part[]) => {
    const jobs = parts.map((projectIds, index) => ({
      id: jobId([connectionId, passStartedAt, index]),
      data: { connectionId, passStartedAt, projectIds },
    }));
    if (jobs.length > 0) await boss.insert(queue, jobs);
    onInserted();
    return waitForAll(options, () => jobsOf({ passStartedAt }));
  };
  return {
    read: async (passStartedAt, parts) => {
      await previous.cancelQueued(connectionId);
      const stale = (await jobsOf({}, true)).filter(({ data }) => data.passStartedAt !== passStartedAt).map(({ id }) => id);
      if (stale.length > 0) await boss.cancel(queue, stale);
      return readAll(passStartedAt, parts);
    },
    resume: async (passStartedAt) => {
      const { summaries, unread } = await previous.takeOver(connectionId, passStartedAt, options.signal);
      // One statement inserts all jobs of a pass: where one job exists, all exist.
      const hasJobs = (await jobsOf({ passStartedAt })).length > 0;
      if (!hasJobs && summaries.length === 0 && unread.length === 0) return null;
      return [...summaries, ...(await readAll(passStartedAt, hasJobs ? [] : unread))];
    },
  };
}

async function waitForAll(
  { boss, queue, signal }: PartsEngineOptions,
  find: () => Promise<Array<JobWithMetadata<PartJob>>>,
): Promise<PassSummary[]> {
  for (;;) {
    signal.throwIfAborted();
    const jobs = await find();
    const ended = jobs.filter(hasEnded);
    const summaries = ended.flatMap((job) => (job.state === 'cancelled' ? [] : [summaryOfJob(job)]));
    if (ended.length === jobs.length) return summaries;
    if (summaries.some(failsEveryPart)) {
      const queued = jobs.filter(isQueued).map(({ id }) => id);
      if (queued.length > 0) await boss.cancel(queue, queued);
    }
    await sleep(waitMs, undefined, { signal });
  }
}

type JobState = Pick<JobWithMetadata, 'state'>;

/** No process reads the job now or later. */
export const hasEnded = ({ state }: JobState) => state === 'completed' || state === 'failed' || state === 'cancelled';

/** The job waits for a free worker. */
export const isQueued = ({ state }: JobState) => state === 'created' || state === 'retry';

/** The summary that a completed or failed job left. A job whose processes all died left none. */
export function summaryOfJob({ state, output }: Pick<JobWithMetadata, 'state' | 'output'>): PassSummary {
  const { summary } = output as { readonly summary?: PassSummary };
  if (state === 'completed') return output as PassSummary;
  return summary ?? failedSummary('every process that read a part of the pass died while reading');
}

/** The other parts would fail too: the token is refused, or the settings are wrong. */
const failsEveryPart = ({ result, errorCode }: PassSummary) => result === 'configuration' || errorCode === 'gitlab_unauthorized';

/** The same id for the same part, so that inserting it twice makes one job. */
function jobId(key: readonly number[]): string {
  const hex = createHash('sha256')
    .update(`gitlab-connector ${key.join(' ')}`)
    .digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
