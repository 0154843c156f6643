import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/service/metrics.ts';
import { streams } from '../../src/streams/index.ts';
import { notEmpty } from '../support/not-empty.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: ReadonlyArray<{ readonly refId: string; readonly expr: string; readonly legendFormat: string }>;
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string; readonly definition?: string }> };
}

const { groups } = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as { groups: ReadonlyArray<{ rules: readonly Rule[] }> };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync('deploy/grafana/dashboard.json', 'utf8')) as Dashboard;
const targets = dashboard.panels.flatMap(({ title, targets: all = [] }) => all.map((target) => ({ title, ...target })));

/** Labels of each metric that a poller can show, by the metric's name. */
const shown = new Map<string, Set<string>>();
beforeAll(async () => {
  const metrics = createMetrics({ hasHooks: true });
  metrics.answered({
    operation: 'x',
    status: 200,
    durationMs: 1,
    isRetry: true,
    host: 'h',
    rateLimit: { limit: 1, remaining: 1 },
  });
  metrics.read({
    streams: Object.fromEntries(streams.map(({ name }) => [name, { fetched: 2, inserted: 1, updated: 1 }])),
    corrected: 1,
  } as never);
  metrics.passEnded(1, 'ok', 1);
  const text = await metrics.text({
    connections: [{ id: 1, name: 'gitlab.com', lagMs: 1, intervalMs: 1, result: 'ok' }],
    projects: [{ connectionId: 1, count: 1 }],
    outcomes: [{ connectionId: 1, stream: 'releases', outcome: 'ok', walks: 1 }],
    gaps: [{ connectionId: 1, stream: 'releases', count: 1 }],
    jobs: [{ kind: 'pass', state: 'dead', count: 1 }],
    isReady: true,
    isDatabaseUp: true,
  });
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? [-\d.eE+NaInf]+$/gm)) {
    const known = shown.get(name) ?? new Set(['instance', 'job']);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    shown.set(name, known);
  }
});

interface Query {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
  readonly isValid: boolean;
}

/** What an expression asks for, by Prometheus' own grammar. Grafana's variables are filled in. */
function queryOf(expression: string): Query {
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll('$connection', '1');
  const found = { metrics: [] as string[], labels: [] as string[], isValid: true };
  parser.parse(text).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) found.isValid = false;
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') found.metrics.push(text.slice(from, to));
      if (type.name === 'LabelName') found.labels.push(text.slice(from, to));
    },
  });
  return found;
}

test('the PromQL grammar rejects a wrong query', () => {
  expect(queryOf('sum by (a) (rate(x_total{b="c"}[5m]) > 1')).toMatchObject({ isValid: false });
  expect(queryOf('max by (a) (x{b="c"}) > 3 * y')).toEqual({ metrics: ['x', 'y'], labels: ['a', 'b'], isValid: true });
});

/** Queries in the texts of alerts, such as for the name of a connection. */
const asked = rules.flatMap(({ alert, annotations }) =>
  [...annotations.summary.matchAll(/printf "([^"]+)"/g)].map(([, expr = '']) => ({
    where: `${alert} text`,
    expr: expr.replace('%s', '1'),
  })),
);

const queries = [
  ...asked,
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...targets.map(({ title, refId, expr }) => ({ where: `${title} ${refId}`, expr })),
];

test.each(notEmpty(queries))('$where uses only metrics and labels that exist', ({ expr }) => {
  const { metrics, labels, isValid } = queryOf(expr);
  expect(isValid).toBe(true);
  expect(metrics.filter((name) => !shown.has(name))).toEqual([]);
  const known = new Set(metrics.flatMap((name) => [...(shown.get(name) ?? [])]));
  expect(labels.filter((label) => !known.has(label))).toEqual([]);
});

describe('the Prometheus alerts', () => {
  test('have a name, a severity and a pause, and summaries that use only labels of the alert', () => {
    for (const { alert, expr, labels, annotations, for: pause } of rules) {
      expect(alert).toMatch(/^GitlabConnector[A-Z]\w+$/);
      expect(pause).toMatch(/^\d+[mh]$/);
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/) ?? [];
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) expect(kept).toContain(label);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test('are each explained in docs/operations.md, at the address that the alert carries', () => {
    const { homepage } = JSON.parse(readFileSync('package.json', 'utf8')) as { homepage: string };
    const sections = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#### (GitlabConnector\w+)\n\n(?=[A-Z])/gm)];
    expect(sections.map(([, alert]) => alert)).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules) {
      const page = homepage.replace('#readme', '/blob/main/docs/operations.md');
      expect(annotations.runbook_url).toBe(`${page}#${alert.toLowerCase()}`);
    }
  });
});

describe('the Grafana dashboard', () => {
  test('has panels that do not overlap, each with an id and a description', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.filter(({ type, description }) => type !== 'row' && !description).map(({ title }) => title)).toEqual([]);
    const boxes = panels.map(({ title, gridPos }) => ({ title, ...gridPos }));
    const overlaps = boxes.flatMap((a, index) =>
      boxes
        .slice(index + 1)
        .filter((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
        .map((b) => `${a.title} and ${b.title}`),
    );
    expect(overlaps).toEqual([]);
    expect(boxes.filter(({ x, w }) => x + w > 24)).toEqual([]);
  });

  test('names series by existing labels, and shows every metric of the connector that means something alone', () => {
    for (const { expr, legendFormat } of targets) {
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(/,\s*/) ?? ['instance', 'job'];
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(kept).toContain(label);
    }
    const used = new Set(queries.flatMap(({ expr }) => queryOf(expr).metrics));
    const own = [...shown.keys()].filter((name) => name.startsWith('gitlab_connector_') && !/_(sum|count)$/.test(name));
    expect(own.filter((name) => !used.has(name))).toEqual([]);
  });

  test('takes the values of its variables from existing metrics', () => {
    const definition = dashboard.templating.list.find(({ name }) => name === 'connection')?.definition;
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? [];
    expect(shown.get(metric)?.has(label)).toBe(true);
  });
});
