import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckEntry, CheckReport } from '../../src/index.ts';
import { ConnectionEntity, checkGitlab, migrations } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { latest } from '../../fake-gitlab/graphql/variant.ts';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import type { FakeToken } from '../../fake-gitlab/world/world.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { makeServerCertificate } from '../support/certificates.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { fetchFrom } from '../support/fake.ts';
import { addConnection } from '../support/rows.ts';
import { runCli } from '../support/run-cli.ts';

let world: World;
let fake: FakeGitlab;
let served: Served;
let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  world = new World(new Date().toISOString());
  const project = world.addProject('acme/shop');
  project.git.commit('main', { title: 'Start', authorName: 'Ada' });
  fake = createFakeGitlab(world);
  served = await serve(fake, '/gitlab');
  folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-check-'));
  env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, DATA_DIR: path.join(folder, 'data') };
});

afterEach(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

interface Checked extends CheckReport {
  readonly code: number;
  /** The last finding of a check. */
  readonly of: (check: string) => CheckEntry | undefined;
}

async function check(overrides: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Checked> {
  const { code, out, err } = await runCli(['check', '--json', ...args], { ...env, ...overrides });
  expect(err).toBe('');
  expect(out).not.toContain(goodToken);
  const report = JSON.parse(out) as CheckReport;
  return { ...report, code, of: (name) => report.checks.findLast((entry) => entry.check === name) };
}

/** What is skipped, and why. */
const skippedIn = ({ checks }: CheckReport) =>
  Object.fromEntries(checks.flatMap((entry) => (entry.result === 'skipped' ? [[entry.check, entry.detail]] : [])));

describe('the check command without a problem', () => {
  test('prints one line for each check, creates nothing and exits with 0', async () => {
    const { code, out, err } = await runCli(['check'], env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toContain(goodToken);
    const lines = out.split('\n').slice(3, -3);
    expect(
      lines.map((line) =>
        line
          .split('│')
          .slice(1, 3)
          .map((cell) => cell.trim()),
      ),
    ).toEqual([
      ['settings', 'ok'],
      ['dns', 'ok'],
      ['network', 'ok'],
      ['url', 'ok'],
      ['version', 'ok'],
      ['clock', 'ok'],
      ['token', 'ok'],
      ['token-scopes', 'ok'],
      ['token-expiry', 'ok'],
      ['projects', 'ok'],
      ['schema', 'ok'],
      ['database', 'ok'],
      ['migrations', 'skipped'],
      ['privileges', 'skipped'],
      ['connection', 'skipped'],
    ]);
    expect(out).toContain('GitLab 18.8.2-ee, Enterprise Edition');
    expect(out).toContain('1 of 1 project can be read');
    expect(out).toMatch(/\n12 ok, 0 warnings, 0 failures, 3 skipped; 4 GraphQL and 1 REST requests\n$/);
    expect(existsSync(env.DATA_DIR ?? '')).toBe(false);
  });

  test('exits with 2 when a setting is wrong', async () => {
    expect(await runCli(['check'], { ...env, GITLAB_URL: 'gitlab' })).toMatchObject({ code: 2, out: '' });
    expect(await runCli(['check'], { DATA_DIR: folder })).toEqual({
      code: 2,
      out: '',
      err: 'ERROR: GITLAB_TOKEN not set [configuration_invalid]\n',
    });
  });

  test('uses the fetch and the database of a library’s caller', async () => {
    const config = { token: goodToken, url: 'https://gitlab.example.com', repos: 'acme/shop' };
    const report = (await checkGitlab(null, config, { fetch: fetchFrom(fake) })) as CheckReport;
    expect(report).toMatchObject({ result: 'ok', requests: { graphql: 4, rest: 1 } });
    expect(skippedIn(report)).toEqual({
      dns: 'requests go through the fetch that was given',
      network: 'requests go through the fetch that was given',
      database: 'no database was given',
      migrations: 'there is no database to check',
      privileges: 'there is no database to check',
      connection: 'there is no database to check',
    });
    const mistyped = (await checkGitlab(null, { ...config, ...JSON.parse('{"sync_limt": 5}') }, { fetch: fetchFrom(fake) })) as CheckReport;
    expect(mistyped.checks[0]).toMatchObject({
      check: 'settings',
      result: 'warning',
      detail: expect.stringContaining('; "sync_limt" is not a setting here and is ignored: did you mean "sync_limit"?') as string,
    });
    expect(await checkGitlab(null, {})).toEqual({ error: 'No GitLab token configured', code: 'configuration' });
    expect(await checkGitlab(null, config, { fetch: fetchFrom(fake), signal: AbortSignal.abort() })).toEqual({
      error: 'Stopped before the end',
      code: 'aborted',
    });
  });
});

describe('the check of the network to GitLab', () => {
  test('exits with 3 for a host without an address and a closed port, and still runs all other checks', async () => {
    const nowhere = await check({ GITLAB_URL: 'https://gitlab.invalid' });
    expect(nowhere).toMatchObject({ code: 3, result: 'unreachable' });
    expect(nowhere.of('dns')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(/^there is no address for gitlab\.invalid \(E/),
    });
    expect(skippedIn(nowhere)).toMatchObject({
      network: 'not checked, because "dns" failed',
      url: 'not checked, because "dns" failed',
      token: 'not checked, because "dns" failed',
      'token-scopes': 'not checked, because "dns" failed',
      projects: 'not checked, because "dns" failed',
    });
    expect(nowhere.of('database')).toMatchObject({ result: 'ok' });
    await served.close();
    const closed = await check({ GITLAB_URL: served.url.replace('127.0.0.1', 'localhost') });
    expect(closed.code).toBe(3);
    expect(closed.of('network')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('(connect ECONNREFUSED'),
      fix: expect.stringContaining('firewall'),
    });
  });

  test('names the right URL when GITLAB_URL is that of the API or of a project', async () => {
    const outside = new Set<string>();
    fake.intercept = (request) => {
      const { pathname } = new URL(request.url);
      if (/^\/gitlab\/(api\/(graphql|v4\/.*)|oauth\/.*)$/.test(pathname)) return undefined;
      outside.add(pathname);
      return html(world, 404, 'Not found');
    };
    for (const suffix of ['/api/v4', '/api/graphql', '/acme/shop', '/acme/shop/-/merge_requests']) {
      const { code, of } = await check({ GITLAB_URL: `${served.url}${suffix}` });
      expect(code).toBe(3);
      expect(of('url')).toEqual({
        check: 'url',
        result: 'failure',
        detail: `there is no GitLab at ${served.url}${suffix} (404)`,
        fix: `set GITLAB_URL to ${served.url}`,
      });
    }
    expect(outside).toContain('/api/graphql');
    const lost = await check({ GITLAB_URL: `${new URL(served.url).origin}/wiki` });
    expect(lost.of('url')?.fix).toBe(
      'set GITLAB_URL to the address of its start page, without /api and without the path of a project or group',
    );
  });

  test('exits with 3 and the reason when the host answers with HTML, a redirect or an error', async () => {
    fake.intercept = () => html(world, 200, 'A wiki');
    expect((await check()).of('url')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(/answered Instance with text\/html, not JSON: check that the URL is the URL of a GitLab$/),
      fix: expect.stringMatching(/^set GITLAB_URL to/),
    });
    fake.intercept = () => new Response(null, { status: 301, headers: { location: 'https://git.example.com/api/graphql' } });
    expect((await check()).of('url')?.detail).toBe('GitLab redirects Instance to https://git.example.com: set the URL to the new address');
    fake.intercept = () => new Response('{}', { status: 500, headers: { 'content-type': 'application/json' } });
    const failing = await check();
    expect(failing.code).toBe(3);
    expect(failing.of('url')).toMatchObject({
      detail: 'GitLab failed on Instance (500): it is overloaded, or down; try again later',
      fix: expect.stringContaining('try again'),
    });
  });

  test('names the proxy without its password, and does not look up the host itself', async () => {
    const { port } = new URL(served.url);
    const way = { GITLAB_URL: `http://gitlab.localhost:${port}/gitlab`, HTTP_PROXY: 'http://someone:proxy-secret@127.0.0.1:9' };
    const { out } = await runCli(['check', '--json'], { ...env, ...way, MAX_ATTEMPTS: '1' });
    expect(out).not.toContain('proxy-secret');
    const through = await check({ ...way, MAX_ATTEMPTS: '1' });
    expect(through.code).toBe(3);
    expect(through.of('way')).toEqual({ check: 'way', result: 'ok', detail: 'through the proxy 127.0.0.1:9' });
    expect(skippedIn(through)).toMatchObject({
      dns: 'requests go through the proxy 127.0.0.1:9',
      network: 'requests go through the proxy 127.0.0.1:9',
    });
    expect(through.of('url')).toMatchObject({ result: 'failure' });
    const past = await check({ ...way, GITLAB_URL: served.url, NO_PROXY: '127.0.0.1' });
    expect(past.of('way')?.detail).toBe('through the proxy 127.0.0.1:9, except for the hosts of NO_PROXY');
    expect(past.of('url')).toMatchObject({ result: 'ok' });
  });

  test('warns of fields that GitLab lacks, and fails when a required field is missing', async () => {
    world.schema = { ...latest, lacks: ['Pipeline.source', 'MergeRequest.upvotes'] };
    const { code, of } = await check();
    expect(code).toBe(0);
    expect(of('schema')).toMatchObject({ result: 'warning', detail: 'this GitLab lacks MergeRequest.upvotes, Pipeline.source' });
    world.schema = { ...latest, lacks: ['Pipeline.ref'] };
    const poor = await check();
    expect(poor.code).toBe(1);
    expect(poor.of('schema')).toMatchObject({ result: 'failure', detail: expect.stringContaining('it has no Pipeline.ref') });
  });

  test('warns of a clock that is wrong by more than a minute', async () => {
    world.pass(95 * 1_000_000);
    const { code, of } = await check();
    expect(code).toBe(0);
    expect(of('clock')).toMatchObject({ result: 'warning', detail: expect.stringMatching(/clock is 9[0-5] s behind GitLab's$/) });
  });

  test.each<[string, string | undefined, object]>([
    ['16.1.6-ee', undefined, { result: 'failure', detail: 'GitLab 16.1.6-ee is too old: the connector needs 16.2 or later' }],
    ['16.2.0', undefined, { result: 'ok', detail: 'GitLab 16.2.0, Community Edition' }],
    ['19.0.0-pre', undefined, { result: 'ok', detail: 'GitLab 19.0.0-pre, Community Edition' }],
    // It refuses the whole question, for a field that it does not know.
    ['13.12.15', 'Instance', { result: 'failure', detail: 'GitLab 13.12.15 is too old: the connector needs 16.2 or later' }],
  ])('judges GitLab %s by its version', async (version, refused, expected) => {
    world.version = version;
    fake.intercept = (_, { operation }) =>
      operation === refused
        ? new Response(JSON.stringify({ errors: [{ message: "Field 'queryComplexity' doesn't exist on type 'Query'" }] }), {
            headers: { 'content-type': 'application/json' },
          })
        : undefined;
    expect((await check()).of('version')).toMatchObject(expected);
  });
});

describe('the check of the certificate', () => {
  /** Serves the fake GitLab over TLS, and checks it as a process of its own: what Node trusts is settled when it starts. */
  async function checkOverTls({
    host = 'localhost',
    days,
    trust,
  }: {
    host?: string;
    days: number;
    /** The setting that makes it trusted. */
    trust?: 'CA_FILE' | 'NODE_EXTRA_CA_CERTS' | 'INSECURE_TLS';
  }): Promise<Checked> {
    const { key, cert } = await makeServerCertificate(host, { endsInDays: days });
    const file = path.join(folder, 'ca.pem');
    await writeFile(file, cert);
    const server = createServer({ key, cert }, (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { authorization = '' } = incoming.headers;
        const body = incoming.method === 'POST' ? { body: Buffer.concat(chunks) } : {};
        const request = new Request(`https://localhost${incoming.url}`, {
          method: incoming.method ?? 'GET',
          headers: { authorization },
          ...body,
        });
        void fake.handle(request).then(async (response) => {
          outgoing.writeHead(response.status, Object.fromEntries(response.headers));
          outgoing.end(await response.text());
        });
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    try {
      const { code, out } = await runCliProcess(['check', '--json'], {
        ...env,
        GITLAB_URL: `https://localhost:${port}`,
        ...(trust ? { [trust]: trust === 'INSECURE_TLS' ? 'true' : file } : {}),
      });
      const report = JSON.parse(out) as CheckReport;
      return { ...report, code, of: (name) => report.checks.findLast((entry) => entry.check === name) };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('warns of a certificate that ends within 30 days, with issuer and date', async () => {
    const { code, of } = await checkOverTls({ days: 10.5, trust: 'NODE_EXTRA_CA_CERTS' });
    expect(of('url')).toMatchObject({ result: 'ok' });
    expect(of('network')).toMatchObject({
      result: 'warning',
      detail: expect.stringMatching(/; certificate issued by localhost, valid until \d{4}-\d\d-\d\d \(in 10 days\)$/),
      fix: 'renew the certificate before it expires',
    });
    expect(code).toBe(0);
  });

  test('trusts a certificate whose CA is in CA_FILE, and says so', async () => {
    const { code, of } = await checkOverTls({ days: 100, trust: 'CA_FILE' });
    expect(of('way')).toEqual({
      check: 'way',
      result: 'ok',
      detail: `the CA certificates of ${path.join(folder, 'ca.pem')} (CA_FILE) are trusted beside those of Node`,
    });
    expect(of('network')).toMatchObject({ result: 'ok', detail: expect.stringContaining('certificate issued by localhost') });
    expect(of('url')).toMatchObject({ result: 'ok' });
    expect(code).toBe(0);
  });

  test('warns of a certificate that is accepted only because of INSECURE_TLS', async () => {
    const { code, result, of } = await checkOverTls({ host: 'git.example.com', days: -3.5, trust: 'INSECURE_TLS' });
    expect({ code, result }).toEqual({ code: 0, result: 'warning' });
    expect(of('way')).toMatchObject({ result: 'warning', fix: expect.stringMatching(/^set CA_FILE to/) });
    expect(of('network')).toMatchObject({
      result: 'ok',
      detail: expect.stringMatching(/trusted only because of INSECURE_TLS \([A-Z_]+\)$/),
    });
    expect(of('url')).toMatchObject({ result: 'ok' });
  });

  test('exits with 3 for a certificate that is not trusted, has another name or has expired, and does not send the token', async () => {
    const strange = await checkOverTls({ days: 100 });
    expect(strange.code).toBe(3);
    expect(strange.of('network')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(/issued by localhost, is not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/),
      fix: 'set CA_FILE to the file of its CA certificate',
    });
    const other = await checkOverTls({ host: 'git.example.com', days: 100, trust: 'NODE_EXTRA_CA_CERTS' });
    expect(other.of('network')).toMatchObject({ result: 'failure', fix: 'set GITLAB_URL to a name that is in the certificate' });
    const ended = await checkOverTls({ days: -3.5, trust: 'NODE_EXTRA_CA_CERTS' });
    expect(ended.of('network')).toMatchObject({ result: 'failure', detail: expect.stringMatching(/expired on .* \(4 days ago\)$/) });
    expect(fake.seen).toEqual([]);
  });
});

describe('the check of the token', () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

  /** Checks with a token as the world has it. */
  async function checkToken(token: Partial<FakeToken>, text = 'glpat-another-token'): Promise<Checked> {
    world.tokens.set(text, { state: 'active', scopes: ['read_api'], ...token });
    const { code, out } = await runCli(['check', '--json'], { ...env, GITLAB_TOKEN: text });
    expect(out).not.toContain(text);
    const report = JSON.parse(out) as CheckReport;
    return { ...report, code, of: (name) => report.checks.findLast((entry) => entry.check === name) };
  }

  test.each<[string, Partial<FakeToken>, string]>([
    ['a person', { name: 'painchain', username: 'grace' }, 'personal access token "painchain" of grace'],
    ['a project', { username: 'project_101_bot_0fa4e12c' }, 'project access token "connector" of project_101_bot_0fa4e12c'],
    ['a group', { username: 'group_7_bot_0fa4e12c' }, 'group access token "connector" of group_7_bot_0fa4e12c'],
    ['an application', { kind: 'oauth', expiresInSeconds: null }, 'OAuth token of ada'],
  ])('names the kind and the owner of the token of %s', async (_, token, detail) => {
    const checked = await checkToken(token);
    expect(checked).toMatchObject({ code: 0, result: 'ok' });
    expect(checked.of('token')).toEqual({ check: 'token', result: 'ok', detail });
  });

  test('reads the token from its file, and names the file in the advice', async () => {
    const file = path.join(folder, 'token');
    const { GITLAB_TOKEN: _, ...others } = env;
    const checkFile = async (text: string) => {
      await writeFile(file, `${text}\n`);
      const { code, out, err } = await runCli(['check', '--json'], { ...others, GITLAB_TOKEN_FILE: file });
      if (out === '') return { code, err, of: () => undefined };
      expect(out).not.toContain(text);
      const report = JSON.parse(out) as CheckReport;
      return { code, err, of: (name: string) => report.checks.findLast((entry) => entry.check === name) };
    };
    const good = await checkFile(goodToken);
    expect(good.code).toBe(0);
    expect(good.of('token')?.detail).toBe(`personal access token "connector" of ada from ${file}`);
    const unusable = await checkFile('gldt-a-deploy-token');
    expect(unusable.of('token')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('deploy token'),
      fix: expect.stringMatching(/write it into .*token \(GITLAB_TOKEN_FILE\)$/),
    });
    expect(await checkFile('')).toMatchObject({ code: 2, err: expect.stringContaining('GITLAB_TOKEN_FILE) is empty') });
  });

  test('warns of an administrator’s token and of a token that may write', async () => {
    const admin = await checkToken({ isAdmin: true, username: 'root' });
    expect(admin).toMatchObject({ code: 0, result: 'warning' });
    expect(admin.of('token')).toMatchObject({
      result: 'warning',
      detail:
        'personal access token "connector" of root, an administrator: it can change everything, and its queries may cost 300 points where others have 250',
    });
    const broad = await checkToken({ scopes: ['api', 'read_user', 'sudo'] });
    expect(broad.of('token-scopes')).toEqual({
      check: 'token-scopes',
      result: 'warning',
      detail: 'more than is needed: api, sudo',
      fix: 'read_api is enough: make a token with this scope alone',
    });
  });

  test('warns of a token that expires soon, with the date', async () => {
    const soon = await checkToken({ expiresOn: inDays(30) });
    expect(soon.of('token-expiry')).toMatchObject({ result: 'warning', detail: `it expires on ${inDays(30)} (in 29 days)` });
    expect((await checkToken({ expiresOn: inDays(32) })).of('token-expiry')).toMatchObject({ result: 'ok' });
    const oauth = await checkToken({ kind: 'oauth' });
    expect(oauth.of('token-expiry')).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining('(within a day)'),
      fix: 'use a project or group access token: the connector does not renew OAuth tokens',
    });
  });

  test.each<[string, Partial<FakeToken>, RegExp]>([
    ['has ended', { state: 'expired' }, /^GitLab refused the token \(401 on GET personal_access_tokens\/self: Token is expired/],
    ['was revoked', { state: 'revoked' }, /: Token was revoked/],
  ])('fails for a token that %s, and runs only the checks that need no token', async (_, token, detail) => {
    const checked = await checkToken(token);
    expect(checked).toMatchObject({ code: 1, result: 'failure' });
    expect(checked.of('url')).toMatchObject({ result: 'ok', detail: `a GitLab answers at ${served.url}, but refuses the token` });
    expect(checked.of('token')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(detail),
      fix: expect.stringContaining('read_api'),
    });
    expect(skippedIn(checked)).toMatchObject({
      version: 'GitLab returns its version only to a valid token',
      'token-scopes': 'not checked, because "token" failed',
      projects: 'not checked, because "token" failed',
    });
    expect(checked.of('database')).toMatchObject({ result: 'ok' });
  });

  test('names the kind of a token that the API does not accept, by its prefix', async () => {
    const { code, out } = await runCli(['check', '--json'], { ...env, GITLAB_TOKEN: 'gldt-secret' });
    expect(code).toBe(1);
    expect(out).toContain("it looks like a deploy token, which GitLab's API does not accept");
    expect(out).not.toContain('gldt-secret');
    expect((await runCli(['check'], { ...env, GITLAB_TOKEN: 'glcbt-64_x' })).out).toContain('it looks like a CI/CD job token');
  });

  test('says that the scope of a token is too small, although GraphQL only calls the token invalid', async () => {
    const { code, of } = await checkToken({ scopes: ['read_repository', 'read_user'] });
    expect(code).toBe(1);
    expect(of('token')).toMatchObject({ result: 'ok' });
    expect(of('token-scopes')).toMatchObject({
      result: 'failure',
      detail: 'read_api is missing: its scopes are read_repository, read_user',
      fix: expect.stringContaining('make a personal, project or group access token with the scope read_api'),
    });
    expect(of('projects')).toMatchObject({ result: 'skipped', detail: 'not checked, because "token-scopes" failed' });
  });

  test('fails for a fine-grained token, whether it may read about itself or not', async () => {
    const detail = 'fine-grained personal access token';
    const silent = await checkToken({ scopes: ['granular'] });
    expect(silent.code).toBe(1);
    expect(silent.of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining(detail) });
    expect(silent.of('version')).toMatchObject({ result: 'skipped' });
    const open = await checkToken({ scopes: ['granular'], readsItself: true });
    expect(open.of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining(`${detail} "connector"`) });
  });

  test('fails for the token of a blocked user, with GitLab’s message', async () => {
    fake.intercept = (_, { kind }) =>
      kind === 'graphql'
        ? new Response(JSON.stringify({ errors: [{ message: 'API not accessible for user' }] }), { status: 403 })
        : undefined;
    const { code, of } = await check();
    expect(code).toBe(1);
    expect(of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining('API not accessible for user') });
  });

  test('passes a token that GitLab accepts but cannot describe', async () => {
    fake.intercept = (_, { operation }) => (/token/.test(operation) ? html(world, 404, 'Not found') : undefined);
    const { code, of } = await check();
    expect(code).toBe(0);
    expect(of('token')).toMatchObject({
      result: 'skipped',
      detail: expect.stringMatching(/^GitLab accepts the token, but does not return its kind/),
    });
    expect(of('projects')).toMatchObject({ result: 'ok' });
  });
});

describe('the check of the projects', () => {
  test('names projects that cannot be read and counts the others, 50 in a request', async () => {
    for (let i = 0; i < 59; i++)
      world.addProject(`big/p${String(i).padStart(2, '0')}`).git.commit('main', { title: 'x', authorName: 'Ada' });
    const [first, second, third] = world.projects.filter(({ fullPath }) => fullPath.startsWith('big/'));
    if (!first || !second || !third) throw new Error('the world has lost its projects');
    first.role = 'guest';
    second.features = { ...second.features, registry: false, ci: false };
    world.addProject('big/empty');
    const { code, checks, of } = await check({ REPOS: 'big,acme/typo,4711' });
    expect(code).toBe(1);
    expect(checks.filter(({ subject }) => subject !== undefined)).toEqual([
      {
        check: 'projects',
        subject: 'acme/typo',
        result: 'failure',
        detail: 'no project or group with this path, or out of sight for this token',
        fix: "check the spelling, or make the token's user a member of it",
      },
      expect.objectContaining({ subject: '4711', result: 'failure' }),
      {
        check: 'projects',
        subject: 'big/p00',
        result: 'failure',
        detail: "the token's role is too low to read merge requests, pipelines, registry images and commits",
        fix: "give the token's user at least the role Reporter in the project",
      },
    ]);
    expect(of('projects')).toEqual({
      check: 'projects',
      result: 'failure',
      detail: '59 of 62 projects can be read; switched off or empty: pipelines in 1, registry images in 1, commits in 1',
    });
    expect(fake.seen.filter(({ operation }) => operation === 'ProjectAccess')).toHaveLength(2);
  });

  test('fails when there is no project', async () => {
    for (const project of world.projects) project.isMember = false;
    const { code, of } = await check();
    expect(code).toBe(1);
    expect(of('projects')).toMatchObject({ result: 'failure', detail: 'the token is a member of no project: there is nothing to read' });
  });
});

describe('the check of the database', () => {
  let database: TestDatabase;
  let databaseUrl: string;
  beforeEach(async () => {
    database = await createTestDatabase('postgres');
    databaseUrl = database.options.databaseUrl ?? '';
  });
  afterEach(async () => {
    await database.remove();
  });

  async function query(text: string, url = databaseUrl): Promise<unknown[]> {
    const client = new Client(url);
    await client.connect();
    try {
      const { rows } = await client.query<Record<string, unknown>>(text);
      return rows;
    } finally {
      await client.end();
    }
  }

  const tableCount = () => query(`select count(*)::int as count from pg_class where relnamespace = 'public'::regnamespace`);

  test('creates no tables where there are none', async () => {
    const before = await check({ DATABASE_URL: databaseUrl });
    expect(before.code).toBe(0);
    expect(before.of('database')).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^PostgreSQL \d+\.\d+, as postgres$/) });
    expect(before.of('migrations')).toMatchObject({
      result: 'ok',
      detail: `0 applied, ${migrations.length} pending: the next sync applies them`,
    });
    expect(before.of('privileges')).toMatchObject({ result: 'ok', detail: 'there are no tables yet' });
    expect(before.of('connection')).toMatchObject({ result: 'skipped', detail: 'there are no tables yet' });
    expect(await tableCount()).toEqual([{ count: 0 }]);
  });

  test('says that the tables are up to date, and names the connection', async () => {
    const opened = await openDatabase(database.options);
    await opened.migrate();
    const empty = await check({ DATABASE_URL: databaseUrl });
    expect(empty.of('migrations')?.detail).toBe(`${migrations.length} applied, none pending`);
    expect(empty.of('privileges')?.detail).toBe('the tables can be read and written');
    expect(empty.of('connection')?.detail).toBe(`there is no connection for ${served.url}yet: the first sync creates one`);
    expect(await opened.em.fork().count(ConnectionEntity)).toBe(0);
    const id = await addConnection(opened.em, served.url);
    expect((await check({ DATABASE_URL: databaseUrl })).of('connection')?.detail).toBe(`events are stored under connection ${id}`);
    await query(`update connections set config = config || '{"poll_intervall": 60}' where id = ${id}`);
    expect((await check({ DATABASE_URL: databaseUrl })).of('connection')).toMatchObject({
      result: 'warning',
      detail: `events are stored under connection ${id}; in its config "poll_intervall" is not a setting here and is ignored: did you mean "poll_interval"?`,
      fix: 'correct the key in connections.config, or remove it',
    });
    await query(`update connections set config = config - 'poll_intervall' where id = ${id}`);
    const strange = await check({ DATABASE_URL: databaseUrl, CONNECTION_ID: '4711' });
    expect(strange.code).toBe(1);
    expect(strange.of('connection')).toMatchObject({ result: 'failure', detail: 'there is no connection 4711 in the table connections' });
    await addConnection(opened.em, served.url);
    expect((await check({ DATABASE_URL: databaseUrl })).of('connection')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('CONNECTION_ID must name one of'),
    });
    const library = await checkGitlab(opened.em, { token: goodToken, url: served.url, connectionId: id });
    expect(library).toMatchObject({ result: 'ok' });
    await opened.close();
  });

  test('fails when the user may not write, and says what to grant', async () => {
    const opened = await openDatabase(database.options);
    await opened.migrate();
    await opened.close();
    const user = `reader_${path.basename(new URL(databaseUrl).pathname)}`.slice(0, 60);
    await query(
      `create role ${user} login password 'x'; grant select, insert, update on all tables in schema public to ${user}; revoke update on change_events from ${user}`,
    );
    const url = new URL(databaseUrl);
    url.username = user;
    url.password = 'x';
    try {
      const { code, of } = await check({ DATABASE_URL: url.href });
      expect(code).toBe(1);
      const missing = [
        'update on change_events',
        'delete on gitlab_pass_locks',
        'delete on gitlab_registry_tags',
        'usage on sequence public.connections_id_seq',
        'usage on sequence public.change_events_id_seq',
      ];
      expect(of('privileges')).toMatchObject({ result: 'failure', detail: expect.stringMatching(/^reader_.* lacks \d privileges: /) });
      for (const privilege of missing) expect(of('privileges')?.fix).toContain(`grant ${privilege}`);
      expect(of('connection')).toMatchObject({ result: 'skipped', detail: 'not checked, because "privileges" failed' });
      await query(`delete from gitlab_connector_migrations where name like '%incremental'`);
      expect((await check({ DATABASE_URL: url.href })).of('migrations')).toMatchObject({
        result: 'failure',
        detail: `${migrations.length - 1} applied, 1 pending, and ${user} may not create tables in the schema public`,
      });
    } finally {
      await query(`drop owned by ${user}; drop role ${user}`);
    }
  });

  test('fails when the database is read-only', async () => {
    await query(`alter database ${path.basename(new URL(databaseUrl).pathname)} set default_transaction_read_only = on`);
    const { code, of } = await check({ DATABASE_URL: databaseUrl });
    expect(code).toBe(1);
    expect(of('database')).toMatchObject({ result: 'failure', detail: expect.stringContaining('it is read-only') });
    expect(of('migrations')).toMatchObject({ result: 'skipped' });
  });

  test('exits with 3 for a database that cannot be reached, without its password, and still checks GitLab', async () => {
    const { code, out } = await runCli(['check'], { ...env, DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/name' });
    expect(code).toBe(3);
    expect(out).toContain('cannot use the PostgreSQL at 127.0.0.1:1/name (connect ECONNREFUSED 127.0.0.1:1)');
    expect(out).toContain('1 of 1 project can be read');
    expect(out).not.toContain('secret');
  });

  test('inspects an embedded database, or says that it is in use or cannot be created', async () => {
    const embedded = await createTestDatabase('pglite');
    const { dataDir } = embedded.options;
    try {
      const found = await check({ DATA_DIR: dataDir });
      expect(found.of('database')).toMatchObject({ result: 'ok', detail: expect.stringMatching(/^PostgreSQL \d+/) });
      expect(found.of('migrations')?.detail).toContain('0 applied');
      const other = await openDatabase(embedded.options);
      const inUse = await check({ DATA_DIR: dataDir });
      await other.close();
      expect(inUse.code).toBe(0);
      expect(inUse.of('database')).toMatchObject({ result: 'warning', detail: expect.stringContaining('is in use by another process') });
    } finally {
      await embedded.remove();
    }
    const impossible = await check({ DATA_DIR: path.resolve('package.json', 'data') });
    expect(impossible.code).toBe(3);
    expect(impossible.of('database')).toMatchObject({ result: 'failure', fix: 'set DATA_DIR to a folder that can be written' });
  });
});
