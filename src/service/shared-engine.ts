import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
import type { JobWithMetadata } from 'pg-boss';

import { DatabaseError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Part } from '../pass/part.ts';
import type { Engine, EngineWork, JobCount, PartsEngine, PassRequest } from './engine.ts';
import { withLinkedAbort } from './linked-abort.ts';
import { failedSummary } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';

/** What the engine of several processes works with. */
export interface SharedEngineOptions {
  readonly databaseUrl: string;
  /** Absent = for every connection. A process that serves one only takes no job of others. */
  readonly connectionId?: number | undefined;
  /** Passes at once in this process, and parts of passes at once. */
  readonly workers: number;
  readonly work: EngineWork;
  readonly log: Logger;
  /** Called when a pass has ended here. */
  readonly onIdle: () => void;
}

interface PartJob {
  readonly connectionId: number;
  readonly round: number;
  readonly projectIds: Part;
}

/** PostgreSQL's schema of the jobs; made when missing. */
export const jobSchema = 'gitlab_connector_jobs';

/** A process that has not been heard of for so long is taken for dead, and its jobs go to others. */
const heartbeatSeconds = 10;
const superviseSeconds = 5;
/** The longest that the engine allows. A pass that takes longer goes on where it was. */
const longestSeconds = 23 * 3600;
const queueOptions = {
  heartbeatSeconds,
  expireInSeconds: longestSeconds,
  retryLimit: 3,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  deleteAfterSeconds: 3600,
};
const waitMs = 500;

/** Carries passes out together with all processes on the same PostgreSQL, by jobs there. Rejects with DatabaseError when it cannot begin. */
export async function createSharedEngine(options: SharedEngineOptions): Promise<Engine> {
  const { databaseUrl, connectionId, log } = options;
  const suffix = connectionId === undefined ? '' : `-${connectionId}`;
  const names = { passes: `gitlab-passes${suffix}`, parts: `gitlab-batches${suffix}`, dead: `gitlab-dead${suffix}` };
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: jobSchema,
    application_name: 'gitlab-connector jobs',
    max: 4,
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    maintenanceIntervalSeconds: 600,
    openTelemetry: { enabled: false },
  });
  // It goes on by itself when the database is back; that it is away is said by whoever looks at the connections.
  boss.on('error', (error) => log.debug({ error: messageOf(error) }, 'the jobs of the database are out of reach'));
  boss.on('warning', ({ message }) => log.debug({ warning: message }, 'warning of the job engine'));
  try {
    await boss.start();
    await boss.createQueue(names.dead);
    await boss.createQueue(names.passes, { ...queueOptions, policy: 'exclusive', deadLetter: names.dead });
    await boss.createQueue(names.parts, { ...queueOptions, policy: 'standard', deadLetter: names.dead });
  } catch (cause) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw new DatabaseError(
      `cannot use the schema ${jobSchema} for the jobs of the poller (${messageOf(cause)}): its user must own it, or be allowed to create it`,
      { cause },
    );
  }
  return engineOf(boss, names, options);
}

interface Names {
  readonly passes: string;
  readonly parts: string;
  readonly dead: string;
}

async function engineOf(boss: PgBoss, names: Names, options: SharedEngineOptions): Promise<Engine> {
  const { workers, work, onIdle } = options;
  const stopped = new AbortController();
  const workOptions = { batchSize: 1, localConcurrency: workers, pollingIntervalSeconds: 1, includeMetadata: true } as const;
  let partWorkers = '';
  const passWorkers: string = await boss.work<PassRequest>(names.passes, workOptions, async ([job]) => {
    if (!job) return;
    const { connectionId, wantedSince } = job.data;
    await withLinkedAbort([job.signal, stopped.signal], async (signal) => {
      const parts = partsEngine({ boss, queue: names.parts, onInserted: () => boss.notifyWorker(partWorkers), signal, connectionId });
      await work.runPass({ connectionId, wantedSince, isResumed: job.retryCount > 0, signal, parts });
      onIdle();
      // Not done, so that another process takes it up at once.
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
  return {
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

interface Rounds {
  readonly boss: PgBoss;
  readonly queue: string;
  /** Called when there are new jobs. */
  readonly onInserted: () => void;
  readonly signal: AbortSignal;
  readonly connectionId: number;
}

/** Has the parts of a pass read by whoever is free, and waits for them. */
function partsEngine(rounds: Rounds): PartsEngine {
  const { boss, queue, onInserted, connectionId } = rounds;
  const jobsOf = (data: object, queued = false) =>
    boss.findJobs<PartJob>(queue, { data: { connectionId, ...data }, queued, limit: mostJobs });
  return {
    read: async (round, parts) => {
      const stale = (await jobsOf({}, true)).filter(({ data }) => data.round !== round).map(({ id }) => id);
      if (stale.length > 0) await boss.cancel(queue, stale);
      const jobs = parts.map((projectIds, index) => ({
        id: jobId([connectionId, round, index]),
        data: { connectionId, round, projectIds },
      }));
      await boss.insert(queue, jobs);
      onInserted();
      return waitForAll(rounds, () => jobsOf({ round }));
    },
    // All jobs of a round are made by one statement: where there is one, there are all.
    resume: async (round) => ((await jobsOf({ round })).length > 0 ? waitForAll(rounds, () => jobsOf({ round })) : null),
  };
}

async function waitForAll({ boss, queue, signal }: Rounds, find: () => Promise<Array<JobWithMetadata<PartJob>>>): Promise<PassSummary[]> {
  for (;;) {
    signal.throwIfAborted();
    const jobs = await find();
    const ended = jobs.filter(({ state }) => state === 'completed' || state === 'failed' || state === 'cancelled');
    const summaries = ended.flatMap((job) => (job.state === 'cancelled' ? [] : [endOf(job)]));
    if (ended.length === jobs.length) return summaries;
    if (summaries.some(isLasting)) {
      const queued = jobs.filter(({ state }) => state === 'created' || state === 'retry').map(({ id }) => id);
      if (queued.length > 0) await boss.cancel(queue, queued);
    }
    await sleep(waitMs, undefined, { signal });
  }
}

/** The most that can be asked for at once. */
const mostJobs = 100_000;

/** What a job that has ended says; one whose process died until nobody took it any more says nothing. */
function endOf({ state, output }: { readonly state: string; readonly output: object }): PassSummary {
  const { summary } = output as { readonly summary?: PassSummary };
  if (state === 'completed') return output as PassSummary;
  return summary ?? failedSummary('every process that read a batch of projects died meanwhile');
}

/** No other part can do better: the token is refused, or the settings are wrong. */
const isLasting = ({ result, errorCode }: PassSummary) => result === 'configuration' || errorCode === 'gitlab_unauthorized';

/** The same id for the same job, so that nobody makes it twice. */
function jobId(key: readonly number[]): string {
  const hex = createHash('sha256')
    .update(`gitlab-connector ${key.join(' ')}`)
    .digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

async function countJobs(boss: PgBoss, names: Names): Promise<JobCount[]> {
  const queues = new Map((await boss.getQueues(Object.values(names))).map((queue) => [queue.name, queue]));
  const kinds = [
    { kind: 'pass' as const, queue: queues.get(names.passes) },
    { kind: 'batch' as const, queue: queues.get(names.parts) },
  ];
  return kinds.flatMap(({ kind, queue }) => [
    { kind, state: 'waiting' as const, count: queue?.queuedCount ?? 0 },
    { kind, state: 'running' as const, count: queue?.activeCount ?? 0 },
    { kind, state: 'dead' as const, count: queue?.failedCount ?? 0 },
  ]);
}
