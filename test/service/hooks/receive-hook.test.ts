import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hookKinds, hookOf, systemHookKinds, systemHookOf } from '../../../fake-gitlab/hooks.ts';
import type { FakeHook } from '../../../fake-gitlab/hooks.ts';
import { World } from '../../../fake-gitlab/world/world.ts';
import { startHealthServer, textAnswer } from '../../../src/service/health-server.ts';
import type { HealthServer } from '../../../src/service/health-server.ts';
import type { HookResult } from '../../../src/service/hooks/hook-metrics.ts';
import { createReceiver } from '../../../src/service/hooks/receive-hook.ts';

const token = 'wörter-und-zähler-7';
/** GitLab sends UTF-8; fetch takes each byte as a letter. */
const asBytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('POST /hooks/gitlab', () => {
  const world = new World();
  const project = world.addProject('acme/shop');
  let server: HealthServer;
  let projects: number[];
  let results: HookResult[];
  beforeEach(async () => {
    [projects, results] = [[], []];
    const receiveHook = createReceiver({
      token,
      metrics: { hooked: (result) => results.push(result) },
      onProject: (id) => projects.push(id),
    });
    server = await startHealthServer({ host: '127.0.0.1', port: 0, receiveHook }, { '/metrics': () => textAnswer(200, ['here']) });
  });
  afterEach(() => server.close());

  const post = async (body: string | ReadableStream, headers: Readonly<Record<string, string>> = { 'X-Gitlab-Token': asBytes(token) }) => {
    const init = { method: 'POST', headers, body, ...(typeof body === 'string' ? {} : { duplex: 'half' }) };
    const response = await fetch(`${server.url}/hooks/gitlab`, init as RequestInit);
    return { status: response.status, text: await response.text() };
  };
  const send = ({ headers, body }: FakeHook) => post(body, headers);
  const options = { token: asBytes(token) };

  const ask = (method: string, path: string, host = 'poller.monitoring.svc:8080') =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(server.url);
      const headers = { host, 'x-gitlab-token': asBytes(token) };
      request({ host: '127.0.0.1', port, path, method, headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end(method === 'POST' ? Buffer.from('{"project_id":7}') : undefined);
    });

  test('accepts every kind of hook of a project, a group and a whole GitLab, and takes the id of its project', async () => {
    for (const kind of hookKinds) expect([kind, await send(hookOf(project, kind, options))]).toMatchObject([kind, { status: 202 }]);
    for (const kind of systemHookKinds)
      expect([kind, await send(systemHookOf(project, kind, options))]).toMatchObject([kind, { status: 202 }]);
    // The hook about a user names no project. It is accepted, because GitLab turns off hooks that are refused.
    expect(projects).toEqual([...hookKinds, ...systemHookKinds.slice(1)].map(() => project.id));
    expect(results.filter((result) => result === 'no_project')).toHaveLength(1);
  });

  test('refuses a hook without the right token, says no more, and does not read it', async () => {
    const body = hookOf(project, 'push').body;
    for (const wrong of [undefined, '', asBytes(`${token}x`), asBytes(token).slice(1), asBytes('wörter-und-zähler-8'), token])
      expect(await post(body, wrong === undefined ? {} : { 'X-Gitlab-Token': wrong })).toEqual({ status: 401, text: 'unauthorized\n' });
    expect(await post('no json', {})).toEqual({ status: 401, text: 'unauthorized\n' });
    expect([projects, new Set(results)]).toEqual([[], new Set(['unauthorized'])]);
  });

  test('drops a hook of more than 1 MB, whether it says its length or not, and GitLab hears of no refusal', async () => {
    const large = JSON.stringify({ project: { id: 7 }, text: 'x'.repeat(2_000_000) });
    const dropped = { status: 202, text: 'accepted, and not read: larger than 1000000 bytes\n' };
    expect(await post(large)).toEqual(dropped);
    const stream = new ReadableStream({
      start: (controller) => {
        for (let at = 0; at < large.length; at += 100_000) controller.enqueue(Buffer.from(large.slice(at, at + 100_000)));
        controller.close();
      },
    });
    expect(await post(stream)).toEqual(dropped);
    expect([projects, results]).toEqual([[], ['too_large', 'too_large']]);
    expect((await post(JSON.stringify({ project: { id: 7 }, text: 'x'.repeat(900_000) }))).status).toBe(202);
    expect(projects).toEqual([7]);
  });

  test('believes no id but a positive whole number, and nothing in the texts of a hook', async () => {
    const ids = ['7', -7, 0, 7.5, 1e99, null, true, [7], { id: 7 }];
    for (const id of ids) expect((await post(JSON.stringify({ project: { id }, project_id: id }))).status).toBe(202);
    for (const body of [
      '{"project":"7"}',
      '{"project":[{"id":7}]}',
      '{"note":"\\"project_id\\":7"}',
      '{"__proto__":{"project_id":7}}',
      '{}',
    ])
      expect([body, (await post(body)).status]).toEqual([body, 202]);
    for (const body of ['', 'null', '7', '"text"', '[{"project_id":7}]', '{"project_id":7', '\u0000'])
      expect([body, (await post(body)).status]).toEqual([body, 400]);
    expect(projects).toEqual([]);
  });

  test('is reached under any host name and with POST only, and lies beside paths that are not', async () => {
    expect(await ask('POST', '/hooks/gitlab')).toBe(202);
    expect(await ask('POST', '/hooks/gitlab?x=1')).toBe(202);
    for (const method of ['GET', 'PUT', 'OPTIONS', 'HEAD']) expect(await ask(method, '/hooks/gitlab')).toBe(405);
    expect([await ask('GET', '/metrics'), await ask('POST', '/metrics', 'localhost')]).toEqual([421, 405]);
    expect(projects).toEqual([7, 7]);
  });

  test('is 404 when webhooks are off, as every unknown path', async () => {
    await server.close();
    server = await startHealthServer({ host: '127.0.0.1', port: 0 }, {});
    expect((await send(hookOf(project, 'push', options))).status).toBe(404);
    expect(await ask('POST', '/hooks/gitlab')).toBe(404);
  });
});
