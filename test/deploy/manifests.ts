import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { parseAllDocuments } from 'yaml';

/** The manifests that every kustomization starts from. */
export const base = 'deploy/kubernetes/base';

/** The one YAML document of a file. */
export const read = (file: string): unknown => {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'));
  if (documents.length !== 1 || documents.some(({ errors }) => errors.length > 0)) throw new Error(`${file} is not one YAML document`);
  return documents[0]?.toJS();
};

/** Where each kind is described, and its class, which validates. */
export const kinds = {
  ConfigMap: { of: 'v1', model: ConfigMap },
  ServiceAccount: { of: 'v1', model: ServiceAccount },
  Deployment: { of: 'apps/v1', model: Deployment },
  PodDisruptionBudget: { of: 'policy/v1', model: PodDisruptionBudget },
  NetworkPolicy: { of: 'networking.k8s.io/v1', model: NetworkPolicy },
} as const;
/** A kind of Kubernetes that is used here. */
export type Kind = keyof typeof kinds;

/** The types of the kinds. */
export interface Types {
  readonly ConfigMap: IConfigMap;
  readonly ServiceAccount: IServiceAccount;
  readonly Deployment: IDeployment;
  readonly PodDisruptionBudget: IPodDisruptionBudget;
  readonly NetworkPolicy: INetworkPolicy;
}

/** One manifest. */
export interface Manifest {
  readonly file: string;
  readonly kind: Kind;
  readonly content: { readonly kind: Kind; readonly metadata: { readonly name: string } };
}

/** Compiles manifests as literals of Kubernetes' types, in which a field that does not exist is a mistake. */
export async function compile(
  contents: ReadonlyArray<{ readonly file: string; readonly kind: Kind; readonly content: unknown }>,
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-manifests-'));
  try {
    await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
    const lines = contents.flatMap(({ file, kind, content }, index) => [
      `import type { I${kind} as Kind${index} } from 'kubernetes-models/${kinds[kind].of}/${kind}';`,
      `/* ${file} */ export const manifest${index}: Kind${index} = ${JSON.stringify(content)};`,
    ]);
    await writeFile(path.join(folder, 'manifests.ts'), lines.join('\n'));
    const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2023', types: [], skipLibCheck: true };
    await writeFile(path.join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['manifests.ts'] }));
    await promisify(execFile)('tsc', ['--project', folder]);
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
