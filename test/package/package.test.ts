import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { compileExamples, createConsumer } from './consumer.ts';
import type { Consumer } from './consumer.ts';

const run = promisify(execFile);

/** The tarball, installed into an empty project as a user would. */
describe('the package', () => {
  let consumer: Consumer;
  let served: Served;
  let gitlab: { GITLAB_URL: string; GITLAB_TOKEN: string };
  const databases: TestDatabase[] = [];
  beforeAll(async () => {
    consumer = await createConsumer();
    await compileExamples(consumer);
    const world = new World();
    const shop = world.addProject('my-group/shop');
    shop.openMergeRequest({ title: 'Add a cart' });
    shop.startPipeline({ ref: 'main' });
    served = await serve(createFakeGitlab(world));
    gitlab = { GITLAB_URL: served.url, GITLAB_TOKEN: goodToken };
  });
  afterAll(async () => {
    await served.close();
    for (const { remove } of databases) await remove();
    await consumer.remove();
  });

  /** URL of a new database without tables. */
  const newDatabase = async () => {
    const database = await createTestDatabase('postgres');
    databases.push(database);
    return { DATABASE_URL: database.options.databaseUrl ?? '' };
  };
  /** Of one with tables and connections, as PainChain's form makes them: ids count from 1. */
  const withConnections = async (...tokens: string[]) => {
    const env = await newDatabase();
    const database = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: '' });
    await database.migrate();
    for (const [index, token] of tokens.entries()) {
      const config = JSON.stringify({ url: served.url, token, repos: 'my-group', pollInterval: '300' });
      await database.em.execute(`insert into connections (name, type, config) values (?, 'gitlab', ?)`, [`gitlab-${index + 1}`, config]);
    }
    await database.close();
    return env;
  };

  test('holds what it runs with, and nothing else', () => {
    const folders = new Set(consumer.packed.map((file) => file.split('/').slice(0, 2).join('/')));
    expect([...folders].toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin/gitlab-connector.cjs',
      'bin/start.cjs',
      'dist/fake-gitlab',
      'dist/schema',
      'dist/src',
      'gitlab.png',
      'metadata.json',
      'package.json',
    ]);
    expect(consumer.packed).toContain('dist/src/cli/LICENSES.txt');
    expect(consumer.packed.filter((file) => /\.test\.|support|\.env|\.map$|\.tsbuildinfo$/.test(file))).toEqual([]);
    expect(consumer.packed.filter((file) => /^dist\/(fake-gitlab|src\/cli)\/.*\.d\.ts$/.test(file))).toEqual([]);
  });

  test('has no mistake in how it is packed and typed, by publint and are-the-types-wrong', async () => {
    const { buffer } = await readFile(consumer.tarball);
    expect(await publint({ pack: { tarball: buffer }, strict: true })).toMatchObject({ messages: [] });
    const { stdout } = await run('attw', [consumer.tarball, '--profile', 'esm-only', '--format', 'json']).catch(
      (error: { stdout: string }) => error,
    );
    const { problems } = JSON.parse(stdout) as { problems: Record<string, Array<{ resolutionKind?: string }>> };
    // It is for `import`, as its "type" says: what `require` and Node 10 make of it is no matter.
    const wrong = Object.values(problems)
      .flat()
      .filter(({ resolutionKind }) => !/^node10$|^node16-cjs$/.test(resolutionKind ?? ''));
    expect(wrong).toEqual([]);
  });

  test('is called from TypeScript as the README says', async () => {
    expect(await consumer.node('readme.js', '', { ...(await newDatabase()), ...gitlab })).toBe('fetched 2, stored 2 []\n');
  });

  test('is called from plain JavaScript, on an embedded database', async () => {
    const script = `
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
    `;
    expect(JSON.parse(await consumer.node('plain.js', script, gitlab))).toEqual({
      fetched: 2,
      stored: 2,
      ids: ['mr-my-group/shop-1', 'pipeline-my-group/shop-101'],
      at: '2026-11-23T08:00:00.000Z',
      failure: { error: 'No GitLab token configured', code: 'configuration' },
    });
  });

  test('works with the MikroORM that a host has, and leaves what the host is doing alone', async () => {
    const script = `
      import { MikroORM, defineEntity, p } from '@mikro-orm/postgresql';
      import { ConnectionEntity, entities, syncGitlab } from '@painchain/gitlab-connector';
      const Note = defineEntity({ name: 'Note', tableName: 'notes', properties: { id: p.integer().primary(), text: p.string() } });
      const orm = await MikroORM.init({ clientUrl: process.env.DATABASE_URL, entities: [Note, ...entities] });
      await orm.em.execute('create table notes (id serial primary key, text varchar(255) not null)');
      const em = orm.em.fork();
      const note = em.create(Note, { text: 'stored' });
      await em.persist(note).flush();
      note.text = 'not stored yet';
      const connection = await em.findOneOrFail(ConnectionEntity, 1);
      const known = em.getUnitOfWork().getIdentityMap().values().length;
      const result = await syncGitlab(em, connection.config, connection.id);
      const [row] = await em.execute('select text from notes');
      const inTransaction = await em.transactional(async (inner) => (await syncGitlab(inner, connection.config, connection.id)).stored);
      await em.flush();
      console.log(JSON.stringify({
        stored: result.stored, inTransaction, row: row.text, later: (await em.execute('select text from notes'))[0].text,
        known: em.getUnitOfWork().getIdentityMap().values().length - known, isOpen: await orm.isConnected(),
      }));
      await orm.close();
    `;
    expect(JSON.parse(await consumer.node('host.js', script, await withConnections(goodToken)))).toEqual({
      stored: 2,
      inTransaction: 0,
      row: 'stored',
      later: 'not stored yet',
      known: 0,
      isOpen: true,
    });
  });

  test('has no state of its own: passes with other databases, fetches and loggers run beside each other, silently', async () => {
    const script = `
      // Two libraries note themselves.
      const globals = () => Object.getOwnPropertyNames(globalThis).filter((name) => !/^__zod_|^mikro-orm-/.test(name));
      const traces = () => JSON.stringify([process.env, process.eventNames(), process.cwd(), globals()]);
      const { fetch } = globalThis;
      const before = traces();
      const { entities, syncGitlab } = await import('@painchain/gitlab-connector');
      const afterImport = traces() === before;
      const { MikroORM } = await import('@mikro-orm/postgresql');
      const written = [];
      for (const stream of [process.stdout, process.stderr]) stream.write = (text) => written.push(text);
      const pass = async (clientUrl, tag) => {
        const orm = await MikroORM.init({ clientUrl, entities });
        const seen = { fetches: 0, lines: 0 };
        const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, () => void seen.lines++]));
        const counting = (input, init) => (seen.fetches++, fetch(input, init));
        const config = { url: process.env.GITLAB_URL, token: process.env.GITLAB_TOKEN, repos: 'my-group', branches: tag };
        const { stored, requests } = await syncGitlab(orm.em, config, 1, { fetch: counting, logger });
        await orm.close();
        return { stored, own: seen.fetches === requests.graphql + requests.rest, hasLogged: seen.lines > 0 };
      };
      const passes = await Promise.all([pass(process.env.DATABASE_URL, 'main'), pass(process.env.OTHER_URL, 'other')]);
      const afterPasses = traces() === before && globalThis.fetch === fetch;
      delete process.stdout.write;
      console.log(JSON.stringify({ afterImport, afterPasses, written, passes }));
    `;
    const [{ DATABASE_URL }, { DATABASE_URL: OTHER_URL }] = await Promise.all([withConnections('x'), withConnections('x')]);
    const env = { ...gitlab, DATABASE_URL, OTHER_URL };
    expect(JSON.parse(await consumer.node('state.js', script, env))).toEqual({
      afterImport: true,
      afterPasses: true,
      written: [],
      passes: [
        { stored: 2, own: true, hasLogged: true },
        { stored: 0, own: true, hasLogged: true },
      ],
    });
  });

  test('does nothing when it is imported, and lets the process end', async () => {
    // A dependency looks whether stdout is a terminal, which opens its handle: that holds no process.
    const script = `
      const resources = () => process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
      const traces = () => JSON.stringify([process.env, process.eventNames(), process.cwd(), resources()]);
      const before = traces();
      await import('@painchain/gitlab-connector');
      console.log(before === traces());
    `;
    expect(await consumer.node('import.js', script)).toBe('true\n');
  });

  test('brings its command line, and the demo with it', async () => {
    const bin = path.join(consumer.folder, 'node_modules/.bin/gitlab-connector');
    expect((await run(bin, ['--version'], { cwd: consumer.folder })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    await expect(run(bin, ['sync', '--nonsense'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ERROR: .*nonsense/) as string,
    });
    await mkdir(path.join(consumer.folder, 'elsewhere'));
    const { stdout } = await run(bin, ['demo'], { cwd: path.join(consumer.folder, 'elsewhere') });
    expect(stdout).toMatch(/fetched \d+, stored 0\n/);
  });

  describe('in the examples', () => {
    test('a cron script syncs every connection, and tells cron when something could not be read', async () => {
      const good = await withConnections(goodToken);
      expect(await consumer.node('cron.js', '', good)).toBe('gitlab-1: fetched 2, stored 2\n');
      expect(await consumer.node('cron.js', '', good)).toMatch(/^gitlab-1: fetched \d+, stored 0\n$/);
      const mixed = await withConnections('wrong', goodToken);
      await expect(consumer.node('cron.js', '', mixed)).rejects.toMatchObject({
        code: 1,
        stdout: 'gitlab-2: fetched 2, stored 2\n',
        stderr: expect.stringContaining('gitlab-1: Failed to connect to GitLab: GitLab refused the token') as string,
      });
    });

    test('a scheduler of an application syncs again and again, and stops with it', async () => {
      const script = `
        import { MikroORM } from '@mikro-orm/postgresql';
        import { entities } from '@painchain/gitlab-connector';
        import { GitlabSyncScheduler } from './nest-scheduler.js';
        const orm = await MikroORM.init({ clientUrl: process.env.DATABASE_URL, entities });
        const lines = [];
        const third = Promise.withResolvers();
        const line = (message) => lines.push(message) && lines.filter((text) => text.includes('fetched')).length === 3 && third.resolve();
        const scheduler = new GitlabSyncScheduler(orm.em, { log: line, warn: line, error: line }, 50);
        scheduler.onApplicationBootstrap();
        await third.promise;
        await scheduler.onApplicationShutdown();
        await orm.close();
        console.log(JSON.stringify(lines.filter((text) => text.includes('fetched')).slice(0, 3)));
      `;
      const lines = JSON.parse(await consumer.node('schedule.js', script, await withConnections(goodToken))) as string[];
      expect(lines[0]).toBe('gitlab-1: fetched 2, stored 2, 0 problems');
      expect(lines[2]).toMatch(/stored 0, 0 problems$/);
    });

    test('a worker of BullMQ carries passes out as jobs, and gives up what no retry can mend', async () => {
      const script = `
        import { MikroORM } from '@mikro-orm/postgresql';
        import { entities } from '@painchain/gitlab-connector';
        import { createSyncQueue, createSyncWorker } from './bullmq-worker.js';
        const url = process.env.DATABASE_URL;
        const orm = await MikroORM.init({ clientUrl: url, entities });
        const queue = await createSyncQueue(url, [1, 2]);
        const worker = createSyncWorker(url, orm.em);
        const ended = await new Promise((resolve) => {
          const jobs = {};
          const end = (job, result) => {
            jobs[job.data.connectionId] = result;
            if (Object.keys(jobs).length === 2) resolve(jobs);
          };
          worker.on('completed', (job, { fetched, stored }) => end(job, { fetched, stored }));
          worker.on('failed', (job, error) => end(job, [error.name, error.message, job.attemptsMade]));
        });
        await worker.close();
        await queue.close();
        await orm.close();
        console.log(JSON.stringify(ended));
      `;
      expect(JSON.parse(await consumer.node('work.js', script, await withConnections(goodToken)))).toEqual({
        1: { fetched: 2, stored: 2 },
        2: ['UnrecoverableError', 'There is no enabled connection 2', 1],
      });
    });
  });
});
