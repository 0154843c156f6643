import { messageOf } from '../errors.ts';
import { printableJson } from '../printable.ts';
import { readCounts, readProjectStatus } from '../store/progress/read-status.ts';
import type { Database } from '../store/database/database.ts';
import { version } from '../version.ts';
import type { Engine } from './engine.ts';
import { textAnswer } from './health-server.ts';
import type { HealthAnswer, HealthRoutes } from './health-server.ts';
import type { Metrics } from './metrics.ts';
import { lagMs, readinessOf } from './readiness.ts';
import type { Readiness, View, Watched } from './readiness.ts';
import { nextStart } from './schedule.ts';

/** What the routes read from a poller. */
export interface Visible {
  /** Null until the database is open. */
  readonly database: () => Database | null;
  /** Null until the engine has started. */
  readonly engine: () => Engine | null;
  /** Reads the connections now. Rejects with DatabaseError, after 15 s at the latest. */
  readonly refresh: () => Promise<View>;
  /** Milliseconds since the last iteration of the loop that starts passes. */
  readonly stillMs: () => number;
  /** Why the poller has not started yet. Null once it has. */
  readonly waitingFor: () => string | null;
  readonly servesTable: boolean;
  readonly metrics: Metrics;
}

/** The loop runs every few seconds, also during an outage. A loop that has not run for this time is stuck. */
const stuckMs = 120_000;

/** `/healthz`, `/readyz`, `/metrics` and `/status`. */
export function routesOf(visible: Visible): HealthRoutes {
  return {
    '/healthz': () => {
      const stillMs = visible.stillMs();
      return stillMs < stuckMs
        ? textAnswer(200, ['ok'])
        : textAnswer(503, [`the poller's loop has not run for ${Math.round(stillMs / 1000)} s`]);
    },
    '/readyz': async () => {
      const { isReady, reasons } = (await seen(visible)).readiness;
      return textAnswer(isReady ? 200 : 503, [isReady ? 'ready' : 'not ready', ...reasons]);
    },
    '/metrics': () => metricsAnswer(visible),
    '/status': (query) => statusAnswer(visible, query.get('connection')),
  };
}

interface Seen {
  readonly view: View | null;
  readonly readiness: Readiness;
}

async function seen({ refresh, waitingFor, servesTable }: Visible): Promise<Seen> {
  const waiting = waitingFor();
  if (waiting !== null) return { view: null, readiness: { isReady: false, reasons: [waiting] } };
  try {
    const view = await refresh();
    return { view, readiness: readinessOf(view, servesTable) };
  } catch (error) {
    return { view: null, readiness: { isReady: false, reasons: [messageOf(error)] } };
  }
}

async function metricsAnswer(visible: Visible): Promise<HealthAnswer> {
  const { view, readiness } = await seen(visible);
  const { metrics } = visible;
  const database = visible.database();
  // Without the database its counts are left out. The counters of this process are always shown.
  const counts = view && database ? await readCounts(database.em).catch(() => null) : null;
  const jobs = view
    ? await visible
        .engine()
        ?.jobs()
        .catch(() => null)
    : null;
  const own = new Set(view?.watched.map(({ served }) => served.id));
  const body = await metrics.text({
    connections: (view?.watched ?? []).map((watched) => ({
      id: watched.served.id,
      name: watched.served.name,
      lagMs: lagMs(watched, view?.now ?? 0),
      intervalMs: watched.served.intervalMs,
      result: watched.served.problem === null ? (watched.record?.result ?? null) : 'configuration',
    })),
    projects: (counts?.projects ?? []).filter(({ connectionId }) => own.has(connectionId)),
    outcomes: (counts?.outcomes ?? []).filter(({ connectionId }) => own.has(connectionId)),
    gaps: (counts?.gaps ?? []).filter(({ connectionId }) => own.has(connectionId)),
    jobs: jobs ?? [],
    isReady: readiness.isReady,
    isDatabaseUp: view !== null,
  });
  return { status: 200, contentType: metrics.contentType, body };
}

async function statusAnswer(visible: Visible, wanted: string | null): Promise<HealthAnswer> {
  const { view, readiness } = await seen(visible);
  const database = visible.database();
  const connections: unknown[] = [];
  for (const watched of view?.watched ?? []) {
    if (wanted !== null && wanted !== String(watched.served.id)) continue;
    const projects = database ? await readProjectStatus(database.em, watched.served.id) : [];
    connections.push({ ...connectionStatus(watched, view?.now ?? 0), projects });
  }
  const body = {
    version,
    ...readiness,
    database: database?.description ?? null,
    connections,
    jobs:
      (await visible
        .engine()
        ?.jobs()
        .catch(() => [])) ?? [],
  };
  return { status: 200, contentType: 'application/json; charset=utf-8', body: `${printableJson(JSON.stringify(body))}\n` };
}

const isoOf = (moment: number | null | undefined) => (moment === null || moment === undefined ? null : new Date(moment).toISOString());

function connectionStatus(watched: Watched, now: number) {
  const { served, record } = watched;
  const { id, name, intervalMs, config, problem, unknownKeys } = served;
  const next = nextStart({ now, connectionId: id, intervalMs, record, wantedSince: 0, shareMs: 0 });
  return {
    id,
    name,
    url: config?.url ?? null,
    problem,
    unknownKeys,
    intervalSeconds: intervalMs / 1000,
    lagSeconds: Math.round(lagMs(watched, now) / 1000),
    lastPass: record && {
      startedAt: isoOf(record.startedAt),
      endedAt: isoOf(record.endedAt),
      readAt: isoOf(record.readAt),
      result: record.result,
      error: record.error,
      failures: record.failures,
    },
    nextPassAt: problem === null ? isoOf(Math.max(now, next)) : null,
  };
}
