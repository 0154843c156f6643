import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseConfig, settingsFromEnv } from '../../src/config/parse-config.ts';
import { knownSettings } from '../project/known-settings.ts';
import { base, compile, kinds, read } from './manifests.ts';
import type { Manifest, Types } from './manifests.ts';

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}
interface Kustomization {
  readonly resources: readonly string[];
  readonly patches: ReadonlyArray<{ readonly path: string; readonly target: { readonly kind: string; readonly name: string } }>;
  readonly images: ReadonlyArray<{ readonly name: string; readonly newTag: string }>;
}

/** Applies the operations of RFC 6902 that the overlays use. Throws where a path is not there, as kustomize does. */
function patched(content: unknown, operations: readonly Operation[]): unknown {
  const copy = structuredClone(content);
  for (const { op, path: pointer, value } of operations) {
    const keys = pointer.split('/').slice(1);
    const last = keys.pop() ?? '';
    const parent = keys.reduce<unknown>((place, key) => (place as Record<string, unknown>)[key], copy) as Record<string, unknown>;
    if (op !== 'add' && !Object.hasOwn(parent, last)) throw new Error(`there is no ${pointer}`);
    if (op === 'test' && parent[last] !== value) throw new Error(`${pointer} is not ${String(value)}`);
    if (op === 'add' || op === 'replace') parent[last] = value;
    else if (op === 'remove' && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (op === 'remove') delete parent[last];
  }
  return copy;
}

const folder = 'deploy/kubernetes/all-connections';
const overlay = read(`${folder}/kustomization.yaml`) as Kustomization;
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const manifests = overlay.patches.map(({ path: file }): Manifest => {
  const content = read(`${base}/${file}`) as Manifest['content'];
  const result = patched(content, parse(readFileSync(`${folder}/${file}`, 'utf8')) as Operation[]) as Manifest['content'];
  return { file, kind: content.kind, content: result };
});
const named = <K extends 'Deployment' | 'ConfigMap'>(kind: K): Types[K] =>
  manifests.find((manifest) => manifest.kind === kind)?.content as unknown as Types[K];

describe('the overlay for many connections', () => {
  test('makes manifests of the base that Kubernetes takes', async () => {
    expect(overlay.resources).toEqual(['../base']);
    expect(overlay.images).toEqual([{ name: 'gitlab-connector', newTag: packageJson.version }]);
    expect(manifests.map(({ kind }) => kind)).toEqual(['Deployment', 'ConfigMap']);
    expect(overlay.patches.map(({ target }) => target)).toEqual(
      manifests.map(({ kind, content }) => ({ kind, name: content.metadata.name })),
    );
    for (const { kind, content } of manifests) {
      const { model: Model } = kinds[kind];
      expect(() => new Model(content as never).validate()).not.toThrow();
    }
    expect(await compile(manifests)).toBe('');
  });

  test('starts replicas of poll --all that need no token and no GitLab of their own', () => {
    const { replicas, template } = named('Deployment').spec ?? {};
    const [container] = template?.spec?.containers ?? [];
    expect(replicas).toBeGreaterThan(1);
    expect(container?.args).toEqual(['poll', '--all']);
    expect(container?.env?.map(({ name }) => name)).toEqual(['DATABASE_URL']);
    expect([container?.volumeMounts, template?.spec?.volumes]).toEqual([undefined, undefined]);
    const { data = {} } = named('ConfigMap');
    expect(Object.keys(data).filter((name) => !knownSettings.has(name))).toEqual([]);
    expect(parseConfig(settingsFromEnv(data))).toMatchObject({ allowedHosts: [], repos: [], branches: [] });
    expect(Object.keys(data).filter((name) => ['GITLAB_URL', 'REPOS', 'BRANCHES'].includes(name))).toEqual([]);
  });
});

describe('what the Prometheus Operator gets', () => {
  const labels = { 'app.kubernetes.io/name': 'gitlab-connector' };

  test('is a PodMonitor of the pods, their port and their path', () => {
    const component = read('deploy/kubernetes/prometheus-operator/kustomization.yaml');
    expect(component).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1alpha1',
      kind: 'Component',
      resources: ['podmonitor.yaml'],
    });
    const { template } = (read(`${base}/deployment.yaml`) as Types['Deployment']).spec ?? {};
    expect(template?.metadata?.labels).toEqual(labels);
    const port = template?.spec?.containers[0]?.ports?.[0]?.name;
    // The whole of it, in the field names of the definition of monitoring.coreos.com/v1.
    expect(read('deploy/kubernetes/prometheus-operator/podmonitor.yaml')).toEqual({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: 'gitlab-connector', labels },
      spec: { selector: { matchLabels: labels }, podMetricsEndpoints: [{ port, path: '/metrics' }] },
    });
    expect(template?.metadata?.annotations?.['prometheus.io/path']).toBe('/metrics');
  });

  test('is a PrometheusRule with every alert, by the command in docs/operations.md', async () => {
    const [, command = ''] =
      /```sh\n(\{ cat <<'END'[^`]*kind: PrometheusRule[^`]*)```/.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    expect(command).toMatch(/\| kubectl .* --filename -$/m);
    const { stdout } = await promisify(execFile)('sh', ['-c', command.replace(/\| kubectl.*/, '')], { cwd: path.resolve('.') });
    const [rule, ...others] = parseAllDocuments(stdout).map((document) => document.toJS() as Record<string, unknown>);
    expect(others).toEqual([]);
    expect(rule).toEqual({
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'gitlab-connector' },
      spec: parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as unknown,
    });
  });
});
