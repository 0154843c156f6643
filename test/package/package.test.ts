import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFakeGitlab } from '../fake-gitlab/fake-gitlab.ts';
import { serve } from '../fake-gitlab/serve.ts';
import type { Served } from '../fake-gitlab/serve.ts';
import { World, goodToken } from '../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';

const run = promisify(execFile);
const root = process.cwd();
const minutes = 60_000;

/** The tarball, installed into an empty project as a user would. */
describe('the package', () => {
  let project: string;
  let served: Served;
  let database: TestDatabase;
  let packed: Array<{ path: string }>;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    project = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-consumer-'));
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { maxBuffer: 1e8 });
    const report = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: Array<{ path: string }> }];
    packed = report[0].files;
    await writeFile(path.join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const tarball = `./${report[0].filename}`;
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball], { cwd: project });
    const world = new World();
    const shop = world.addProject('my-group/shop');
    shop.openMergeRequest({ title: 'Add a cart' });
    shop.startPipeline({ ref: 'main' });
    served = await serve(createFakeGitlab(world));
    database = await createTestDatabase('postgres');
    env = { ...process.env, DATABASE_URL: database.options.databaseUrl, GITLAB_URL: served.url, GITLAB_TOKEN: goodToken };
  }, 5 * minutes);
  afterAll(async () => {
    await served.close();
    await database.remove();
    await rm(project, { recursive: true, force: true });
  });
  const node = async (file: string) => (await run(process.execPath, [file], { cwd: project, env })).stdout;

  test('holds what it runs with, and nothing else', () => {
    const folders = new Set(packed.map((file) => file.path.split('/').slice(0, 2).join('/')));
    expect([...folders].toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/schema',
      'dist/src',
      'dist/test',
      'metadata.json',
      'package.json',
    ]);
    expect(packed.filter((file) => /\.test\.|support|\.env|\.map$/.test(file.path))).toEqual([]);
  });

  test(
    'is called from TypeScript as the README says',
    async () => {
      const readme = await readFile(path.join(root, 'README.md'), 'utf8');
      const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
      await writeFile(path.join(project, 'example.ts'), example);
      const options = {
        strict: true,
        module: 'nodenext',
        target: 'es2023',
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [path.join(root, 'node_modules/@types')],
      };
      await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['example.ts'] }));
      await run('tsc', ['--project', project]);
      expect(await node('example.js')).toBe('fetched 2, stored 2 []\n');
    },
    minutes,
  );

  test(
    'is called from plain JavaScript, on an embedded database',
    async () => {
      await writeFile(
        path.join(project, 'plain.js'),
        `
      import { MikroORM } from '@mikro-orm/pglite';
      import { Migrator } from '@mikro-orm/migrations';
      import { ChangeEventEntity, ConnectionEntity, entities, migrations, syncGitlab } from '@painchain/gitlab-connector';
      import metadata from '@painchain/gitlab-connector/metadata.json' with { type: 'json' };
      const orm = await MikroORM.init({ dbName: 'memory://', entities, extensions: [Migrator], migrations: { migrationsList: migrations, snapshot: false, silent: true } });
      await orm.migrator.up();
      const em = orm.em.fork();
      const connection = em.create(ConnectionEntity, { name: metadata.displayName, type: metadata.id });
      await em.persist(connection).flush();
      const config = { token: process.env.GITLAB_TOKEN, url: process.env.GITLAB_URL, sync_limit: '5' };
      const { fetched, stored } = await syncGitlab(orm.em, config, connection.id);
      const rows = await orm.em.fork().find(ChangeEventEntity, {}, { orderBy: { id: 1 } });
      const failure = await syncGitlab(orm.em, { ...config, token: '' }, connection.id);
      console.log(JSON.stringify({ fetched, stored, ids: rows.map((row) => row.eventId), at: rows[0].timestamp, failure }));
      await orm.close(true);
    `,
      );
      expect(JSON.parse(await node('plain.js'))).toEqual({
        fetched: 2,
        stored: 2,
        ids: ['mr-my-group/shop-1', 'pipeline-my-group/shop-101'],
        at: '2026-11-23T08:00:00.000Z',
        failure: { error: 'No GitLab token configured', code: 'configuration' },
      });
    },
    minutes,
  );

  test(
    'brings its command line, and the demo with it',
    async () => {
      const bin = path.join(project, 'node_modules/.bin/gitlab-connector');
      expect((await run(bin, ['--version'], { cwd: project, env })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      await mkdir(path.join(project, 'elsewhere'));
      const { stdout } = await run(bin, ['demo'], { cwd: path.join(project, 'elsewhere'), env });
      expect(stdout).toMatch(/fetched \d+, stored 0\n/);
    },
    minutes,
  );

  test('does nothing when it is imported, and lets the process end', async () => {
    await writeFile(
      path.join(project, 'import.js'),
      `
      const traces = () => JSON.stringify([process.env, process.eventNames(), process.cwd()]);
      const before = traces();
      await import('@painchain/gitlab-connector');
      console.log(before === traces());
    `,
    );
    expect(await node('import.js')).toBe('true\n');
  });
});
