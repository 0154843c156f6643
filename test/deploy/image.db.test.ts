import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { freePort } from '../support/postgres.ts';
import { makeImage } from './image.ts';
import type { Image } from './image.ts';

describe('the files of the image, read-only, run by its user', () => {
  let image: Image;
  let served: Served;
  let database: TestDatabase;
  let gitlab: Record<string, string>;
  beforeAll(async () => {
    image = await makeImage();
    served = await serve(createFakeGitlab(createDemoWorld().world));
    database = await createTestDatabase('postgres');
    gitlab = { GITLAB_URL: served.url, GITLAB_TOKEN: goodToken, BRANCHES: 'main' };
  });
  afterAll(async () => {
    await served.close();
    await database.remove();
    await image.remove();
  });

  const ended = async (child: ChildProcess) => {
    const written = { out: '', err: '' };
    child.stdout?.on('data', (chunk: Buffer) => (written.out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (written.err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...written };
  };

  test('cannot be written', async () => {
    for (const file of ['/app/x', '/app/dist/src/cli/main.js', '/app/node_modules/x']) {
      const write = `require('node:fs').appendFileSync(${JSON.stringify(image.at(file))}, 'x')`;
      expect((await ended(image.start(['node', '-e', write]))).err).toContain('EACCES');
    }
  });

  test('sync into PostgreSQL', async () => {
    const env = { ...gitlab, DATABASE_URL: database.options.databaseUrl ?? '' };
    const first = await ended(image.start([...image.entrypoint, 'sync'], env));
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('fetched 18, stored 18');
    expect((await ended(image.start([...image.entrypoint, 'sync'], env))).out).toContain('stored 0\n');
  });

  test('sync into the volume, when there is no DATABASE_URL', async () => {
    const volume = image.at('/var/lib/gitlab-connector');
    // Saves the seconds that making an embedded database takes.
    cpSync(inject('pgliteTemplate'), volume, { recursive: true });
    if (process.getuid?.() === 0) execFileSync('chown', ['-R', '1000:0', volume]);
    execFileSync('chmod', ['-R', 'g=u', volume]);
    const first = await ended(image.start([...image.entrypoint, 'sync'], gitlab));
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(`embedded database in ${volume}\n`);
    expect(first.out).toContain('fetched 18, stored 18');
  });

  test('sync as any user of the group 0, with a PostgreSQL', async () => {
    const env = { ...gitlab, DATABASE_URL: database.options.databaseUrl ?? '' };
    expect(await ended(image.start([...image.entrypoint, 'sync'], env, 1_000_660_000))).toMatchObject({ code: 0, err: '' });
    const lookAt = ['node', '-e', `require('node:fs').accessSync(${JSON.stringify(image.at('/var/lib/gitlab-connector'))}, 7)`];
    expect(await ended(image.start(lookAt, {}, 1_000_660_000))).toMatchObject({ code: 0, err: '' });
  });

  test('end at once where the folder of the embedded database cannot be written', async () => {
    const poller = await ended(image.start([...image.entrypoint, 'poll'], { ...gitlab, DATA_DIR: image.at('/app/x'), HEALTH_PORT: '0' }));
    expect(poller.code).toBe(2);
    expect(poller.err).toMatch(/^ERROR: cannot use .*\/app\/x for the embedded database .*: set DATA_DIR to a folder that can be written/);
  });

  test('have a health check with the result of /healthz', async () => {
    let status = 200;
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/healthz' ? status : 404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const env = { HEALTH_PORT: String((server.address() as AddressInfo).port) };
    const check = (more = {}) => ended(image.start(image.healthcheck, { ...env, ...more }));
    expect(await check()).toEqual({ code: 0, out: '', err: '' });
    status = 503;
    expect(await check()).toEqual({ code: 1, out: '', err: '/healthz: answered 503\n' });
    server.close();
    expect(await check()).toMatchObject({ code: 1, err: expect.stringContaining('ECONNREFUSED') as string });
    expect(await check({ HEALTH_PORT: 'off' })).toMatchObject({ code: 0 });
  });

  test('run a poller that is healthy and stops after SIGTERM', async () => {
    const port = await freePort();
    const env = { ...gitlab, DATABASE_URL: database.options.databaseUrl ?? '', HEALTH_PORT: String(port) };
    const poller = image.start([...image.entrypoint, ...image.command], env);
    const end = ended(poller);
    const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok === true;
    for (let i = 0; i < 1_000 && !(await isReady()); i++) await sleep(100);
    expect(await isReady()).toBe(true);
    expect(await ended(image.start(image.healthcheck, env))).toMatchObject({ code: 0, err: '' });
    poller.kill('SIGTERM');
    expect(await end).toMatchObject({ code: 0 });
  });
});
