import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckReport } from '../../src/index.ts';
import { html } from '../../fake-gitlab/fake-gitlab.ts';
import { makeServerCertificate } from '../support/certificates.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { runCli } from '../support/run-cli.ts';
import { latest } from '../../fake-gitlab/graphql/variant.ts';
import { skippedIn, startChecking } from './checking.ts';
import type { Checked, Checking } from './checking.ts';

let checking: Checking;

beforeEach(async () => {
  checking = await startChecking();
});

afterEach(() => checking.close());

describe('the check of the network to GitLab', () => {
  test('exits with 3 for a host without an address and a closed port, and still runs all other checks', async () => {
    const nowhere = await checking.check({ GITLAB_URL: 'https://gitlab.invalid' });
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
    await checking.served.close();
    const closed = await checking.check({ GITLAB_URL: checking.served.url.replace('127.0.0.1', 'localhost') });
    expect(closed.code).toBe(3);
    expect(closed.of('network')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('(connect ECONNREFUSED'),
      fix: expect.stringContaining('firewall'),
    });
  });

  test('names the right URL when GITLAB_URL is that of the API or of a project', async () => {
    const outside = new Set<string>();
    checking.fake.intercept = (request) => {
      const { pathname } = new URL(request.url);
      if (/^\/gitlab\/(api\/(graphql|v4\/.*)|oauth\/.*)$/.test(pathname)) return undefined;
      outside.add(pathname);
      return html(checking.world, 404, 'Not found');
    };
    for (const suffix of ['/api/v4', '/api/graphql', '/acme/shop', '/acme/shop/-/merge_requests']) {
      const { code, of } = await checking.check({ GITLAB_URL: `${checking.served.url}${suffix}` });
      expect(code).toBe(3);
      expect(of('url')).toEqual({
        check: 'url',
        result: 'failure',
        detail: `there is no GitLab at ${checking.served.url}${suffix} (404)`,
        fix: `set GITLAB_URL to ${checking.served.url}`,
      });
    }
    expect(outside).toContain('/api/graphql');
    const lost = await checking.check({ GITLAB_URL: `${new URL(checking.served.url).origin}/wiki` });
    expect(lost.of('url')?.fix).toBe(
      'set GITLAB_URL to the address of its start page, without /api and without the path of a project or group',
    );
  });

  test('exits with 3 and the reason when the host answers with HTML, a redirect or an error', async () => {
    checking.fake.intercept = () => html(checking.world, 200, 'A wiki');
    expect((await checking.check()).of('url')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(/^something in front of GitLab answers Instance at .* \(200, text\/html and not JSON\)/),
      fix: expect.stringMatching(/^set GITLAB_URL to/),
    });
    checking.fake.intercept = () => new Response(null, { status: 301, headers: { location: 'https://git.example.com/api/graphql' } });
    const redirected = (await checking.check()).of('url');
    expect(redirected?.detail).toMatch(/^something in front of GitLab redirects Instance from .* to https:\/\/git\.example\.com \(301\)/);
    expect(redirected?.fix).not.toContain('git.example.com');
    checking.fake.intercept = () => new Response('{}', { status: 500, headers: { 'content-type': 'application/json' } });
    const failing = await checking.check();
    expect(failing.code).toBe(3);
    expect(failing.of('url')).toMatchObject({
      detail: 'GitLab failed on Instance (500): it is overloaded, or down; try again later',
      fix: expect.stringContaining('try again'),
    });
  });

  test('names the proxy without its password, and does not look up the host itself', async () => {
    const { port } = new URL(checking.served.url);
    const way = { GITLAB_URL: `http://gitlab.localhost:${port}/gitlab`, HTTP_PROXY: 'http://someone:proxy-secret@127.0.0.1:9' };
    const { out } = await runCli(['check', '--json'], { ...checking.env, ...way, MAX_ATTEMPTS: '1' });
    expect(out).not.toContain('proxy-secret');
    const through = await checking.check({ ...way, MAX_ATTEMPTS: '1' });
    expect(through.code).toBe(3);
    expect(through.of('network-settings')).toEqual({ check: 'network-settings', result: 'ok', detail: 'through the proxy 127.0.0.1:9' });
    expect(skippedIn(through)).toMatchObject({
      dns: 'requests go through the proxy 127.0.0.1:9',
      network: 'requests go through the proxy 127.0.0.1:9',
    });
    expect(through.of('url')).toMatchObject({ result: 'failure' });
    const past = await checking.check({ ...way, GITLAB_URL: checking.served.url, NO_PROXY: '127.0.0.1' });
    expect(past.of('network-settings')?.detail).toBe('through the proxy 127.0.0.1:9, except for the hosts of NO_PROXY');
    expect(past.of('url')).toMatchObject({ result: 'ok' });
  });

  test('warns of fields that GitLab lacks, and fails when a required field is missing', async () => {
    checking.world.schema = { ...latest, lacks: ['Pipeline.source', 'MergeRequest.upvotes'] };
    const { code, of } = await checking.check();
    expect(code).toBe(0);
    expect(of('schema')).toMatchObject({ result: 'warning', detail: 'this GitLab lacks MergeRequest.upvotes, Pipeline.source' });
    checking.world.schema = { ...latest, lacks: ['Pipeline.ref'] };
    const poor = await checking.check();
    expect(poor.code).toBe(1);
    expect(poor.of('schema')).toMatchObject({ result: 'failure', detail: expect.stringContaining('it has no Pipeline.ref') });
  });

  test('warns of a clock that is wrong by more than a minute', async () => {
    checking.world.pass(95 * 1_000_000);
    const { code, of } = await checking.check();
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
    checking.world.version = version;
    checking.fake.intercept = (_, { operation }) =>
      operation === refused
        ? new Response(JSON.stringify({ errors: [{ message: "Field 'queryComplexity' doesn't exist on type 'Query'" }] }), {
            headers: { 'content-type': 'application/json' },
          })
        : undefined;
    expect((await checking.check()).of('version')).toMatchObject(expected);
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
    const file = path.join(checking.folder, 'ca.pem');
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
        void checking.fake.handle(request).then(async (response) => {
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
        ...checking.env,
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
    expect(of('network-settings')).toEqual({
      check: 'network-settings',
      result: 'ok',
      detail: `the CA certificates of ${path.join(checking.folder, 'ca.pem')} (CA_FILE) are trusted beside those of Node`,
    });
    expect(of('network')).toMatchObject({ result: 'ok', detail: expect.stringContaining('certificate issued by localhost') });
    expect(of('url')).toMatchObject({ result: 'ok' });
    expect(code).toBe(0);
  });

  test('warns of a certificate that is accepted only because of INSECURE_TLS', async () => {
    const { code, result, of } = await checkOverTls({ host: 'git.example.com', days: -3.5, trust: 'INSECURE_TLS' });
    expect({ code, result }).toEqual({ code: 0, result: 'warning' });
    expect(of('network-settings')).toMatchObject({ result: 'warning', fix: expect.stringMatching(/^set CA_FILE to/) });
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
    expect(checking.fake.seen).toEqual([]);
  });
});
