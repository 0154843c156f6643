import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { startHealthServer, textAnswer } from '../../src/service/health-server.ts';
import type { HealthServer } from '../../src/service/health-server.ts';
import { run } from '../../src/cli/program.ts';

let server: HealthServer | undefined;
afterEach(() => server?.close());

test('the health server answers its paths, and lists them for an unknown path', async () => {
  server = await startHealthServer(
    { host: '127.0.0.1', port: 0 },
    {
      '/healthz': () => textAnswer(200, ['ok']),
      '/readyz': () => Promise.reject(new Error('the database is away\nwith a second line')),
    },
  );
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${server?.url}${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  expect(await get('/healthz?x=1')).toEqual({ status: 200, text: 'ok\n' });
  expect(await get('/healthz', { method: 'HEAD' })).toEqual({ status: 200, text: '' });
  expect(await get('/readyz')).toEqual({ status: 503, text: 'the database is away with a second line\n' });
  expect(await get('/')).toEqual({ status: 404, text: 'not found; the paths are:\n/healthz\n/readyz\n' });
  expect((await get('/constructor')).status).toBe(404);
  expect((await get('/healthz', { method: 'POST', body: 'x' })).status).toBe(405);
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('what names projects is answered only under names that no web page can have, or that are allowed', async () => {
  const answered = () => textAnswer(200, ['here']);
  server = await startHealthServer(
    { host: '127.0.0.1', port: 0, allowedHosts: ['connector.example.com', '.svc'] },
    { '/healthz': answered, '/readyz': answered, '/metrics': answered, '/status': answered },
  );
  const { port } = new URL(server.url);
  const ask = (host: string, path: string) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      })
        .on('error', reject)
        .end();
    });
  const statuses = async (host: string) =>
    (await Promise.all(['/healthz', '/readyz', '/metrics', '/status', '/other'].map((path) => ask(host, path)))).map(
      ({ status }) => status,
    );
  const open = [200, 200, 200, 200, 404];
  for (const host of [
    `127.0.0.1:${port}`,
    '10.42.0.7:8080',
    '[::1]:8080',
    'localhost',
    'LocalHost:8080',
    'poller.localhost',
    `${hostname()}:8080`,
    'connector.example.com:8080',
    'Connector.Example.com.',
    'gitlab-connector.monitoring.svc',
  ])
    expect([host, await statuses(host)]).toEqual([host, open]);
  for (const host of ['evil.example', 'sub.connector.example.com', 'notlocalhost', 'svc', 'x@127.0.0.1', '127.0.0.1.evil.example'])
    expect([host, await statuses(host)]).toEqual([host, [200, 200, 421, 421, 421]]);
  expect((await ask('evil.example:8080', '/status')).text).toBe(
    '"evil.example:8080" is not a host name of this poller: use its IP address, or add the name to HEALTH_ALLOWED_HOSTS\n',
  );
  await server.close();
  server = await startHealthServer({ host: '127.0.0.1', port: 0, allowedHosts: ['*'] }, { '/status': answered });
  expect((await fetch(`${server.url}/status`, { headers: { host: 'any.example' } })).status).toBe(200);
});

test('poll prints one line and exits with 2 when HEALTH_PORT is in use or wrong', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(0, '127.0.0.1', resolve);
  });
  const { port } = other.address() as AddressInfo;
  await expect(startHealthServer({ host: '127.0.0.1', port }, {})).rejects.toBeInstanceOf(ConfigurationError);

  const written = { out: '', err: '' };
  const poll = async (env: Readonly<Record<string, string>>) => {
    written.err = '';
    const write = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
    const code = await run(['poll'], { env, out: write('out'), err: write('err'), signal: new AbortController().signal });
    return { code, err: written.err };
  };
  expect(await poll({ GITLAB_TOKEN: 'x', HEALTH_PORT: String(port) })).toEqual({
    code: 2,
    err: `ERROR: HEALTH_PORT ${port} on HEALTH_HOST 127.0.0.1 cannot be used (listen EADDRINUSE: address already in use 127.0.0.1:${port}): set another, or off [configuration_invalid]\n`,
  });
  expect(await poll({})).toEqual({ code: 2, err: 'ERROR: GITLAB_TOKEN not set [configuration_invalid]\n' });
  expect(await poll({ GITLAB_TOKEN: 'x', HEALTH_PORT: 'on', LOG_LEVEL: 'loud', POLL_INTERVAL: '0' })).toEqual({
    code: 2,
    err: [
      'ERROR: POLL_INTERVAL must be a whole number from 1 to 86400, not "0" [configuration_invalid]',
      'ERROR: HEALTH_PORT must be a whole number from 0 to 65535, or off, not "on" [configuration_invalid]',
      'ERROR: LOG_LEVEL must be debug, info, warn, error or silent, not "loud" [configuration_invalid]\n',
    ].join('\n'),
  });
  expect(written.out).toBe('');
  other.close();
});
