import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const { version: current } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const next = '97.1.0';

/** What a release may write: files that name a version of the package. */
const copied = [
  'package.json',
  'package-lock.json',
  'CHANGELOG.md',
  'README.md',
  'Dockerfile',
  'compose.yaml',
  'deploy',
  'docs',
  'src/version.ts',
];

let copy = '';
beforeEach(async () => {
  copy = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-release-'));
  for (const file of copied) await cp(file, path.join(copy, file), { recursive: true });
  await edit('CHANGELOG.md', (text) => text.replace('## Unreleased\n', '## Unreleased\n\n### Added\n\n- Something new.\n'));
});
afterEach(() => rm(copy, { recursive: true, force: true }));

const read = (file: string) => readFile(path.join(copy, file), 'utf8');
const edit = async (file: string, change: (text: string) => string) => writeFile(path.join(copy, file), change(await read(file)));
const contents = () => Promise.all(globSync('**/*.*', { cwd: copy }).toSorted().map(read));

/** Runs the script in the copy. */
const release = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [path.resolve('scripts/release.mjs'), ...args], { cwd: copy }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });

test('a release writes its version into every file that names one', async () => {
  expect(await release(next, '--date', '2027-01-31')).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(await read('package.json'))).toMatchObject({ version: next });
  expect(JSON.parse(await read('package-lock.json'))).toMatchObject({ version: next, packages: { '': { version: next } } });
  const naming = globSync('**/{Dockerfile,*.{yaml,ts,mjs,md}}', { cwd: copy, exclude: ['CHANGELOG.md'] });
  const old = new RegExp(`(gitlab-connector[:-]|newTag: |VERSION=|version = ')${current.replaceAll('.', String.raw`\.`)}`);
  const texts = await Promise.all(naming.map(async (file) => [file, await read(file)] as const));
  expect(texts.filter(([, text]) => old.test(text)).map(([file]) => file)).toEqual([]);
  expect(texts.filter(([, text]) => text.includes(next)).map(([file]) => file)).toEqual(
    expect.arrayContaining(['compose.yaml', 'Dockerfile']),
  );
});

test('a release leaves every other package in the lock file as it was', async () => {
  const before = JSON.parse(await read('package-lock.json')) as { version: string; packages: Record<string, { version?: string }> };
  await release(next);
  const after = JSON.parse(await read('package-lock.json')) as typeof before;
  expect(after).toEqual({ ...before, version: next, packages: { ...before.packages, '': { ...before.packages[''], version: next } } });
});

test('a release gives what is unreleased its version and date', async () => {
  await release(next, '--date', '2027-01-31');
  expect(await read('CHANGELOG.md')).toContain(`## Unreleased\n\n## ${next} (2027-01-31)\n\n### Added\n\n- Something new.\n`);
});

test('the first release may be of the version that package.json names already', async () => {
  expect(await release(current)).toMatchObject({ code: 0 });
  expect(await release(current)).toMatchObject({ code: 2 });
});

test.for<readonly [string, readonly string[], RegExp, (() => Promise<void>)?]>([
  ['there is no version', [], /give one version/],
  ['the version is not three numbers', ['v2'], /give one version/],
  ['the version is earlier', ['0.0.9'], /0\.0\.9 is earlier than/],
  ['the date is no day', [next, '--date', 'today'], /--date must be a day/],
  ['an option is unknown', [next, '--dry'], /--dry/],
  [
    'nothing is unreleased',
    [next],
    /nothing to release/,
    () => edit('CHANGELOG.md', () => '# Changelog\n\n## Unreleased\n\n## 0.0.1 (2026-01-01)\n\n- First.\n'),
  ],
  [
    'a file does not name the version',
    [next],
    /compose\.yaml does not contain/,
    () => edit('compose.yaml', (text) => text.replaceAll(current, 'latest')),
  ],
])('a release changes nothing when %s', async ([, args, reason, prepare]) => {
  await prepare?.();
  const before = await contents();
  const { code, err } = await release(...args);
  expect(err).toMatch(reason);
  expect(err.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(2);
  expect(await contents()).toEqual(before);
});
