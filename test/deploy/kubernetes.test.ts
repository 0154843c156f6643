import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig, settingsFromEnv } from '../../src/config/parse-config.ts';
import { knownSettings } from '../project/known-settings.ts';
import { readStages } from './dockerfile.ts';
import { base, compile, kinds, read } from './manifests.ts';
import type { Kind, Manifest, Types } from './manifests.ts';
import { notEmpty } from '../support/not-empty.ts';

const kustomization = read(`${base}/kustomization.yaml`) as { resources: string[] };
const manifests: Manifest[] = kustomization.resources.map((file) => {
  const content = read(`${base}/${file}`) as Manifest['content'];
  return { file, kind: content.kind, content };
});
const named = <K extends Kind>(kind: K): Types[K] => manifests.find((manifest) => manifest.kind === kind)?.content as unknown as Types[K];
const deployment = named('Deployment');
const pod = deployment.spec?.template.spec;
const container = pod?.containers[0];
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('the Kubernetes manifests', () => {
  test.each(notEmpty(manifests))('$file has every required field, with allowed values', ({ kind, content }) => {
    const { model: Model } = kinds[kind];
    expect(() => new Model(content as never).validate()).not.toThrow();
  });

  test('have no field that Kubernetes does not know', async () => {
    expect(await compile(manifests)).toBe('');
    const wrong = { ...deployment, spec: { ...deployment.spec, replcas: 2 } };
    expect(await compile([{ file: 'wrong', kind: 'Deployment', content: wrong }])).toContain('\'"replcas"\' does not exist in type');
  });
});

describe('the kustomizations', () => {
  test('name every manifest, and nothing else', () => {
    const files = globSync(`${base}/*.yaml`).map((file) => path.basename(file));
    expect(kustomization.resources.toSorted()).toEqual(files.filter((file) => file !== 'kustomization.yaml').toSorted());
    expect(kustomization).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: expect.any(Array) as unknown,
    });
  });

  test('make the Secret that the Deployment reads, from files that Git does not see', () => {
    const generated = read('deploy/kubernetes/generated-secret/kustomization.yaml');
    const keys = ['gitlab-token', 'database-url'];
    expect(generated).toEqual({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: ['../base'],
      secretGenerator: [{ name: 'gitlab-connector', files: keys }],
      images: [{ name: 'gitlab-connector', newTag: packageJson.version }],
    });
    const ignored = readFileSync('.gitignore', 'utf8').split('\n');
    for (const key of keys) expect(ignored).toContain(`deploy/kubernetes/generated-secret/${key}`);
    const ref = container?.env?.find(({ name }) => name === 'DATABASE_URL')?.valueFrom?.secretKeyRef;
    expect(ref).toEqual({ name: 'gitlab-connector', key: 'database-url' });
    expect(pod?.volumes?.[0]?.secret).toMatchObject({
      secretName: 'gitlab-connector',
      items: [{ key: 'gitlab-token', path: 'gitlab-token' }],
    });
  });
});

describe('the Kubernetes manifests together', () => {
  test('select the pods of the Deployment', () => {
    const labels = deployment.spec?.template.metadata?.labels;
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'gitlab-connector' });
    expect(deployment.spec?.selector.matchLabels).toEqual(labels);
    expect(named('PodDisruptionBudget').spec).toEqual({ maxUnavailable: 1, selector: { matchLabels: labels } });
    expect(named('NetworkPolicy').spec?.podSelector).toEqual({ matchLabels: labels });
  });

  test('agree on names, files and ports', () => {
    expect(new Set(manifests.map(({ content }) => content.metadata.name))).toEqual(new Set(['gitlab-connector']));
    expect(pod?.serviceAccountName).toBe('gitlab-connector');
    expect(container?.image).toBe(`gitlab-connector:${packageJson.version}`);
    expect(container?.envFrom).toEqual([{ configMapRef: { name: 'gitlab-connector' } }]);
    const tokenFile = container?.env?.find(({ name }) => name === 'GITLAB_TOKEN_FILE')?.value;
    expect(tokenFile).toBe(`${container?.volumeMounts?.[0]?.mountPath}/gitlab-token`);
    const exposed = Number(
      readStages()
        .at(-1)
        ?.steps.find(({ keyword }) => keyword === 'EXPOSE')?.words[0],
    );
    expect(container?.ports).toEqual([{ name: 'http', containerPort: exposed }]);
    expect(deployment.spec?.template.metadata?.annotations?.['prometheus.io/port']).toBe(String(exposed));
    const ingress = named('NetworkPolicy').spec?.ingress;
    expect(ingress?.flatMap(({ ports }) => ports?.map(({ port }) => port))).toEqual([exposed]);
    const probes = [container?.startupProbe, container?.livenessProbe, container?.readinessProbe];
    expect(probes.map((probe) => `${probe?.httpGet?.port}${probe?.httpGet?.path}`)).toEqual([
      'http/healthz',
      'http/healthz',
      'http/readyz',
    ]);
  });

  test('set only settings in the ConfigMap, with valid values', () => {
    const { data = {} } = named('ConfigMap');
    expect(Object.keys(data).filter((name) => !knownSettings.has(name))).toEqual([]);
    expect(() => parseConfig(settingsFromEnv(data))).not.toThrow();
  });
});

test('the Kubernetes pod meets the profile "restricted", and has fewer rights than that', () => {
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
  });
  // No user: OpenShift chooses one.
  expect(pod?.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  expect(named('ServiceAccount').automountServiceAccountToken).toBe(false);
  expect(container?.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(container?.resources).toMatchObject({
    requests: { cpu: expect.any(String) as string },
    limits: { memory: expect.any(String) as string },
  });
  expect(named('NetworkPolicy').spec?.policyTypes).toEqual(['Ingress', 'Egress']);
});
