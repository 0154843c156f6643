import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { endParts, partsOfConnection, syncPart } from '../operations/sync-part.ts';
import type { PartInput } from '../operations/sync-part.ts';
import type { Part } from '../pass/part.ts';
import type { SyncProgress } from '../pass/pass-state.ts';
import type { SyncReport } from '../pass/report.ts';
import { beginPass, endPass, movePass, readPasses } from '../store/progress/passes.ts';
import { syncGitlab } from '../operations/sync.ts';
import type { SyncFailure } from '../operations/connect.ts';
import type { ServedConnection } from './connection-source.ts';
import type { EngineWork, PartOrder, PassOrder } from './engine.ts';
import type { ReadHinted } from './hooks/hint.ts';
import { createHintReader, pastHints } from './hooks/read-hinted.ts';
import { withLinkedAbort } from '../operations/linked-abort.ts';
import type { Metrics } from './metrics.ts';
import { nap, retryDelayMs, syncErrorOf } from './retry-until.ts';
import type { FailureLog } from './retry-until.ts';
import { PartFailure } from './part-failure.ts';
import type { PassLog } from './pass-log.ts';
import { nextStart } from './schedule.ts';
import { emptySummary, failedSummary, sumSummaries, passSummaryOf } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';

/** Options of a runner. */
export interface RunnerOptions {
  readonly em: SqlEntityManager;
  /** The connection as it is now. Undefined when it is no longer served. */
  readonly connectionOf: (id: number) => Promise<ServedConnection | undefined>;
  readonly shareMs: number;
  /** Whether hints are read beside the passes. */
  readonly readsHints: boolean;
  readonly metrics: Metrics;
  readonly passLog: PassLog;
  /** Logs failures to read or write the record of passes. */
  readonly failureLog: FailureLog;
  readonly log: Logger;
}

/** Runs passes and parts of passes, and records each pass in the database. */
export interface Runner extends EngineWork {
  readonly readHinted: ReadHinted;
  /** Stops the passes over a connection that is no longer served. */
  readonly drop: (connectionId: number) => void;
}

/** The progress of a pass is recorded at most this often. */
const moveEveryMs = 5_000;

/** A runner without running passes. */
export function createRunner(options: RunnerOptions): Runner {
  const { connectionOf, passLog, failureLog } = options;
  const running = new Map<number, Set<AbortController>>();
  const droppable = async <T>(connectionId: number, signal: AbortSignal, action: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const dropped = new AbortController();
    const all = running.get(connectionId) ?? new Set();
    running.set(connectionId, all.add(dropped));
    try {
      return await withLinkedAbort([signal, dropped.signal], action);
    } finally {
      all.delete(dropped);
      if (all.size === 0) running.delete(connectionId);
    }
  };
  const readHinted = createHintReader({
    em: options.em,
    log: options.log,
    readPart: async ({ connectionId, projectIds, signal }) => {
      const served = await connectionOf(connectionId);
      if (!served?.config) return null;
      return droppable(connectionId, signal, async (linked) =>
        passSummaryOf(counted(options, await syncPart(partInputOf(options, served, linked), projectIds))),
      );
    },
  });
  return {
    readHinted,
    runPass: async (order) => {
      try {
        const served = await connectionOf(order.connectionId);
        if (served?.config) await droppable(served.id, order.signal, (signal) => pass(options, served, { ...order, signal }));
        failureLog.recovered();
      } catch (error) {
        // A pass that could not be recorded is due again at once: the pause keeps it from starting in a tight loop.
        failureLog.failed(syncErrorOf(error));
        await nap(retryDelayMs(failureLog.count()), order.signal);
      }
    },
    readPart: async (order) => {
      const served = await connectionOf(order.connectionId);
      if (!served?.config) return { ...failedSummary('the connection is no longer served'), result: 'configuration' };
      return droppable(served.id, order.signal, (signal) => part(options, served, { ...order, signal }));
    },
    drop: (connectionId) => {
      for (const abort of running.get(connectionId) ?? []) abort.abort();
      passLog.forget(connectionId);
    },
  };
}

async function pass(options: RunnerOptions, served: ServedConnection, order: PassOrder): Promise<void> {
  const { em, shareMs, metrics, passLog } = options;
  const { id: connectionId, intervalMs } = served;
  const { now, byConnection } = await readPasses(em, connectionId);
  const record = byConnection.get(connectionId);
  // Another replica may have run the pass since it was requested.
  const isDue = nextStart({ now, connectionId, intervalMs, record, wantedSince: order.wantedSince, shareMs }) <= now;
  if (!isDue && !order.isResumed) return;
  const isResumed = order.isResumed && record?.endedAt === null;
  const passStartedAt = isResumed ? record.startedAt : await beginPass(em, connectionId);
  const startedAt = performance.now();
  const summary = await carryOut(options, served, { ...order, isResumed, passStartedAt }).catch((error: unknown) =>
    failed(options, served, order.signal, error),
  );
  const durationMs = performance.now() - startedAt;
  metrics.passEnded(connectionId, summary.result, durationMs);
  passLog.ended(served, summary, durationMs);
  // A stopped pass has no end: it continues later.
  if (summary.result !== 'aborted')
    await endPass(em, { connectionId, startedAt: passStartedAt, result: summary.result, error: summary.error });
}

/** The summary after an unexpected error (a bug), or after the wait for other replicas was aborted. */
function failed({ log }: RunnerOptions, { id }: ServedConnection, signal: AbortSignal, error: unknown): PassSummary {
  if (signal.aborted) return { ...failedSummary('Stopped before the end'), result: 'aborted' };
  log.error({ connection: id, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'unexpected error (bug)');
  return failedSummary(messageOf(error));
}

async function carryOut(
  options: RunnerOptions,
  served: ServedConnection,
  order: PassOrder & { readonly passStartedAt: number },
): Promise<PassSummary> {
  const input = partInputOf(options, served, order.signal);
  const { em, config, connectionId } = input;
  const sync = () => syncGitlab(em, config, connectionId, input.options);
  const whole = async () => passSummaryOf(counted(options, await reading(options, input, sync)));
  const { parts: engine, passStartedAt } = order;
  if (!engine) return whole();
  const resumed = order.isResumed ? await engine.resume(passStartedAt) : null;
  if (resumed) return allParts(input, sumSummaries(emptySummary, resumed));
  const plan = await partsOfConnection(input);
  if ('error' in plan) return passSummaryOf(plan);
  if (plan.kind === 'whole') return whole();
  const { parts, report } = plan;
  const read =
    parts.length > 1 ? await engine.read(passStartedAt, parts) : await Promise.all(parts.map((ids) => readPart(options, input, ids)));
  return allParts(input, sumSummaries(passSummaryOf(report), read));
}

/** Ends a pass after every part has ended. */
async function allParts(input: PartInput, summary: PassSummary): Promise<PassSummary> {
  if (summary.result !== 'ok' && summary.result !== 'incomplete') return summary;
  const failure = await endParts(input);
  return failure ? passSummaryOf(failure) : summary;
}

async function part(options: RunnerOptions, served: ServedConnection, { projectIds, signal }: PartOrder): Promise<PassSummary> {
  const startedAt = performance.now();
  const summary = await readPart(options, partInputOf(options, served, signal), projectIds);
  options.metrics.partEnded(performance.now() - startedAt);
  const canRetry = summary.result === 'aborted' || summary.result === 'database' || (summary.result === 'gitlab' && !isRefused(summary));
  if (canRetry) throw new PartFailure(summary);
  return summary;
}

const isRefused = ({ errorCode }: PassSummary) => errorCode === 'gitlab_unauthorized';

async function readPart(options: RunnerOptions, input: PartInput, projectIds: Part): Promise<PassSummary> {
  return passSummaryOf(counted(options, await reading(options, input, () => syncPart(input, projectIds))));
}

/** A reading of a pass. Hints may be read at this moment: it comes after them. */
function reading({ readsHints }: RunnerOptions, { options }: PartInput, read: () => Promise<SyncReport | SyncFailure>) {
  return readsHints && options?.signal ? pastHints(read, options.signal) : read();
}

function counted({ metrics }: RunnerOptions, outcome: SyncReport | SyncFailure): SyncReport | SyncFailure {
  if (!('error' in outcome)) metrics.read(outcome);
  return outcome;
}

function partInputOf({ em, metrics, log }: RunnerOptions, { id, config }: ServedConnection, signal: AbortSignal): Required<PartInput> {
  const note =
    (write: Logger['info']): Logger['info'] =>
    (fields, message) =>
      write({ connection: id, ...fields }, message);
  const logger: Logger = {
    debug: note((fields, message) => log.debug(fields, message)),
    // The pass log reports the end of a pass.
    info: note((fields, message) => log.debug(fields, message)),
    warn: note((fields, message) => log.warn(fields, message)),
    error: note((fields, message) => log.error(fields, message)),
  };
  return { em, connectionId: id, config: config ?? {}, options: { signal, logger, onAnswer: metrics.answered, onProgress: mover(em, id) } };
}

/** Records that a pass makes progress: projects or events were read. Requests alone are not progress. */
function mover(em: SqlEntityManager, connectionId: number): (progress: SyncProgress) => void {
  let [seen, notedAt] = [0, performance.now()];
  return ({ projectsDone, fetched }) => {
    const come = projectsDone + fetched;
    if (come === seen || performance.now() - notedAt < moveEveryMs) return;
    [seen, notedAt] = [come, performance.now()];
    // When the database is down, the pass itself fails and reports it.
    movePass(em, connectionId).catch(() => {});
  };
}
