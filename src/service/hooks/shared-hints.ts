import { randomUUID } from 'node:crypto';
import type { JobInsert, JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import { withLinkedAbort } from '../../operations/linked-abort.ts';
import { gapSeconds, groupsOf, hintWorkers, mostRetries, mostTogether, retrySeconds } from './hint.ts';
import type { Hint, HintEnd, HintQueue, HintWork } from './hint.ts';

/** Options of the hints that several processes share. */
export interface SharedHintsOptions extends HintWork {
  readonly boss: PgBoss;
  /** Name of the queue. */
  readonly queue: string;
  /** Stops the reads. */
  readonly signal: AbortSignal;
}

/** What pg-boss does with the jobs of hints. `short`: at most one waits for each key, which is a project. */
export const hintQueueOptions = {
  policy: 'short',
  retryLimit: mostRetries,
  retryDelay: retrySeconds,
  retryBackoff: false,
  // A job that has ended says that its project was read in its slot.
  deleteAfterSeconds: 60,
} as const;

/** pg-boss's `insert` takes the next slot too, as its `send` does for one job, but does not declare it. */
type SlotJob = JobInsert<Hint> & { readonly id: string; readonly singletonOffset?: number };

interface WaitingJob {
  readonly hint: Hint;
  readonly job: JobWithMetadata<Hint>;
}

/**
 * Hints in PostgreSQL: any replica reads them, and they outlive the process that received them. Time is divided into slots of
 * `gapSeconds`. A project has one job in each slot at most; a hint after that job has begun becomes the job of the next slot.
 */
export async function startSharedHints(options: SharedHintsOptions): Promise<HintQueue> {
  const { boss, queue } = options;
  const workOptions = {
    batchSize: mostTogether,
    localConcurrency: hintWorkers,
    pollingIntervalSeconds: 1,
    includeMetadata: true,
    perJobResults: true,
  } as const;
  const worker = await boss.work<Hint, undefined, typeof workOptions>(queue, workOptions, (jobs) => readJobs(options, jobs));
  const insert = async (jobs: readonly SlotJob[]) => {
    const ids = new Set(jobs.length > 0 ? await boss.insert(queue, [...jobs], { returnId: true }) : []);
    return jobs.filter(({ id }) => !ids.has(id));
  };
  return {
    add: async (hints) => {
      const jobs: SlotJob[] = hints.map((hint) => ({
        id: randomUUID(),
        data: hint,
        singletonKey: `${hint.connectionId} ${hint.projectId}`,
        singletonSeconds: gapSeconds,
      }));
      const refused = await insert(jobs);
      const startAfter = gapSeconds - Math.floor((Date.now() / 1000) % gapSeconds);
      const joined = await insert(refused.map((job) => ({ ...job, startAfter, singletonOffset: gapSeconds })));
      if (refused.length < jobs.length) boss.notifyWorker(worker);
      return joined.length;
    },
  };
}

async function readJobs(options: SharedHintsOptions, jobs: ReadonlyArray<JobWithMetadata<Hint>>): Promise<JobResult[]> {
  const groups = groupsOf(jobs.map((job): WaitingJob => ({ hint: job.data, job })));
  return (await Promise.all(groups.map((group) => readGroup(options, group)))).flat();
}

async function readGroup({ read, metrics, signal: stopped }: SharedHintsOptions, group: readonly WaitingJob[]): Promise<JobResult[]> {
  const connectionId = group[0]?.hint.connectionId ?? 0;
  const projectIds = [...new Set(group.map(({ hint }) => hint.projectId))];
  const end = await withLinkedAbort([stopped, ...group.map(({ job }) => job.signal)], (signal) =>
    read({ connectionId, projectIds, signal }),
  );
  return group.map(({ hint, job }) => ({ id: job.id, status: settle(metrics, { hint, job }, end) }));
}

function settle(metrics: SharedHintsOptions['metrics'], { hint, job }: WaitingJob, end: HintEnd): JobResult['status'] {
  // pg-boss tries a job again that failed.
  if (end === 'later' && job.retryCount < job.retryLimit) return 'failed';
  if (end === 'read') metrics.hintRead(Date.now() - hint.receivedAt);
  else metrics.hinted(end === 'later' ? 'busy' : 'failed');
  return 'completed';
}
