import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { applyPatch, parsePatch } from 'diff';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const run = promisify(execFile);
const patches = parsePatch(readFileSync('docs/extending/milestones.patch', 'utf8'));
const fileOf = (name = '') => name.replace(/^[ab]\//, '');
const changed = patches.map(({ newFileName }) => fileOf(newFileName));
const document = readFileSync('docs/extending.md', 'utf8');

let copy = '';
beforeAll(async () => {
  copy = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-extended-'));
  const left = new Set(['node_modules', '.node', '.git', '.vitest', 'dist', 'data', 'docs']);
  await cp('.', copy, { recursive: true, filter: (source) => !left.has(source) });
  await symlink(path.resolve('node_modules'), path.join(copy, 'node_modules'));
  // Making the empty embedded database anew would take ten seconds.
  await mkdir(path.join(copy, '.vitest'));
  const template = inject('pgliteTemplate');
  cpSync(template, path.join(copy, '.vitest', path.basename(template)), { recursive: true });
  for (const patch of patches) {
    const file = path.join(copy, fileOf(patch.newFileName));
    const before = existsSync(file) ? await readFile(file, 'utf8') : '';
    const after = applyPatch(before, patch);
    if (after === false)
      throw new Error(`docs/extending/milestones.patch does not fit ${fileOf(patch.newFileName)} any more: make it anew`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, after);
  }
  await tool('@graphql-codegen/cli/cjs/bin.js', '--config', 'codegen.ts');
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** So many random histories of the convergence test run over the stream. */
const seeds = 1;

/** Runs a tool of node_modules in the copy. */
async function tool(bin: string, ...args: string[]): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS)/.test(name));
  const env = { ...Object.fromEntries(inherited), TEST_POSTGRES_URL: inject('postgresUrl'), CONVERGENCE_SEEDS: String(seeds) };
  await run(process.execPath, [path.join(copy, 'node_modules', bin), ...args], { cwd: copy, env }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${bin} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  });
}

test('the stream of docs/extending.md compiles', async () => {
  await expect(tool('typescript/bin/tsc', '--noEmit')).resolves.toBeUndefined();
});

test('the stream of docs/extending.md passes its tests, and the convergence test over its random changes', async () => {
  const files = [
    'test/operations/milestones.db.test.ts',
    'test/convergence/convergence.db.test.ts',
    'test/convergence/random-change.test.ts',
  ];
  // The databases differ in nothing that a stream does, and PostgreSQL takes half of PGlite's CPU.
  await expect(tool('vitest/vitest.mjs', 'run', '-t', String.raw`^(?!.*\(pglite\))`, ...files)).resolves.toBeUndefined();
});

test('docs/extending.md states how many files adding a stream touches', () => {
  const under = (...folders: string[]) => changed.filter((file) => folders.some((folder) => file.startsWith(folder))).length;
  const [fake, tests] = [under('fake-gitlab/'), under('test/')];
  const program = changed.length - fake - tests;
  const sentence = `touches ${changed.length} files, and one more that is generated: ${program} of the program, ${fake} of the fake GitLab and ${tests} of tests.`;
  expect(document).toContain(sentence);
});

test('docs/extending.md names every file of the change, and shows the stream as it is', async () => {
  // The fake GitLab's files are named by their folder.
  expect(changed.filter((file) => !document.includes(`\`${file}\``) && !file.startsWith('fake-gitlab/'))).toEqual([]);
  const [, shown = 'nothing'] = /```ts\n(.*?)```/s.exec(document) ?? [];
  expect(await readFile(path.join(copy, 'src/streams/milestones.ts'), 'utf8')).toContain(shown);
});
