import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigurationError, GitlabRequestError, UnreachableError } from '../../../src/errors.ts';
import { createGitlab } from '../../../src/gitlab/client.ts';
import { openNetwork, proxyFor } from '../../../src/gitlab/http/network.ts';
import type { Network, NetworkOptions } from '../../../src/gitlab/http/network.ts';
import { makeCa, makeServerCertificate } from '../../support/certificates.ts';
import type { Certificate } from '../../support/certificates.ts';
import { useServers } from '../../support/servers.ts';

const secret = 'glpat-very-secret';
const servers = useServers();
const opened: Network[] = [];
afterEach(async () => {
  for (const network of opened.splice(0)) await network.close();
});

interface Options extends Partial<Omit<NetworkOptions, 'url'>> {
  readonly responseTimeoutMs?: number;
  readonly timeoutMs?: number;
}

/** Asks the GitLab at a URL for something, once. */
async function ask(url: string, { responseTimeoutMs = 60_000, timeoutMs = 60_000, ...options }: Options = {}): Promise<string> {
  const network = await openNetwork({ url, noProxy: [], connectTimeoutMs: 10_000, insecureTls: false, ...options });
  opened.push(network);
  const { rest } = createGitlab({
    url,
    token: secret,
    userAgent: 'test',
    concurrency: 1,
    timeoutMs,
    responseTimeoutMs,
    fetch: network.fetch,
    retry: { attempts: 1 },
  });
  return (await rest.tag({ projectId: 1, repositoryId: 2 }, 'v1')).name;
}

async function failure(promise: Promise<unknown>): Promise<GitlabRequestError> {
  const error = await promise.then(
    (value) => new Error(`did not fail: ${inspect(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GitlabRequestError)) throw error;
  expect(error.message).not.toContain('\n');
  expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/very-secret|proxy-secret/);
  return error;
}

const gitlab: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ name: `for ${request.headers.authorization}` }));
};
const answered = 'for Bearer [token]';

let folder: string;
let ca: Certificate;
let good: Certificate;
let caFile: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-network-'));
  ca = await makeCa('Test CA');
  good = await makeServerCertificate('localhost', { ca });
  caFile = path.join(folder, 'ca.pem');
  await writeFile(caFile, `# Our own\n${ca.cert}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the certificate of GitLab', () => {
  test('of an own CA is trusted only with CA_FILE', async () => {
    const url = `https://localhost:${await servers.https(good, gitlab)}`;
    const error = await failure(ask(url));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(
      /^cannot reach https:\/\/localhost:\d+ \(.*\): its certificate is not trusted here: set CA_FILE to the file of its CA certificate$/,
    );
    expect(await ask(url, { caFile })).toBe(answered);
  });

  test('of another CA is not trusted, with advice', async () => {
    const other = path.join(folder, 'other.pem');
    await writeFile(other, (await makeCa('Another CA')).cert);
    const url = `https://localhost:${await servers.https(good, gitlab)}`;
    expect((await failure(ask(url, { caFile: other }))).message).toMatch(/set CA_FILE to the file of its CA certificate$/);
  });

  test('is refused when it is self-signed, expired or for another name, each with advice', async () => {
    const messageFor = async (certificate: Certificate) =>
      (await failure(ask(`https://localhost:${await servers.https(certificate, gitlab)}`, { caFile }))).message;
    expect(await messageFor(await makeServerCertificate('localhost'))).toMatch(/set CA_FILE to the file of its CA certificate$/);
    expect(await messageFor(await makeServerCertificate('localhost', { ca, endsInDays: -10 }))).toMatch(
      /\(certificate has expired\): its certificate has expired and must be renewed on the server$/,
    );
    expect(await messageFor(await makeServerCertificate('git.example.com', { ca }))).toMatch(
      /: its certificate is for another name: use that name in the URL$/,
    );
  });

  test('is accepted with INSECURE_TLS, whatever is wrong with it', async () => {
    for (const certificate of [good, await makeServerCertificate('git.example.com', { endsInDays: -10 })])
      expect(await ask(`https://localhost:${await servers.https(certificate, gitlab)}`, { insecureTls: true })).toBe(answered);
  });

  test('is an error of its own when the server does not speak TLS', async () => {
    const url = `https://localhost:${await servers.http(gitlab)}`;
    for (const options of [{}, { caFile }])
      expect((await failure(ask(url, options))).message).toMatch(
        /: the server does not use TLS on this port: check the port, and http:\/\/ or https:\/\/, in the URL$/,
      );
  });

  test('and a CA_FILE that cannot be used: a configuration error names the file', async () => {
    const issue = async (file: string) => {
      const error: unknown = await ask('https://localhost', { caFile: file }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigurationError);
      return (error as Error).message;
    };
    const missing = path.join(folder, 'missing.pem');
    expect(await issue(missing)).toMatch(`the file of CA certificates ${missing} (CA_FILE) cannot be used: ENOENT`);
    const wrong = path.join(folder, 'wrong.pem');
    await writeFile(wrong, good.key);
    expect(await issue(wrong)).toBe(`the file of CA certificates ${wrong} (CA_FILE) cannot be used: it contains no certificate in PEM`);
    await writeFile(wrong, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    expect(await issue(wrong)).toMatch(`the file of CA certificates ${wrong} (CA_FILE) cannot be used: `);
  });
});

describe('the HTTP proxy', () => {
  test('tunnels requests to an https:// GitLab', async () => {
    const port = await servers.https(good, gitlab);
    const proxy = await servers.proxy();
    expect(await ask(`https://localhost:${port}`, { httpsProxy: proxy.url, caFile })).toBe(answered);
    expect(proxy.asked).toEqual([`CONNECT localhost:${port}`]);
    expect(JSON.stringify(proxy.headers)).not.toContain(secret);
  });

  test('forwards requests to an http:// GitLab', async () => {
    const proxy = await servers.proxy();
    expect(await ask('http://git.example.com', { httpProxy: proxy.url })).toBe('through the proxy');
    expect(proxy.asked).toEqual(['GET http://git.example.com/api/v4/projects/1/registry/repositories/2/tags/v1']);
  });

  test('receives its user name and password, and no other server does', async () => {
    const seen: unknown[] = [];
    const port = await servers.https(good, (request, response) => {
      seen.push(request.headers);
      gitlab(request, response);
    });
    const proxy = await servers.proxy({ credentials: 'me:proxy-secret' });
    expect(await ask(`https://localhost:${port}`, { httpsProxy: proxy.url, caFile })).toBe(answered);
    expect(JSON.stringify(seen)).not.toContain('proxy-auth');
    expect(await ask('http://git.example.com', { httpProxy: proxy.url })).toBe('through the proxy');
  });

  test.each(['https', 'http'] as const)('that requires a password is the reason of the error (%s)', async (protocol) => {
    const proxy = await servers.proxy({ credentials: 'me:proxy-secret' });
    const wrong = proxy.url.replace('proxy-secret', 'wrong-proxy-secret');
    for (const url of [wrong, wrong.replace(/\/\/.*@/, '//')]) {
      const error = await failure(ask(`${protocol}://git.example.com`, { [`${protocol}Proxy`]: url }));
      expect(error).toMatchObject({ name: 'UnreachableError', systemCode: 'PROXY_407' });
      expect(error.message).toBe(
        `cannot reach ${protocol}://git.example.com (its proxy answered 407): the proxy requires a user name and a password: put them into its URL, http://user:password@host:port`,
      );
    }
  });

  test('that refuses or cannot be reached is the reason of the error', async () => {
    const forbidding = await servers.proxy({ status: 403, credentials: 'me:proxy-secret' });
    expect((await failure(ask('https://git.example.com', { httpsProxy: forbidding.url }))).message).toContain(
      '(its proxy answered 403): the proxy does not allow this host',
    );
    const broken = await servers.proxy({ status: 503 });
    expect((await failure(ask('https://git.example.com', { httpsProxy: broken.url }))).message).toContain(
      'the proxy cannot reach the host',
    );
    const port = await servers.closedPort();
    const error = await failure(ask('https://git.example.com', { httpsProxy: `http://me:proxy-secret@127.0.0.1:${port}` }));
    expect(error.message).toBe(
      `cannot reach the proxy 127.0.0.1:${port} (connect ECONNREFUSED 127.0.0.1:${port}): check that it runs, and HTTPS_PROXY or HTTP_PROXY; or name the host of the URL in NO_PROXY`,
    );
    const unknown = await failure(ask('https://git.example.com', { httpsProxy: 'http://me:proxy-secret@proxy.invalid:3128' }));
    expect(unknown.message).toMatch(/^cannot reach the proxy proxy\.invalid:3128 \(getaddrinfo E/);
    const behind = await servers.proxy();
    const closed = await failure(ask(`http://127.0.0.1:${port}`, { httpProxy: behind.url, noProxy: ['127.0.0.1'] }));
    expect(closed.message).toMatch(/^cannot reach http:\/\/127\.0\.0\.1:/);
  });

  test('is not used for addresses in the ranges of NO_PROXY', async () => {
    const port = await servers.http(gitlab);
    const proxy = await servers.proxy();
    const url = `http://127.0.0.1:${port}`;
    for (const noProxy of [['10.0.0.0/8', '127.0.0.0/8'], ['127.0.0.1/32'], ['0.0.0.0/0']])
      expect(await ask(url, { httpProxy: proxy.url, noProxy })).toBe(answered);
    expect(proxy.asked).toEqual([]);
    for (const noProxy of [['128.0.0.0/8'], ['127.0.0.0/33'], ['127.0.0.2/32']]) await ask(url, { httpProxy: proxy.url, noProxy });
    expect(proxy.asked).toHaveLength(3);
    const config = { httpProxy: proxy.url, httpsProxy: proxy.url };
    expect(proxyFor({ ...config, url: 'https://[fd00::7]:8443', noProxy: ['fd00::/8'] })).toBeUndefined();
    expect(proxyFor({ ...config, url: 'https://[fe80::7]', noProxy: ['fd00::/8'] })).toBe(proxy.url);
    expect(proxyFor({ ...config, url: 'https://gitlab.example.com', noProxy: ['0.0.0.0/0'] })).toBe(proxy.url);
  });

  test('is not used for the hosts in NO_PROXY and their subdomains', async () => {
    const port = await servers.https(good, gitlab);
    const proxy = await servers.proxy();
    for (const noProxy of [['other', 'localhost'], [`localhost:${port}`], ['*'], ['.localhost']])
      expect(await ask(`https://localhost:${port}`, { httpsProxy: proxy.url, noProxy, caFile })).toBe(answered);
    expect(proxy.asked).toEqual([]);
    await ask('http://git.example.com', { httpProxy: proxy.url, noProxy: ['ample.com', 'git.example.com:8080', 'x.git.example.com'] });
    expect(proxy.asked).toHaveLength(1);
  });

  test('is that of the settings, and not of the environment of this process', async () => {
    const url = `https://localhost:${await servers.https(good, gitlab)}`;
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, 'http://127.0.0.1:1');
    try {
      expect(await ask(url, { caFile, httpProxy: 'http://127.0.0.1:1' })).toBe(answered);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('the timeout of the network', () => {
  test('limits connecting, with the TLS handshake', async () => {
    const url = `https://localhost:${await servers.tcp(() => {})}`;
    const startedAt = performance.now();
    const error = await failure(ask(url, { connectTimeoutMs: 500 }));
    expect(performance.now() - startedAt).toBeLessThan(50_000);
    expect(error).toMatchObject({ systemCode: 'UND_ERR_CONNECT_TIMEOUT' });
    expect(error.message).toMatch(/: check the network: a firewall may block the connection, or HTTPS_PROXY may be missing$/);
  });

  test.each(['global', 'own'] as const)('limits the answer and the whole request with the %s fetch', async (kind) => {
    const options = kind === 'own' ? { insecureTls: true } : {};
    const silent = `http://localhost:${await servers.http(() => {})}`;
    expect((await failure(ask(silent, { ...options, responseTimeoutMs: 300 }))).message).toContain('within 0.3 s (RESPONSE_TIMEOUT)');
    const stalling = `http://localhost:${await servers.http((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"name":');
    })}`;
    const error = await failure(ask(stalling, { ...options, responseTimeoutMs: 500, timeoutMs: 900 }));
    expect(error.message).toContain('within 0.9 s (REQUEST_TIMEOUT)');
  });

  test('limits a proxy that accepts the connection and does not answer', async () => {
    const proxy = `http://127.0.0.1:${await servers.tcp(() => {})}`;
    const error = await failure(ask('https://git.example.com', { httpsProxy: proxy, responseTimeoutMs: 300 }));
    expect(error).toMatchObject({ systemCode: 'TIMEOUT' });
  });
});

describe.each(['global', 'own'] as const)('requests with the %s fetch', (kind) => {
  const options = kind === 'own' ? { insecureTls: true } : {};

  test.each([301, 302, 307, 308])('do not follow a redirect (%i), so that the token is sent to no other host', async (status) => {
    const elsewhere: unknown[] = [];
    const other = await servers.http((request, response) => {
      elsewhere.push(request.headers);
      gitlab(request, response);
    });
    const location = `http://127.0.0.1:${other}/login?next=x`;
    const url = `http://localhost:${await servers.http((_, response) => response.writeHead(status, { location }).end())}`;
    const error = await failure(ask(url, options));
    expect(error.message).toMatch(
      new RegExp(`^something in front of GitLab redirects GET .* to http://127\\.0\\.0\\.1:${other} \\(${status}\\)`),
    );
    expect(elsewhere).toEqual([]);
  });

  test('name a body that is cut and a connection that is dropped or refused', async () => {
    const cut = await servers.http((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"name":');
      setTimeout(() => response.destroy(), 10);
    });
    const dropped = await servers.tcp((socket) => socket.destroy());
    for (const port of [cut, dropped, await servers.closedPort()]) {
      const error = await failure(ask(`http://localhost:${port}`, options));
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toMatch(/^cannot reach http:\/\/localhost:\d+ \(.+\): check /);
    }
  });
});

test('the network uses the global fetch unless a setting needs more', async () => {
  const usual = { url: 'https://git.example.com', noProxy: [], connectTimeoutMs: 10_000, insecureTls: false };
  for (const options of [usual, { ...usual, httpProxy: 'http://proxy.example.com' }, { ...usual, noProxy: ['x'] }])
    expect((await openNetwork(options)).fetch).toBeUndefined();
});

test('closing the network ends all connections, also those with a request under way', async () => {
  const port = await servers.http((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
  });
  const asking = failure(ask(`http://localhost:${port}`, { insecureTls: true }));
  await vi.waitFor(() => expect(servers.connectionsAt(port)).toBe(1));
  await opened.at(-1)?.close();
  await asking;
  await vi.waitFor(() => expect(servers.connectionsAt(port)).toBe(0));
});
