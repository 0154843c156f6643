import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import type { Ended } from '../support/run-cli.ts';

interface Started extends Ended {
  /** The files that were loaded, Node's own not among them. */
  readonly files: readonly string[];
  /** The packages of which a module was loaded, on its own or from the bundle. */
  readonly packages: ReadonlySet<string>;
}

const built = inject('builtFolder');
const cache = mkdtempSync(path.join(tmpdir(), 'gitlab-connector-cache-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** Runs the built command, with nothing of this environment but PATH. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, options: readonly string[] = []): Promise<Ended> {
  const { PATH } = process.env;
  return new Promise((resolve) => {
    if (built === null) throw new Error('run `npm run build` first: dist/ is older than the sources');
    const command = [...options, path.join(built, 'bin/gitlab-connector.cjs'), ...args];
    execFile(process.execPath, command, { env: { PATH, XDG_CACHE_HOME: cache, ...env } }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
  });
}

/** Runs the built command, and says what it has loaded. */
async function load(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Started> {
  const list = path.join(await mkdtemp(path.join(cache, 'loaded-')), 'list');
  const ended = await start(args, { LOADED_LIST: list, ...env }, ['--import', './test/support/list-loaded.mjs']);
  const files = readFileSync(list, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith('file:'))
    .map((url) => fileURLToPath(url));
  return { ...ended, files, packages: new Set(files.flatMap(packagesOf)) };
}

/** The bundler writes the path of each module above its code. */
function packagesOf(file: string): string[] {
  const paths = file.includes('/dist/src/cli/')
    ? [...readFileSync(file, 'utf8').matchAll(/^\s*\/\/ (.*node_modules\/.*)$/gm)].map(([, found = '']) => found)
    : [file];
  return paths.flatMap((found) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(found)?.[1] ?? []);
}

describe('the built command loads little', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase('postgres');
  });
  afterAll(() => database.remove());

  test.each(['--help', '--version', 'snyc'])('for %s only what reads the command line', async (arg) => {
    const { files, packages } = await load([arg]);
    expect([...packages]).toEqual(['commander']);
    expect(files.length).toBeLessThanOrEqual(10);
  });

  test.each([['events'], ['timeline']])('for %s no service and no client of GitLab', async (command) => {
    const env = { DATABASE_URL: database.options.databaseUrl ?? '' };
    await start(['migrate'], env);
    const { code, out, err, files, packages } = await load([command], env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^No /);
    // What is bundled is found in the bundle.
    expect([...packages]).toEqual(expect.arrayContaining(['@mikro-orm/core', 'commander', 'kysely', 'pg', 'zod']));
    const others = ['@hono/node-server', 'graphql', 'graphql-request', 'hono', 'pg-boss', 'pino', 'prom-client', 'tinyglobby', 'undici'];
    expect(others.filter((name) => packages.has(name))).toEqual([]);
    expect(files.length).toBeLessThanOrEqual(60);
  });
});

describe('the compiled code', () => {
  /** Names of what a start leaves in a folder; none when the folder is missing. */
  const kept = async (folder: string) => readdir(path.join(folder, 'gitlab-connector')).catch(() => []);
  const versionIn = (folder: string, env: Readonly<Record<string, string>> = {}) =>
    start(['--version'], { XDG_CACHE_HOME: folder, ...env });
  const works = { code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, err: '' };
  const newFolder = () => mkdtemp(path.join(cache, 'home-'));

  test('is kept in a folder that only its user can enter', async () => {
    const folder = await newFolder();
    expect(await versionIn(folder)).toEqual(works);
    expect(await kept(folder)).toHaveLength(1);
    expect((await stat(path.join(folder, 'gitlab-connector'))).mode & 0o777).toBe(0o700);
  });

  test('is in the home of the user by default', async () => {
    const HOME = await newFolder();
    expect(await start(['--version'], { HOME, XDG_CACHE_HOME: '' })).toEqual(works);
    expect(await kept(path.join(HOME, '.cache'))).toHaveLength(1);
  });

  test('is not kept where others may write', async () => {
    const folder = await newFolder();
    await mkdir(path.join(folder, 'gitlab-connector'));
    await chmod(path.join(folder, 'gitlab-connector'), 0o777);
    expect(await versionIn(folder)).toEqual(works);
    expect(await kept(folder)).toEqual([]);
  });

  test('is not kept where no folder can be made, and the command works', async () => {
    const file = path.join(await newFolder(), 'file');
    await writeFile(file, '');
    expect(await versionIn(file)).toEqual(works);
    await rm(file);
  });

  test("is not kept, or elsewhere, as Node's own variables say", async () => {
    const [folder, other] = [await newFolder(), await newFolder()];
    expect(await versionIn(folder, { NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual(works);
    expect(await versionIn(folder, { NODE_COMPILE_CACHE: other })).toEqual(works);
    expect(await kept(folder)).toEqual([]);
    expect(await readdir(other)).toHaveLength(1);
  });
});
