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
import type { Served } from './connection-source.ts';
import type { EngineWork, PartOrder, PassOrder } from './engine.ts';
import { withLinkedAbort } from './linked-abort.ts';
import type { Metrics } from './metrics.ts';
import { nap, retryDelayMs, syncErrorOf } from './retry-until.ts';
import type { FailureLog } from './retry-until.ts';
import { PartFailure } from './part-failure.ts';
import type { PassLog } from './pass-log.ts';
import { nextStart } from './schedule.ts';
import { emptySummary, failedSummary, sumOf, summaryOf } from './pass-summary.ts';
import type { PassSummary } from './pass-summary.ts';

/** What passes are carried out with. */
export interface RunnerOptions {
  readonly em: SqlEntityManager;
  /** The connection as it is now; undefined when it is not served any more. */
  readonly connectionOf: (id: number) => Promise<Served | undefined>;
  readonly shareMs: number;
  readonly metrics: Metrics;
  readonly passLog: PassLog;
  /** Of keeping the books. */
  readonly trouble: FailureLog;
  readonly log: Logger;
}

/** Carries out passes and parts of them, and keeps the books. */
export interface Runner extends EngineWork {
  /** Ends what is under way over a connection: it is not served any more. */
  readonly drop: (connectionId: number) => void;
}

/** What a pass has come on is noted so often at the most, in milliseconds. */
const moveEveryMs = 5_000;

/** A runner with nothing under way. */
export function createRunner(options: RunnerOptions): Runner {
  const { connectionOf, passLog, trouble } = options;
  const underWay = new Map<number, Set<AbortController>>();
  const droppable = async <T>(connectionId: number, signal: AbortSignal, action: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const dropped = new AbortController();
    const all = underWay.get(connectionId) ?? new Set();
    underWay.set(connectionId, all.add(dropped));
    try {
      return await withLinkedAbort([signal, dropped.signal], action);
    } finally {
      all.delete(dropped);
      if (all.size === 0) underWay.delete(connectionId);
    }
  };
  return {
    runPass: async (order) => {
      try {
        const served = await connectionOf(order.connectionId);
        if (served?.config) await droppable(served.id, order.signal, (signal) => pass(options, served, { ...order, signal }));
        trouble.passed();
      } catch (error) {
        // Without its books a pass would be due again at once.
        trouble.failed(syncErrorOf(error));
        await nap(retryDelayMs(trouble.count()), order.signal);
      }
    },
    readPart: async (order) => {
      const served = await connectionOf(order.connectionId);
      if (!served?.config) return { ...failedSummary('the connection is not served any more'), result: 'configuration' };
      return droppable(served.id, order.signal, (signal) => part(options, served, { ...order, signal }));
    },
    drop: (connectionId) => {
      for (const abort of underWay.get(connectionId) ?? []) abort.abort();
      passLog.forget(connectionId);
    },
  };
}

async function pass(options: RunnerOptions, served: Served, order: PassOrder): Promise<void> {
  const { em, shareMs, metrics, passLog } = options;
  const { id: connectionId, intervalMs } = served;
  const { now, byConnection } = await readPasses(em, connectionId);
  const record = byConnection.get(connectionId);
  // Another replica may have done it since it was asked for.
  const isDue = nextStart({ now, connectionId, intervalMs, record, wantedSince: order.wantedSince, shareMs }) <= now;
  if (!isDue && !order.isResumed) return;
  const isResumed = order.isResumed && record?.endedAt === null;
  const round = isResumed ? record.startedAt : await beginPass(em, connectionId);
  const startedAt = performance.now();
  const summary = await carryOut(options, served, { ...order, isResumed, round }).catch((error: unknown) =>
    failed(options, served, order.signal, error),
  );
  const durationMs = performance.now() - startedAt;
  metrics.passEnded(connectionId, summary.result, durationMs);
  passLog.ended(served, summary, durationMs);
  // One that was stopped has no end: it goes on where it was.
  if (summary.result !== 'aborted') await endPass(em, { connectionId, result: summary.result, error: summary.error });
}

/** A mistake of this program; or the wait for others was ended. */
function failed({ log }: RunnerOptions, { id }: Served, signal: AbortSignal, error: unknown): PassSummary {
  if (signal.aborted) return { ...failedSummary('Stopped before the end'), result: 'aborted' };
  log.error({ connection: id, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'mistake of the program');
  return failedSummary(messageOf(error));
}

async function carryOut(options: RunnerOptions, served: Served, order: PassOrder & { readonly round: number }): Promise<PassSummary> {
  const host = hostOf(options, served, order.signal);
  const whole = async () => summaryOf(counted(options, await syncGitlab(host.em, host.config, host.connectionId, host.options)));
  const { parts: engine, round } = order;
  if (!engine) return whole();
  const resumed = order.isResumed ? await engine.resume(round) : null;
  if (resumed) return allParts(host, sumOf(emptySummary, resumed));
  const plan = await partsOfConnection(host);
  if ('error' in plan) return summaryOf(plan);
  if (plan.kind === 'whole') return whole();
  const { parts, report } = plan;
  const read = parts.length > 1 ? await engine.read(round, parts) : await Promise.all(parts.map((ids) => readPart(options, host, ids)));
  return allParts(host, sumOf(summaryOf(report), read));
}

/** Every part has ended: what is left is what a pass over the whole does at its end. */
async function allParts(host: PartInput, summary: PassSummary): Promise<PassSummary> {
  if (summary.result !== 'ok' && summary.result !== 'incomplete') return summary;
  const failure = await endParts(host);
  return failure ? summaryOf(failure) : summary;
}

async function part(options: RunnerOptions, served: Served, { projectIds, signal }: PartOrder): Promise<PassSummary> {
  const startedAt = performance.now();
  const summary = await readPart(options, hostOf(options, served, signal), projectIds);
  options.metrics.partEnded(performance.now() - startedAt);
  const mayPass = summary.result === 'aborted' || summary.result === 'database' || (summary.result === 'gitlab' && !isRefused(summary));
  if (mayPass) throw new PartFailure(summary);
  return summary;
}

const isRefused = ({ errorCode }: PassSummary) => errorCode === 'gitlab_unauthorized';

async function readPart(options: RunnerOptions, host: PartInput, projectIds: Part): Promise<PassSummary> {
  return summaryOf(counted(options, await syncPart(host, projectIds)));
}

function counted({ metrics }: RunnerOptions, outcome: SyncReport | SyncFailure): SyncReport | SyncFailure {
  if (!('error' in outcome)) metrics.read(outcome);
  return outcome;
}

function hostOf({ em, metrics, log }: RunnerOptions, { id, config }: Served, signal: AbortSignal): Required<PartInput> {
  const note =
    (write: Logger['info']): Logger['info'] =>
    (fields, message) =>
      write({ connection: id, ...fields }, message);
  const logger: Logger = {
    debug: note((fields, message) => log.debug(fields, message)),
    // The end of a pass is told by who runs it.
    info: note((fields, message) => log.debug(fields, message)),
    warn: note((fields, message) => log.warn(fields, message)),
    error: note((fields, message) => log.error(fields, message)),
  };
  return { em, connectionId: id, config: config ?? {}, options: { signal, logger, onAnswer: metrics.answered, onProgress: mover(em, id) } };
}

/** Notes that a pass comes on: projects or events were read, not merely asked for. */
function mover(em: SqlEntityManager, connectionId: number): (progress: SyncProgress) => void {
  let [seen, notedAt] = [0, performance.now()];
  return ({ projectsDone, fetched }) => {
    const come = projectsDone + fetched;
    if (come === seen || performance.now() - notedAt < moveEveryMs) return;
    [seen, notedAt] = [come, performance.now()];
    // When the database is away, the pass itself finds out.
    movePass(em, connectionId).catch(() => {});
  };
}
