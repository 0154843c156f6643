import type { PgBoss } from 'pg-boss';
import type { Logger } from '../log.ts';
import { jobSchemaOf } from '../store/database/inspect-jobs.ts';
import { openQueue, withQueueErrors } from './job-queue.ts';
import type { Engine, EngineWork, JobCount, PassRequest } from './engine.ts';
import { withLinkedAbort } from '../operations/linked-abort.ts';
import type { HintWork } from './hooks/hint.ts';
import { hintQueueOptions, startSharedHints } from './hooks/shared-hints.ts';
import type { PassSummary } from './pass-summary.ts';
import { createPartsEngine } from './parts-engine.ts';
import type { PartJob } from './parts-engine.ts';
import { openPreviousQueue } from './previous-queue.ts';
import type { PreviousQueue } from './previous-queue.ts';

/** Options of the engine that several processes share. */
export interface SharedEngineOptions {
  readonly databaseUrl: string;
  /** A process that serves one connection takes only its jobs. Absent = jobs of every connection. */
  readonly connectionId?: number | undefined;
  /** Passes at a time in this process, and as many parts of passes. */
  readonly workers: number;
  readonly work: EngineWork;
  /** Absent when webhooks are off. */
  readonly hints?: HintWork | undefined;
  readonly log: Logger;
  /** Called when a pass has ended in this process. */
  readonly onIdle: () => void;
}

/** A process without a heartbeat for this time counts as dead: its jobs go to other processes. */
const heartbeatSeconds = 10;
/** Just under pg-boss's limit of 24 hours. A pass that takes longer becomes a new job and continues where it stopped. */
const longestSeconds = 23 * 3600;
const jobOptions = { heartbeatSeconds, expireInSeconds: longestSeconds };
const queueOptions = {
  ...jobOptions,
  retryLimit: 3,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  deleteAfterSeconds: 3600,
};

/** An engine that shares its jobs with every process on the same PostgreSQL. Rejects with DatabaseError when the schema cannot be used. */
export async function createSharedEngine(options: SharedEngineOptions): Promise<Engine> {
  const { databaseUrl, connectionId, log } = options;
  const suffix = connectionId === undefined ? '' : `-${connectionId}`;
  const names = {
    passes: `gitlab-passes${suffix}`,
    parts: `gitlab-parts${suffix}`,
    dead: `gitlab-dead${suffix}`,
    hints: `gitlab-hints${suffix}`,
  };
  const boss = await openQueue(databaseUrl, (problem) => log.debug(problem, 'job queue failed'));
  try {
    return await withQueueErrors(jobSchemaOf(databaseUrl), async () => {
      await boss.createQueue(names.dead);
      await boss.createQueue(names.passes, { ...queueOptions, policy: 'exclusive', deadLetter: names.dead });
      await boss.createQueue(names.parts, { ...queueOptions, policy: 'standard', deadLetter: names.dead });
      if (options.hints) await boss.createQueue(names.hints, { ...jobOptions, ...hintQueueOptions });
      return await engineOf({ boss, names, previous: await openPreviousQueue(boss, suffix) }, options);
    });
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
}

interface Names {
  readonly passes: string;
  readonly parts: string;
  readonly dead: string;
  readonly hints: string;
}

interface Queues {
  readonly boss: PgBoss;
  readonly names: Names;
  readonly previous: PreviousQueue;
}

async function engineOf({ boss, names, previous }: Queues, options: SharedEngineOptions): Promise<Engine> {
  const { workers, work, hints: hintWork, onIdle } = options;
  const stopped = new AbortController();
  const workOptions = { batchSize: 1, localConcurrency: workers, pollingIntervalSeconds: 1, includeMetadata: true } as const;
  let partWorkers = '';
  const passWorkers: string = await boss.work<PassRequest>(names.passes, workOptions, async ([job]) => {
    if (!job) return;
    const { connectionId, wantedSince } = job.data;
    await withLinkedAbort([job.signal, stopped.signal], async (signal) => {
      const onInserted = () => boss.notifyWorker(partWorkers);
      const parts = createPartsEngine({ boss, queue: names.parts, previous, onInserted, signal, connectionId });
      await work.runPass({ connectionId, wantedSince, isResumed: job.retryCount > 0, signal, parts });
      onIdle();
      // A job that fails is retried: another process continues the pass at once.
      if (signal.aborted) throw new Error('the process was stopped');
    });
    boss.notifyWorker(passWorkers);
  });
  partWorkers = await boss.work<PartJob, PassSummary | undefined>(names.parts, workOptions, async ([job]) => {
    if (!job) return undefined;
    const summary = await withLinkedAbort([job.signal, stopped.signal], (signal) => work.readPart({ ...job.data, signal }));
    boss.notifyWorker(partWorkers);
    return summary;
  });
  const hints = hintWork ? await startSharedHints({ boss, queue: names.hints, ...hintWork, signal: stopped.signal }) : null;
  return {
    hints,
    request: async (request) => {
      const sent = await boss.send(names.passes, request, { singletonKey: String(request.connectionId) });
      if (sent !== null) boss.notifyWorker(passWorkers);
    },
    jobs: () => countJobs(boss, names),
    stop: async () => {
      stopped.abort();
      await boss.stop({ graceful: true, timeout: 60_000 });
    },
  };
}

async function countJobs(boss: PgBoss, names: Names): Promise<JobCount[]> {
  const queues = new Map((await boss.getQueues(Object.values(names))).map((queue) => [queue.name, queue]));
  const kinds = [
    { kind: 'pass' as const, queue: queues.get(names.passes) },
    { kind: 'part' as const, queue: queues.get(names.parts) },
    { kind: 'hint' as const, queue: queues.get(names.hints) },
  ];
  return kinds.flatMap(({ kind, queue }) => [
    { kind, state: 'waiting' as const, count: queue?.queuedCount ?? 0 },
    { kind, state: 'running' as const, count: queue?.activeCount ?? 0 },
    { kind, state: 'dead' as const, count: queue?.failedCount ?? 0 },
  ]);
}
