import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { GitlabAnswer } from '../gitlab/http/with-answers.ts';
import type { SyncReport } from '../pass/report.ts';
import type { PassResult } from '../store/progress/passes.ts';
import { printable } from '../printable.ts';
import { streams } from '../streams/index.ts';
import { version } from '../version.ts';
import { createHookMetrics } from './hooks/hook-metrics.ts';
import type { HookMetrics } from './hooks/hook-metrics.ts';
import { operationLabel } from './operation-label.ts';

/** Values that are read when the metrics are requested. */
export interface Gauges {
  readonly connections: ReadonlyArray<{
    readonly id: number;
    readonly name: string;
    readonly lagMs: number;
    readonly intervalMs: number;
    /** `configuration` for a connection that cannot be used. */
    readonly result: PassResult | null;
  }>;
  readonly projects: ReadonlyArray<{ readonly connectionId: number; readonly count: number }>;
  readonly outcomes: ReadonlyArray<{
    readonly connectionId: number;
    readonly stream: string;
    readonly outcome: string;
    readonly walks: number;
  }>;
  readonly gaps: ReadonlyArray<{ readonly connectionId: number; readonly stream: string; readonly count: number }>;
  readonly jobs: ReadonlyArray<{ readonly kind: string; readonly state: string; readonly count: number }>;
  readonly isReady: boolean;
  readonly isDatabaseUp: boolean;
}

/** The counters of the service. No label has more values than there are connections, streams, operations or hosts. */
export interface Metrics {
  readonly answered: (answer: GitlabAnswer) => void;
  /** Counts the events of a pass or of a part. */
  readonly read: (report: SyncReport) => void;
  readonly passEnded: (connectionId: number, result: PassResult | 'aborted', durationMs: number) => void;
  readonly partEnded: (durationMs: number) => void;
  /** Counts what hooks lead to. Null when webhooks are off. */
  readonly hooks: HookMetrics | null;
  /** Removes the counters of a connection that is no longer served. */
  readonly forget: (connectionId: number) => void;
  /** All metrics in Prometheus' text format. */
  readonly text: (gauges: Gauges) => Promise<string>;
  readonly contentType: string;
}

const name = (suffix: string) => `gitlab_connector_${suffix}`;
const passResults = ['ok', 'incomplete', 'configuration', 'gitlab', 'database', 'error'] as const;
/** Anyone who can write a row of connections chooses its name. */
const longestName = 100;
const passBuckets = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const requestBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics at zero, in their own registry. */
export function createMetrics({ hasHooks = false } = {}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counts = createCounts(registry);
  const gauges = createGauges(registry);
  gauges.info.set({ version }, 1);
  return {
    ...counts,
    hooks: hasHooks ? createHookMetrics(registry) : null,
    contentType: registry.contentType,
    text: (values) => {
      setGauges(gauges, values);
      return registry.metrics();
    },
  };
}

function createCounts(registry: Registry): Omit<Metrics, 'text' | 'contentType' | 'hooks'> {
  const registers = [registry];
  const passes = new Counter({
    name: name('passes_total'),
    help: 'Passes that ended in this process.',
    labelNames: ['connection', 'result'],
    registers,
  });
  const durations = new Histogram({
    name: name('pass_duration_seconds'),
    help: 'Duration of passes, and of the parts of the passes over large connections.',
    labelNames: ['kind'],
    buckets: passBuckets,
    registers,
  });
  const events = new Counter({ name: name('events_total'), help: 'Events read.', labelNames: ['type', 'result'], registers });
  const corrected = new Counter({
    name: name('corrected_events_total'),
    help: 'Rows that a reconcile corrected: they had changed without a trace in GitLab.',
    registers,
  });
  const results = new Map<number, Set<string>>();
  return {
    ...createRequestCounts(registry),
    read: (report) => {
      for (const { name: stream, type } of streams) {
        const { fetched, inserted, updated } = report.streams[stream] ?? { fetched: 0, inserted: 0, updated: 0 };
        const label = type.toLowerCase();
        events.inc({ type: label, result: 'inserted' }, inserted);
        events.inc({ type: label, result: 'updated' }, updated);
        events.inc({ type: label, result: 'unchanged' }, Math.max(0, fetched - inserted - updated));
      }
      corrected.inc(report.corrected);
    },
    passEnded: (connectionId, result, durationMs) => {
      results.set(connectionId, (results.get(connectionId) ?? new Set()).add(result));
      passes.inc({ connection: String(connectionId), result });
      durations.observe({ kind: 'pass' }, durationMs / 1000);
    },
    partEnded: (durationMs) => durations.observe({ kind: 'part' }, durationMs / 1000),
    forget: (connectionId) => {
      for (const result of results.get(connectionId) ?? []) passes.remove({ connection: String(connectionId), result });
      results.delete(connectionId);
    },
  };
}

function createRequestCounts(registry: Registry): Pick<Metrics, 'answered'> {
  const registers = [registry];
  const requests = new Counter({
    name: name('requests_total'),
    help: 'Requests to GitLab by status, retries included; status none = no answer.',
    labelNames: ['operation', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: name('request_duration_seconds'),
    help: 'Duration of requests to GitLab until the whole answer was received.',
    labelNames: ['operation'],
    buckets: requestBuckets,
    registers,
  });
  const retries = new Counter({
    name: name('request_retries_total'),
    help: 'Requests that were sent again.',
    labelNames: ['operation'],
    registers,
  });
  const limit = new Gauge({ name: name('rate_limit_limit'), help: 'RateLimit-Limit of the last answer.', labelNames: ['host'], registers });
  const remaining = new Gauge({
    name: name('rate_limit_remaining'),
    help: 'RateLimit-Remaining of the last answer.',
    labelNames: ['host'],
    registers,
  });
  return {
    answered: ({ operation: asked, status, durationMs, isRetry, host, rateLimit }) => {
      const operation = operationLabel(asked);
      requests.inc({ operation, status: status === null ? 'none' : String(status) });
      durations.observe({ operation }, durationMs / 1000);
      if (isRetry) retries.inc({ operation });
      if (!rateLimit) return;
      limit.set({ host }, rateLimit.limit);
      remaining.set({ host }, rateLimit.remaining);
    },
  };
}

function createGauges(registry: Registry) {
  const gauge = (suffix: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name: name(suffix), help, labelNames: [...labelNames], registers: [registry] });
  return {
    info: gauge('build_info', 'Always 1; the version is in the label.', ['version']),
    connection: gauge('connection_info', 'Always 1; the name of the connection is in the label.', ['connection', 'name']),
    lag: gauge('lag_seconds', 'Time since the start of the last pass, by any replica, that read the connection.', ['connection']),
    interval: gauge('poll_interval_seconds', 'Interval between two passes over the connection.', ['connection']),
    result: gauge('last_pass_result', '1 for the result of the last pass by any replica.', ['connection', 'result']),
    projects: gauge('projects', 'Projects that are read.', ['connection']),
    outcomes: gauge('stream_outcomes', 'Walks by their last outcome.', ['connection', 'stream', 'outcome']),
    gaps: gauge('gaps', 'Rows that could not be read or stored, or not completely.', ['connection', 'stream']),
    jobs: gauge('jobs', 'Jobs that all replicas share.', ['kind', 'state']),
    ready: gauge('ready', '1 when /readyz answers 200.'),
    database: gauge('database_up', '1 when the database answered the last query.'),
  };
}

function setGauges(gauges: ReturnType<typeof createGauges>, values: Gauges): void {
  // Connections and streams that are gone must not keep their last value.
  for (const gauge of [
    gauges.connection,
    gauges.lag,
    gauges.interval,
    gauges.result,
    gauges.projects,
    gauges.outcomes,
    gauges.gaps,
    gauges.jobs,
  ])
    gauge.reset();
  for (const { id, name: title, lagMs, intervalMs, result } of values.connections) {
    const connection = String(id);
    // A series from the start: an alert compares it with what it was.
    for (const { name: stream } of streams) gauges.gaps.set({ connection, stream }, 0);
    gauges.connection.set({ connection, name: printable(title.slice(0, longestName)) }, 1);
    gauges.lag.set({ connection }, lagMs / 1000);
    gauges.interval.set({ connection }, intervalMs / 1000);
    for (const known of passResults) gauges.result.set({ connection, result: known }, known === result ? 1 : 0);
  }
  for (const { connectionId, count } of values.projects) gauges.projects.set({ connection: String(connectionId) }, count);
  for (const { connectionId, stream, outcome, walks } of values.outcomes) {
    gauges.outcomes.set({ connection: String(connectionId), stream, outcome }, walks);
  }
  for (const { connectionId, stream, count } of values.gaps) gauges.gaps.set({ connection: String(connectionId), stream }, count);
  for (const { kind, state, count } of values.jobs) gauges.jobs.set({ kind, state }, count);
  gauges.ready.set(values.isReady ? 1 : 0);
  gauges.database.set(values.isDatabaseUp ? 1 : 0);
}
