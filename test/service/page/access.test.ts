import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { GitlabSyncError } from '../../../src/errors.ts';
import { startHealthServer, textAnswer } from '../../../src/service/health-server.ts';
import { createPage, pagePaths } from '../../../src/service/page/page.ts';

test('poll refuses to start with a page that other machines could read, in one line without secrets', async () => {
  const written = { out: '', err: '' };
  const write = (name: 'out' | 'err') => ({ write: (text: string) => (written[name] += text) });
  const env = { GITLAB_TOKEN: 'x', HEALTH_HOST: '0.0.0.0', HEALTH_PORT: '0' };
  const code = await run(['poll'], { env, out: write('out'), err: write('err'), signal: AbortSignal.timeout(20_000) });
  expect([code, written]).toEqual([
    2,
    {
      out: '',
      err: 'ERROR: other machines can reach the page of changes (HEALTH_HOST is 0.0.0.0): set PAGE_PASSWORD or PAGE_PASSWORD_FILE, or PAGE=off [configuration_invalid]\n',
    },
  ]);
});

test('the page answers under allowed host names only, and leaves the other paths open', async () => {
  const ofNode = globalThis.Request;
  const bugs: unknown[] = [];
  const app = createPage({
    served: () => Promise.reject(new GitlabSyncError('The poller has not started yet: the database is away')),
    password: 'geheim',
    onBug: (error) => bugs.push(error),
  });
  const page = { paths: pagePaths, fetch: app.fetch };
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, page }, { '/healthz': () => textAnswer(200, ['ok']) });
  const { port } = new URL(server.url);
  const ask = (path: string, headers: Readonly<Record<string, string>>, method = 'GET') =>
    new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      })
        .on('error', reject)
        .end();
    });
  const authorization = `Basic ${Buffer.from('x:geheim').toString('base64')}`;
  try {
    for (const path of ['/', '/?from=10:00', '/changes?id=x', '/changes.csv', '/changes.json', '/page.js']) {
      expect([path, (await ask(path, { host: 'evil.example', authorization })).status]).toEqual([path, 421]);
      expect([path, (await ask(path, { host: `localhost:${port}` })).status]).toEqual([path, 401]);
      const { headers } = await ask(path, { host: 'localhost', authorization });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect([headers['referrer-policy'], headers['x-content-type-options']]).toEqual(['no-referrer', 'nosniff']);
    }
    expect((await ask('/', { host: 'localhost', authorization }, 'POST')).status).toBe(405);
    expect((await ask('/page.css', { host: 'localhost', authorization })).status).toBe(200);
    expect((await ask('/page.css', { host: 'localhost', authorization }, 'HEAD')).text).toBe('');
    const waiting = await ask('/', { host: 'localhost', authorization });
    expect([waiting.status, waiting.text]).toEqual([503, expect.stringContaining('The poller has not started yet: the database is away')]);
    expect(await ask('/healthz', { host: 'evil.example' })).toMatchObject({ status: 200, text: 'ok\n' });
    expect((await ask('/nothing', { host: 'localhost' })).text).toBe('not found; the paths are:\n/\n/healthz\n');
    expect(bugs).toEqual([]);
    // The library of the page leaves the globals of the process alone.
    expect(globalThis.Request).toBe(ofNode);
  } finally {
    await server.close();
  }
});
