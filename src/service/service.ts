import type { Config } from '../config/parse-config.ts';
import { GitlabSyncError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { openDatabase } from '../store/database/database.ts';
import type { Database } from '../store/database/database.ts';
import { createPage, pagePaths } from './page/page.ts';
import { pagePasswordOf } from './page/password.ts';
import { readsOf } from '../store/reads.ts';
import { shareReads } from '../store/shared-reads.ts';
import type { PassRecord } from '../store/progress/passes.ts';
import { version } from '../version.ts';
import { settingsSource, tableSource } from './connection-source.ts';
import type { ServedConnection } from './connection-source.ts';
import { endWithin } from './end-within.ts';
import type { ServiceEnd } from './end-within.ts';
import type { Engine, EngineWork } from './engine.ts';
import { startHealthServer } from './health-server.ts';
import { hintWorkers } from './hooks/hint.ts';
import { createHooks } from './hooks/hooks.ts';
import type { HintTarget, Hooks } from './hooks/hooks.ts';
import { webhookTokenOf } from './hooks/webhook-token.ts';
import { createLocalEngine } from './local-engine.ts';
import { createLog, createSecrets, databasePasswordsOf, passwordsOf } from './log.ts';
import type { LogTarget, Secrets } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { createPassLog } from './pass-log.ts';
import { enforceRetention } from './retention.ts';
import { createFailureLog, createWake, retryDelayMs, syncErrorOf, retryUntil } from './retry-until.ts';
import type { FailureLog } from './retry-until.ts';
import { routesOf } from './routes.ts';
import { createRunner } from './runner.ts';
import { nextRefreshInMs, nextStart } from './schedule.ts';
import { createSharedEngine } from './shared-engine.ts';
import { createConnectionWatcher } from './connection-watcher.ts';
import type { ConnectionWatcher } from './connection-watcher.ts';

/** Options of a poller. */
export interface ServiceOptions {
  readonly config: Config;
  /** True: serve the rows of `connections` instead of the GitLab of the settings. */
  readonly servesTable: boolean;
  /** Create a missing database on the PostgreSQL. Default: false. */
  readonly createDatabase?: boolean | undefined;
  /** Where the log is written. */
  readonly target: LogTarget;
  /** Abort it to stop the poller. */
  readonly signal: AbortSignal;
}

/** The state that the parts of a poller share. */
interface Service extends ServiceOptions {
  readonly log: Logger;
  readonly secrets: Secrets;
  readonly metrics: Metrics;
  readonly failureLog: FailureLog;
  /** Set one after another at the start, and closed in reverse order. */
  readonly up: {
    database: Database | null;
    /** What other processes read the embedded database through. */
    shared: { readonly close: () => Promise<void> } | null;
    watcher: ConnectionWatcher | null;
    engine: Engine | null;
    /** Null when webhooks are off. */
    hooks: Hooks | null;
  };
  lastTickAt: number;
  /** By connection: when a pass was last requested, and the start of the pass before it. */
  readonly requested: Map<number, { readonly at: number; readonly startedAt: number | undefined }>;
}

/** A pass that was requested and has not started is requested again after this time: the request may have been lost. */
const requestAgainMs = 5_000;

/** Replicas that start within this time of each other share their first pass. */
const shareMs = 10_000;

/**
 * Polls until the signal aborts: a pass at once, then one every interval. Outages of GitLab and of the database are retried.
 * Rejects with ConfigurationError at the start, because no retry fixes a setting.
 */
export async function runService(options: ServiceOptions): Promise<ServiceEnd> {
  const { config, target, signal } = options;
  const secrets = createSecrets();
  const pagePassword = pagePasswordOf(config);
  const webhookToken = webhookTokenOf(config);
  secrets.set('settings', [
    config.token,
    pagePassword ?? undefined,
    webhookToken ?? undefined,
    ...databasePasswordsOf(config.databaseUrl),
    ...[config.httpsProxy, config.httpProxy].flatMap(passwordsOf),
  ]);
  const log = createLog({ level: config.logLevel, target, secrets });
  const up: Service['up'] = { database: null, shared: null, watcher: null, engine: null, hooks: null };
  const service: Service = {
    ...options,
    log,
    secrets,
    metrics: createMetrics({ hasHooks: webhookToken !== null }),
    failureLog: createFailureLog(log),
    up,
    lastTickAt: performance.now(),
    requested: new Map(),
  };
  const { healthHost: host, healthPort: port, healthAllowedHosts: allowedHosts } = config;
  const page = port === 'off' || !config.page ? undefined : pageOf(service, pagePassword);
  up.hooks = webhookToken === null ? null : hooksOf(service, webhookToken);
  const answered = { host, allowedHosts, page, receiveHook: up.hooks?.receive };
  const server = port === 'off' ? null : await startHealthServer({ ...answered, port }, healthRoutes(service));
  log.info({ version, health: server?.url ?? 'off' }, 'poller started');
  try {
    const end = await pollWithin(service, config.gracePeriod * 1000, signal);
    log.info({}, end === 'stopped' ? 'poller stopped' : 'poller stopped before everything was saved: GRACE_PERIOD is over');
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

/** The page of changes of the connections that this poller serves. */
function pageOf({ up, log, failureLog }: Service, password: string | null) {
  const { fetch } = createPage({
    password,
    served: async () => {
      if (!up.database || !up.watcher) throw new GitlabSyncError(`The poller has not started yet: ${failureLog.now() ?? 'starting'}`);
      const { watched } = await up.watcher.refresh();
      return { em: up.database.em, urls: new Map(watched.map(({ served }) => [served.id, served.config?.url])) };
    },
    onBug: (error) => log.error({ error: messageOf(error) }, 'unexpected error (bug)'),
  });
  return { paths: pagePaths, fetch: (request: Request) => fetch(request) };
}

function hooksOf({ up, metrics, log }: Service, token: string): Hooks | null {
  const target = async (): Promise<HintTarget> => {
    if (!up.database || !up.watcher || !up.engine?.hints) throw new GitlabSyncError('the poller has not started yet');
    const usable = (await up.watcher.refresh()).known.filter(({ served }) => served.problem === null);
    return { em: up.database.em, queue: up.engine.hints, connectionIds: usable.map(({ served }) => served.id) };
  };
  return metrics.hooks && createHooks({ token, metrics: metrics.hooks, log, target });
}

function healthRoutes(service: Service) {
  const { up, servesTable, metrics, failureLog } = service;
  return routesOf({
    database: () => up.database,
    engine: () => up.engine,
    refresh: () => up.watcher?.refresh() ?? Promise.reject(new GitlabSyncError('the poller has not started yet')),
    stillMs: () => performance.now() - service.lastTickAt,
    waitingFor: () => (up.engine ? null : (failureLog.now() ?? 'starting')),
    servesTable,
    metrics,
  });
}

async function poll(service: Service): Promise<void> {
  const { signal, failureLog, up, log } = service;
  const database = await retryUntil({ action: () => withTick(service, () => openAndMigrate(service)), failureLog, signal });
  if (!database) return;
  up.database = database;
  log.info({ database: database.description }, 'database ready');
  up.shared = service.config.databaseUrl ? null : await shareEmbedded(database, service.config, log);
  const wake = createWake();
  const { watcher, startEngine } = assemble(service, database, wake.now);
  up.watcher = watcher;
  const first = await retryUntil({ action: () => withTick(service, watcher.refresh), failureLog, signal });
  const connectionId = service.servesTable ? undefined : first?.known[0]?.served.id;
  up.engine = first && (await retryUntil({ action: () => withTick(service, () => startEngine(connectionId)), failureLog, signal }));
  const retaining = up.engine ? enforceRetention({ config: service.config, em: database.em, log, signal }) : null;
  while (up.engine && !signal.aborted) await wake.orAfter(await tick(service, watcher, up.engine), signal);
  await retaining;
}

/** Lets commands that only read ask this process, which has the embedded database open. Without it they refuse. */
async function shareEmbedded({ em }: Database, { dataDir }: Config, log: Logger): Promise<Service['up']['shared']> {
  const warning = 'commands that only read cannot use the embedded database while the poller runs';
  try {
    const shared = await shareReads(readsOf(em), dataDir);
    if (!shared) log.warn({ dataDir }, `${warning}: the path of DATA_DIR is too long for a socket`);
    return shared;
  } catch (error) {
    log.warn({ error: messageOf(error) }, warning);
    return null;
  }
}

async function openAndMigrate({ config, createDatabase, up }: Service): Promise<Database> {
  // One for all locks, one for what the loop asks, two for each pass (one writes while another one reads), and one for each read of hints.
  const poolSize = 2 + 2 * config.workers + (up.hooks ? hintWorkers : 0);
  const database = await openDatabase({ ...config, createDatabase, poolSize });
  try {
    await database.migrate();
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Reads the connections and requests the passes that are due. Resolves to the milliseconds to wait before the next tick. */
async function tick(service: Service, watcher: ConnectionWatcher, engine: Engine): Promise<number> {
  const { config, failureLog } = service;
  service.lastTickAt = performance.now();
  try {
    const { now, known } = await watcher.refresh();
    const dueInMs: number[] = [];
    for (const { served, record, wantedSince } of known) {
      if (served.problem !== null) continue;
      const { id: connectionId, intervalMs } = served;
      const timing = { now, connectionId, intervalMs, record, wantedSince, shareMs: config.databaseUrl ? shareMs : 0 };
      const inMs = nextStart(timing) - now;
      dueInMs.push(inMs);
      if (inMs <= 0 && isTimeToRequest(service, connectionId, record)) await engine.request({ connectionId, wantedSince });
    }
    failureLog.recovered();
    return nextRefreshInMs(dueInMs);
  } catch (error) {
    failureLog.failed(syncErrorOf(error));
    return retryDelayMs(failureLog.count());
  }
}

function isTimeToRequest({ requested }: Service, connectionId: number, record: PassRecord | undefined): boolean {
  const last = requested.get(connectionId);
  const isWaiting = last !== undefined && last.startedAt === record?.startedAt && performance.now() - last.at < requestAgainMs;
  if (!isWaiting) requested.set(connectionId, { at: performance.now(), startedAt: record?.startedAt });
  return !isWaiting;
}

async function withTick<T>(service: Service, action: () => Promise<T>): Promise<T> {
  service.lastTickAt = performance.now();
  return action();
}

/** Creates what needs a database. */
function assemble(service: Service, database: Database, onIdle: () => void) {
  const { em } = database;
  const { config, servesTable, secrets, log, metrics } = service;
  const source = servesTable ? tableSource(config) : settingsSource(config);
  const originOf = ({ id }: ServedConnection) => `connection ${id}`;
  const watcher: ConnectionWatcher = createConnectionWatcher({
    em,
    source,
    log,
    onChanged: (served) => secrets.set(originOf(served), [served.config?.token]),
    onGone: (served) => {
      runner.drop(served.id);
      service.requested.delete(served.id);
      metrics.forget(served.id);
      secrets.set(originOf(served), []);
    },
  });
  const runner = createRunner({
    em,
    connectionOf: watcher.connectionOf,
    shareMs: config.databaseUrl ? shareMs : 0,
    readsHints: metrics.hooks !== null,
    metrics,
    passLog: createPassLog(log),
    failureLog: createFailureLog(log),
    log,
  });
  const { workers, databaseUrl } = config;
  const hints = metrics.hooks ? { read: runner.readHinted, metrics: metrics.hooks } : undefined;
  const tidying: EngineWork['runPass'] = async (order) => {
    await runner.runPass(order);
    await database.tidy().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the embedded database could not be vacuumed'));
  };
  const startEngine = (connectionId: number | undefined): Promise<Engine> =>
    databaseUrl
      ? createSharedEngine({ databaseUrl, connectionId, workers, work: runner, hints, log, onIdle })
      : Promise.resolve(createLocalEngine({ workers, work: { runPass: tidying }, hints, onIdle }));
  return { watcher, startEngine };
}

/** Stops the passes and closes the database. */
async function takeDown({ up, config, log }: Service): Promise<void> {
  if (up.engine) log.info({ graceSeconds: config.gracePeriod }, 'stopping: saving the pages in progress');
  await up.hooks?.flush();
  await up.engine?.stop();
  await up.shared?.close();
  await up.database?.close();
}
