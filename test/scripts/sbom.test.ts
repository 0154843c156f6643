import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Locked {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly dev?: boolean; readonly optional?: boolean }>>;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gitlab-connector-sbom-'));
  mkdirSync(path.join(folder, 'scripts'));
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'scripts/sbom.mjs']) copyFileSync(file, path.join(folder, file));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Prints from the lock file alone: nothing is installed, and no registry is asked. */
async function sbom(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom', '--', ...args], {
    cwd: folder,
    env: { ...process.env, npm_config_offline: 'true', npm_config_registry: 'http://127.0.0.1:9/' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Locked;
const installed = Object.entries(packages).flatMap(([place, { version, dev }]) => {
  const name = place.split('node_modules/').at(-1);
  return place === '' || dev ? [] : [`${name}@${version}`];
});

test('the bill of materials has every package that the image installs, without a network', async () => {
  const { bomFormat, components } = (await sbom()) as {
    bomFormat: string;
    components: ReadonlyArray<{ name: string; version: string; hashes: ReadonlyArray<{ alg: string }> }>;
  };
  expect(bomFormat).toBe('CycloneDX');
  expect(components.map(({ name, version }) => `${name}@${version}`).toSorted()).toEqual([...new Set(installed)].toSorted());
  expect(components.flatMap(({ name, hashes }) => (hashes.some(({ alg }) => alg === 'SHA-512') ? [] : [name]))).toEqual([]);
});

test('the bill of materials is SPDX when that is asked for', async () => {
  const { spdxVersion, packages: listed } = (await sbom('--sbom-format=spdx')) as { spdxVersion: string; packages: readonly unknown[] };
  expect(spdxVersion).toMatch(/^SPDX-2/);
  expect(listed).toHaveLength(new Set(installed).size + 1);
});
