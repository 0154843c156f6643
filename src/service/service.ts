import type { Config } from '../config/parse-config.ts';
import { GitlabSyncError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { openDatabase } from '../store/database/database.ts';
import type { Database } from '../store/database/database.ts';
import type { PassRecord } from '../store/progress/passes.ts';
import { version } from '../version.ts';
import { settingsSource, tableSource } from './connection-source.ts';
import type { Served } from './connection-source.ts';
import type { Engine, EngineWork } from './engine.ts';
import { startHealthServer } from './health-server.ts';
import { createLocalEngine } from './local-engine.ts';
import { createLog, createSecrets, passwordsOf } from './log.ts';
import type { LogTarget, Secrets } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { createPassLog } from './pass-log.ts';
import { createFailureLog, nap, retryDelayMs, syncErrorOf, retryUntil } from './retry-until.ts';
import type { FailureLog } from './retry-until.ts';
import { routesOf } from './routes.ts';
import { createRunner } from './runner.ts';
import { lookInMs, nextStart } from './schedule.ts';
import { createSharedEngine } from './shared-engine.ts';
import { createWatch } from './connection-watcher.ts';
import type { Watch } from './connection-watcher.ts';

/** What a poller is started with. */
export interface ServiceOptions {
  readonly config: Config;
  /** Serve the rows of `connections`, in place of the GitLab of the settings. */
  readonly servesTable: boolean;
  /** Where the log goes. */
  readonly target: LogTarget;
  /** Aborted when the poller is to stop. */
  readonly signal: AbortSignal;
}

/** How a poller ended: all was saved, or it did not get there within the grace period. */
export type ServiceEnd = 'stopped' | 'overdue';

/** What the parts of a poller share. */
interface Service extends ServiceOptions {
  readonly log: Logger;
  readonly secrets: Secrets;
  readonly metrics: Metrics;
  readonly trouble: FailureLog;
  /** Set as they come up, and taken down in reverse. */
  readonly up: { database: Database | null; watch: Watch | null; engine: Engine | null };
  turnedAt: number;
  /** When a pass over a connection was asked for last, and which was the last one then. */
  readonly asked: Map<number, { readonly at: number; readonly startedAt: number | undefined }>;
}

/** A pass that waits for its turn is asked for again so often, in milliseconds: the request may have been lost. */
const askAgainMs = 5_000;

/** Replicas that start within so much of each other share a first pass. */
const shareMs = 10_000;

/**
 * Polls until the signal aborts: a pass at once, then one every interval, whatever is out of reach meanwhile. Rejects
 * with ConfigurationError, at its start, for what waiting does not mend.
 */
export async function runService(options: ServiceOptions): Promise<ServiceEnd> {
  const { config, target, signal } = options;
  const secrets = createSecrets();
  secrets.set('settings', [config.token, ...passwordsOf(config.databaseUrl)]);
  const log = createLog({ level: config.logLevel, target, secrets });
  const up: Service['up'] = { database: null, watch: null, engine: null };
  const service: Service = {
    ...options,
    log,
    secrets,
    metrics: createMetrics(),
    trouble: createFailureLog(log),
    up,
    turnedAt: performance.now(),
    asked: new Map(),
  };
  const server = config.healthPort === 'off' ? null : await startHealthServer(config.healthHost, config.healthPort, healthRoutes(service));
  log.info({ version, health: server?.url ?? 'off' }, 'poller started');
  try {
    const end = await pollWithin(service, config.gracePeriod * 1000, signal);
    log.info({}, end === 'stopped' ? 'poller stopped' : 'poller stopped before all was saved: GRACE_PERIOD is over');
    return end;
  } finally {
    await server?.close();
  }
}

async function pollWithin(service: Service, graceMs: number, signal: AbortSignal): Promise<ServiceEnd> {
  const work = async () => {
    try {
      await poll(service);
    } finally {
      await takeDown(service);
    }
  };
  return endWithin(work(), graceMs, signal);
}

/** Waits for the work; for so long at the most once the signal has aborted. */
async function endWithin(work: Promise<void>, graceMs: number, signal: AbortSignal): Promise<ServiceEnd> {
  const ended = new AbortController();
  const asked = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const overdue = asked.then(() => nap(graceMs, ended.signal)).then((): ServiceEnd => 'overdue');
  try {
    return await Promise.race([work.then((): ServiceEnd => 'stopped'), overdue]);
  } finally {
    ended.abort();
  }
}

function healthRoutes(service: Service) {
  const { up, servesTable, metrics, trouble } = service;
  return routesOf({
    database: () => up.database,
    engine: () => up.engine,
    look: () => up.watch?.look() ?? Promise.reject(new GitlabSyncError('nothing to look at yet')),
    stillMs: () => performance.now() - service.turnedAt,
    waitingFor: () => (up.engine ? null : (trouble.now() ?? 'starting')),
    servesTable,
    metrics,
  });
}

async function poll(service: Service): Promise<void> {
  const { signal, trouble, up, log, config } = service;
  const database = await retryUntil({ action: () => turned(service, () => openAndMigrate(config)), trouble, signal });
  if (!database) return;
  up.database = database;
  log.info({ database: database.description }, 'database ready');
  const wake = createWake();
  const { watch, startEngine } = assemble(service, database, wake.now);
  up.watch = watch;
  const first = await retryUntil({ action: () => turned(service, watch.look), trouble, signal });
  const connectionId = service.servesTable ? undefined : first?.known[0]?.served.id;
  up.engine = first && (await retryUntil({ action: () => turned(service, () => startEngine(connectionId)), trouble, signal }));
  while (up.engine && !signal.aborted) await wake.orAfter(await turn(service, watch, up.engine), signal);
}

async function openAndMigrate(config: Config): Promise<Database> {
  const database = await openDatabase({ ...config, poolSize: 10 + 2 * config.workers });
  try {
    await database.migrate();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Looks at the connections, and asks for the passes that are due. Resolves to how long to wait before the next turn. */
async function turn(service: Service, watch: Watch, engine: Engine): Promise<number> {
  const { config, trouble } = service;
  service.turnedAt = performance.now();
  try {
    const { now, known } = await watch.look();
    const dueInMs: number[] = [];
    for (const { served, record, wantedSince } of known) {
      if (served.problem !== null) continue;
      const { id: connectionId, intervalMs } = served;
      const timing = { now, connectionId, intervalMs, record, wantedSince, shareMs: config.databaseUrl ? shareMs : 0 };
      const inMs = nextStart(timing) - now;
      dueInMs.push(inMs);
      if (inMs <= 0 && isTimeToAsk(service, connectionId, record)) await engine.request({ connectionId, wantedSince });
    }
    trouble.passed();
    return lookInMs(dueInMs);
  } catch (error) {
    trouble.failed(syncErrorOf(error));
    return retryDelayMs(trouble.count());
  }
}

function isTimeToAsk({ asked }: Service, connectionId: number, record: PassRecord | undefined): boolean {
  const last = asked.get(connectionId);
  const isWaiting = last !== undefined && last.startedAt === record?.startedAt && performance.now() - last.at < askAgainMs;
  if (!isWaiting) asked.set(connectionId, { at: performance.now(), startedAt: record?.startedAt });
  return !isWaiting;
}

async function turned<T>(service: Service, action: () => Promise<T>): Promise<T> {
  service.turnedAt = performance.now();
  return action();
}

/** Puts together what needs a database. */
function assemble(service: Service, database: Database, onIdle: () => void) {
  const { em } = database;
  const { config, servesTable, secrets, log, metrics } = service;
  const source = servesTable ? tableSource(config) : settingsSource(config);
  const originOf = ({ id }: Served) => `connection ${id}`;
  const watch: Watch = createWatch({
    em,
    source,
    log,
    onChanged: (served) => secrets.set(originOf(served), [served.config?.token]),
    onGone: (served) => {
      runner.drop(served.id);
      service.asked.delete(served.id);
      metrics.forget(served.id);
      secrets.set(originOf(served), []);
    },
  });
  const runner = createRunner({
    em,
    connectionOf: watch.connectionOf,
    shareMs: config.databaseUrl ? shareMs : 0,
    metrics,
    passLog: createPassLog(log),
    trouble: createFailureLog(log),
    log,
  });
  const { workers, databaseUrl } = config;
  const tidying: EngineWork['runPass'] = async (order) => {
    await runner.runPass(order);
    await database.tidy().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the embedded database could not be tidied'));
  };
  const startEngine = (connectionId: number | undefined): Promise<Engine> =>
    databaseUrl
      ? createSharedEngine({ databaseUrl, connectionId, workers, work: runner, log, onIdle })
      : Promise.resolve(createLocalEngine({ workers, work: { runPass: tidying }, onIdle }));
  return { watch, startEngine };
}

/** A pause that can be ended from elsewhere. */
function createWake() {
  let current = new AbortController();
  return {
    now: () => current.abort(),
    orAfter: async (ms: number, signal: AbortSignal) => {
      const stop = () => current.abort();
      signal.addEventListener('abort', stop, { once: true });
      if (!signal.aborted) await nap(ms, current.signal);
      signal.removeEventListener('abort', stop);
      current = new AbortController();
    },
  };
}

/** Ends what is under way, and closes what is open. */
async function takeDown({ up, config, log }: Service): Promise<void> {
  if (up.engine) log.info({ graceSeconds: config.gracePeriod }, 'stopping: what is in hand is saved');
  await up.engine?.stop();
  await up.database?.close();
}
