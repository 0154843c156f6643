import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { makeServerCertificate } from '../support/certificates.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { useServers } from '../support/servers.ts';

const servers = useServers();
const secrets = /glpat-very-secret|proxy-secret/;
const settings = { GITLAB_TOKEN: 'glpat-very-secret', MAX_ATTEMPTS: '2', RESPONSE_TIMEOUT: '1', REQUEST_TIMEOUT: '2' };
/** By these settings a request takes 6 s at most. A busy machine may need ten times as long; without them it would take minutes. */
const boundMs = 60_000;

let database: TestDatabase;
let folder: string;
let databaseUrl: string;
beforeAll(async () => {
  database = await createTestDatabase('postgres');
  databaseUrl = database.options.databaseUrl ?? '';
  folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-outages-'));
  await sync({ GITLAB_URL: 'http://127.0.0.1:1', MAX_ATTEMPTS: '1' });
});
afterAll(async () => {
  await database.remove();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

/** `sync` in this process. */
async function sync(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Ended> {
  const written = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
  const startedAt = performance.now();
  const signal = new AbortController().signal;
  const io = { env: { DATABASE_URL: databaseUrl, ...env }, out: output('out'), err: output('err'), signal };
  return { code: await run(['sync', ...args], io), ...written, ms: performance.now() - startedAt };
}

/** `sync` as a process of its own. */
async function syncProcess(env: Readonly<Record<string, string>>): Promise<Ended> {
  const startedAt = performance.now();
  return { ...(await runCliProcess(['sync'], { DATABASE_URL: databaseUrl, ...env })), ms: performance.now() - startedAt };
}

const oneLine = ({ code, out, err }: Ended, line: RegExp) => {
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toMatch(/^ERROR: Failed to connect to GitLab: [^\n]+\n$/);
  expect(err).toMatch(line);
  expect(err).not.toMatch(secrets);
};

const answering =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

describe('sync from a host that answers only', () => {
  test.each<[string, RequestListener, number, RegExp]>([
    [
      'HTML',
      answering(200, '<html>', { 'content-type': 'text/html' }),
      1,
      /something in front of GitLab answers MemberProjects at .* \(200, text\/html and not JSON\)/,
    ],
    [
      '500s',
      answering(500, '{"errors":[{"message":"Internal server error"}]}'),
      2,
      /GitLab failed on MemberProjects \(500: Internal server error\)/,
    ],
    [
      '502s of a proxy',
      answering(502, '<html>', { 'content-type': 'text/html' }),
      2,
      /something in front of GitLab answers MemberProjects \(502, not JSON\)/,
    ],
    [
      '401s',
      answering(401, '{"errors":[{"message":"Invalid token"}]}'),
      1,
      /GitLab refused the token \(401 on MemberProjects: Invalid token\)/,
    ],
    ['429s', answering(429, 'Retry later\n', { 'retry-after': '1' }), 2, /GitLab limits the rate of requests \(429 on MemberProjects\)/],
    ['429s that last an hour', answering(429, '', { 'retry-after': '3600' }), 1, /GitLab asks to wait 60 min \(429 on MemberProjects\)/],
    [
      'redirects',
      answering(302, '', { location: 'https://sso.example.com/' }),
      1,
      /redirects MemberProjects from .* to https:\/\/sso\.example\.com \(302\)/,
    ],
    ['half of its JSON', answering(200, '{"data":{"projects"'), 2, /answered MemberProjects with JSON that is cut off/],
    ['JSON that is not GraphQL', answering(200, '[]'), 1, /MemberProjects/],
  ])('%s: ends in time, with one line and code 3', async (_, listener, requests, line) => {
    let asked = 0;
    const port = await servers.http((request, response) => {
      asked++;
      listener(request, response);
    });
    const ended = await sync({ ...settings, GITLAB_URL: `http://127.0.0.1:${port}` });
    oneLine(ended, line);
    expect(asked).toBe(requests);
    expect(ended.ms).toBeLessThan(boundMs);
  });
});

describe('sync from a host that does not answer', () => {
  const ports: ReadonlyArray<readonly [string, () => Promise<number>, RegExp]> = [
    ['takes connections and says nothing', () => servers.tcp(() => {}), /did not answer MemberProjects within 1 s \(RESPONSE_TIMEOUT\)/],
    [
      'begins to answer and stalls',
      () => servers.http((_, response) => response.writeHead(200).write('{')),
      /within 2 s \(REQUEST_TIMEOUT\)/,
    ],
    ['refuses connections', () => servers.closedPort(), /cannot reach http:\/\/127\.0\.0\.1:\d+ \(connect ECONNREFUSED/],
    ['drops connections', () => servers.tcp((socket) => socket.destroy()), /cannot reach http:\/\/127\.0\.0\.1:\d+ \(/],
  ];

  test.each(ports)('%s: ends in time, with one line and code 3', async (_, listen, line) => {
    const ended = await sync({ ...settings, GITLAB_URL: `http://127.0.0.1:${await listen()}` });
    oneLine(ended, line);
    expect(ended.ms).toBeLessThan(boundMs);
  });

  test('ends as a process of its own, by itself', async () => {
    const port = await servers.tcp(() => {});
    const https = await syncProcess({ ...settings, GITLAB_URL: `https://127.0.0.1:${port}`, CONNECT_TIMEOUT: '1', RESPONSE_TIMEOUT: '10' });
    oneLine(https, /cannot reach https:\/\/127\.0\.0\.1:\d+ \(.*\): check the network/);
    const http = await syncProcess({ ...settings, GITLAB_URL: `http://127.0.0.1:${port}` });
    oneLine(http, /RESPONSE_TIMEOUT/);
    expect(Math.max(http.ms, https.ms)).toBeLessThan(boundMs);
  });

  test('ends in time too when the outage begins after projects are known', async () => {
    const fake = createFakeGitlab(createDemoWorld().world);
    const served = await serve(fake);
    const env = { ...settings, GITLAB_TOKEN: goodToken, GITLAB_URL: served.url };
    try {
      expect(await sync(env)).toMatchObject({ code: 0, err: '' });
      fake.intercept = () => new Promise(() => {});
      const ended = await sync(env);
      oneLine(ended, /did not answer ProjectChanges within 1 s \(RESPONSE_TIMEOUT\)/);
      expect(ended.ms).toBeLessThan(boundMs);
    } finally {
      await served.close();
    }
  });
});

describe('between sync and GitLab', () => {
  test('a certificate that is not trusted ends the sync with one line, and INSECURE_TLS prints a warning', async () => {
    const port = await servers.https(await makeServerCertificate('localhost'), answering(401, '{}'));
    const env = { ...settings, GITLAB_URL: `https://localhost:${port}` };
    oneLine(await sync(env), /set CA_FILE to the file of its CA certificate \[gitlab_unreachable\]$/m);
    const insecure = await sync({ ...env, INSECURE_TLS: 'true' });
    expect(insecure.code).toBe(3);
    expect(insecure.err).toMatch(
      /^WARNING: INSECURE_TLS is on: any certificate is trusted, [^\n]+\nERROR: [^\n]*refused the token[^\n]*\n$/,
    );
    expect((await sync(env, ['--insecure-tls'])).err).toBe(insecure.err);
  });

  test('a proxy from the environment is used, in upper and in lower case, and its password is not printed', async () => {
    const proxy = await servers.proxy({ credentials: 'me:proxy-secret', status: 403 });
    for (const name of ['HTTPS_PROXY', 'https_proxy'])
      oneLine(await sync({ ...settings, GITLAB_URL: 'https://git.example.com', [name]: proxy.url }), /\(its proxy answered 403\)/);
    expect(proxy.asked).toEqual(['CONNECT git.example.com:443', 'CONNECT git.example.com:443']);
    const wrong = await sync({ ...settings, https_proxy: 'me:proxy-secret@proxy' });
    expect(wrong).toMatchObject({
      code: 2,
      err: 'ERROR: HTTPS_PROXY must be the http:// or https:// URL of a proxy, such as http://proxy.example.com:3128 [configuration_invalid]\n',
    });
  });

  test('the token is not sent over http:// to another machine', async () => {
    expect(await sync({ ...settings, GITLAB_URL: 'http://git.example.com' })).toMatchObject({
      code: 2,
      err: 'ERROR: GITLAB_URL must be an https:// URL: over http://git.example.com anyone on the network path can read the token (ALLOW_HTTP = true sends it nevertheless) [configuration_invalid]\n',
    });
  });
});

describe('sync with a token in a file', () => {
  test('uses the token, and names a file that cannot be used', async () => {
    const file = path.join(folder, 'token');
    const tokens: unknown[] = [];
    const port = await servers.http((request, response) => {
      tokens.push(request.headers.authorization);
      answering(401, '{}')(request, response);
    });
    const { GITLAB_TOKEN, ...rest } = settings;
    const env = { ...rest, GITLAB_URL: `http://127.0.0.1:${port}`, GITLAB_TOKEN_FILE: file };
    await writeFile(file, `${GITLAB_TOKEN}\n`);
    oneLine(await sync(env), /GitLab refused the token/);
    expect(tokens).toEqual([`Bearer ${GITLAB_TOKEN}`]);
    await writeFile(file, '');
    expect(await sync(env)).toMatchObject({
      code: 2,
      err: `ERROR: Invalid configuration: the token file ${file} (GITLAB_TOKEN_FILE) is empty [configuration_invalid]\n`,
    });
    expect(await sync({ ...env, GITLAB_TOKEN })).toMatchObject({
      code: 2,
      err: 'ERROR: GITLAB_TOKEN and GITLAB_TOKEN_FILE are both set: keep one of them [configuration_invalid]\n',
    });
  });
});
