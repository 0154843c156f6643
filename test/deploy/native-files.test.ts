import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly dev?: boolean;
        readonly os?: readonly string[];
        readonly cpu?: readonly string[];
        readonly libc?: readonly string[];
        readonly hasInstallScript?: boolean;
      }
    >
  >;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Locked;
/** What the image installs. */
const installed = Object.entries(packages).filter(([place, { dev }]) => place !== '' && !dev);

/** What a native file needs, from its ELF header and the texts of its dynamic section. */
function needsOf(file: string) {
  const bytes = readFileSync(file);
  const text = bytes.toString('latin1');
  const versions = [...text.matchAll(/\0GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [Number(major), Number(minor)] as const);
  const newest = versions.toSorted(([a, b], [c, d]) => c - a || d - b)[0];
  const machine = bytes.readUInt16LE(18);
  return {
    machine: { 0x3e: 'x64', 0xb7: 'arm64' }[machine] ?? machine,
    libraries: [...new Set([...text.matchAll(/\0(lib[\w+-]+\.so[.\d]*)(?=\0)/g)].map(([, library]) => library))],
    glibc: newest?.join('.'),
  };
}

test('no package that the image installs is for one system only, or builds something', () => {
  const special = installed.filter(([, { os, cpu, libc, hasInstallScript }]) => os ?? cpu ?? libc ?? hasInstallScript);
  expect(special.map(([place]) => place)).toEqual([]);
});

test('the native files for Linux in the image are those of one package, and need no more than docs/operations.md says', () => {
  const all = new Set(installed.flatMap(([place]) => globSync(`${place}/**/*.node`)));
  const files = [...all].filter((file) => file.includes('linux')).toSorted();
  expect(files).toEqual(
    ['arm64', 'x64'].map((arch) => `node_modules/fs-native-extensions/prebuilds/linux-${arch}/fs-native-extensions.node`),
  );
  const needs = files.map(needsOf);
  expect(needs).toEqual([
    { machine: 'arm64', libraries: ['libc.so.6'], glibc: '2.17' },
    { machine: 'x64', libraries: ['libc.so.6'], glibc: '2.14' },
  ]);
  const operations = readFileSync('docs/operations.md', 'utf8');
  for (const { machine, glibc } of needs) expect(operations).toContain(`| Linux, ${machine}, glibc ${glibc} or later |`);
  expect(operations).toContain('| Alpine (musl) |');
});
