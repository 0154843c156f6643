import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ForbiddenError,
  GitlabRequestError,
  InvalidResponseError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  UnauthorizedError,
  UnreachableError,
} from '../../src/errors.ts';
import type { Fetch } from '../../src/gitlab/fetch/fetch.ts';
import { withErrors } from '../../src/gitlab/fetch/with-errors.ts';
import { withLimit } from '../../src/gitlab/fetch/with-limit.ts';
import { parseRetryAfter, retryDelayMs, withRetry } from '../../src/gitlab/fetch/with-retry.ts';
import { withTimeout } from '../../src/gitlab/fetch/with-timeout.ts';
import { silentLogger } from '../../src/log.ts';

const json = { 'content-type': 'application/json' };
const request = { method: 'GET', headers: {}, operation: 'GET projects' } as const;
const answering =
  (status: number, body: string | null = '{}', headers: Record<string, string> = json): Fetch =>
  async () =>
    new Response(body, { status, headers });

describe('answers that are not what was asked for', () => {
  const failing = async (fetch: Fetch): Promise<GitlabRequestError> => {
    try {
      await withErrors(fetch)('https://gitlab.example.com/api/v4/projects', request);
    } catch (error) {
      if (error instanceof GitlabRequestError) return error;
      throw error;
    }
    throw new Error('did not fail');
  };

  test.each([
    [401, UnauthorizedError, '{"message":"401 Unauthorized"}', 'GitLab refused the token (401 on GET projects: 401 Unauthorized)'],
    [403, ForbiddenError, '{"error":"insufficient_scope","error_description":"Too few"}', 'GitLab forbids GET projects (403: Too few)'],
    [404, NotFoundError, '{"message":"404 Project Not Found"}', 'GitLab does not know GET projects (404: 404 Project Not Found)'],
    [429, RateLimitedError, 'Retry later\n', 'GitLab limits the rate of requests (429 on GET projects)'],
    [500, ServerError, '{"errors":[{"message":"Internal server error"}]}', 'GitLab failed on GET projects (500: Internal server error)'],
    [502, ServerError, '<html>Bad gateway</html>', 'GitLab failed on GET projects (502)'],
    [422, GitlabRequestError, '{"errors":[{"message":"Query too large"}]}', 'GitLab refused GET projects (422: Query too large)'],
  ])('%i has its class and its line', async (status, type, body, message) => {
    const error = await failing(answering(status, body, { ...json, 'x-request-id': 'r-1' }));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
    expect(error).toMatchObject({ status, requestId: 'r-1', operation: 'GET projects' });
  });

  test('HTML with a status of success is not GitLab', async () => {
    const error = await failing(answering(200, '<html></html>', { 'content-type': 'text/html; charset=utf-8' }));
    expect(error).toBeInstanceOf(InvalidResponseError);
    expect(error.message).toContain('https://gitlab.example.com answered GET projects with text/html, not JSON');
  });

  test('a redirect is refused, with where to', async () => {
    const error = await failing(answering(302, null, { location: 'https://sso.example.com/login?secret=1' }));
    expect(error).toBeInstanceOf(InvalidResponseError);
    expect(error.message).toContain('redirects GET projects to https://sso.example.com:');
  });

  test('429 says how long to wait', async () => {
    expect(await failing(answering(429, '', { 'retry-after': '17' }))).toMatchObject({ retryAfterMs: 17_000 });
  });
});

describe('retries', () => {
  const slept: number[] = [];
  const options = {
    attempts: 3,
    baseDelayMs: 100,
    maxDelayMs: 5_000,
    random: () => 0,
    log: silentLogger,
    sleep: async (ms: number) => {
      slept.push(ms);
    },
  };
  afterEach(() => {
    slept.length = 0;
  });
  const inTurn = (...answers: Array<Fetch>): Fetch => {
    const left = [...answers];
    return (url, init) => (left.shift() ?? answering(200))(url, init);
  };

  test('pass over what passes, with doubling delays', async () => {
    const response = await withRetry(inTurn(answering(503), answering(500)), options)('https://x.example.com', request);
    expect(response.status).toBe(200);
    expect(slept).toEqual([100, 200]);
  });

  test('end after the attempts that the settings allow', async () => {
    expect((await withRetry(answering(502), options)('https://x.example.com', request)).status).toBe(502);
    expect(slept).toHaveLength(2);
  });

  test('wait as long as GitLab asks, up to the limit', async () => {
    const fetch = inTurn(answering(429, '', { 'retry-after': '2' }), answering(429, '', { 'retry-after': '999' }));
    await withRetry(fetch, options)('https://x.example.com', request);
    expect(slept).toEqual([2_000, 5_000]);
  });

  test.each([400, 401, 403, 404, 422])('do not repeat a %i', async (status) => {
    expect((await withRetry(answering(status), options)('https://x.example.com', request)).status).toBe(status);
    expect(slept).toEqual([]);
  });

  test('repeat a connection that is cut, and not a host name that does not exist', async () => {
    const unreachable =
      (code: string): Fetch =>
      async () => {
        throw new UnreachableError('x', { operation: 'x', code });
      };
    expect((await withRetry(inTurn(unreachable('ECONNRESET')), options)('https://x.example.com', request)).status).toBe(200);
    await expect(withRetry(unreachable('ENOTFOUND'), options)('https://x.example.com', request)).rejects.toThrow(UnreachableError);
    expect(slept).toHaveLength(1);
  });

  test('spread out by up to a half', () => {
    const delay = (random: number) =>
      retryDelayMs({ attempt: 3, retryAfterMs: undefined, baseDelayMs: 100, maxDelayMs: 5_000, random: () => random });
    expect([delay(0), delay(0.5), delay(0.999)]).toEqual([400, 500, 600]);
  });

  test('take seconds in Retry-After, and nothing else', () => {
    expect(['3', ' 4 ', 'Wed, 21 Oct 2026 07:28:00 GMT', '', null].map(parseRetryAfter)).toEqual([
      3_000,
      4_000,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a time out', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const listen = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener);
    await new Promise<void>((resolve) => {
      server?.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const send: Fetch = (url, { operation: _operation, ...init }) => fetch(url, init);

  test('ends a request that is never answered', async () => {
    const url = await listen(() => {});
    await expect(withTimeout(send, 50)(url, request)).rejects.toMatchObject({
      name: 'UnreachableError',
      code: 'TIMEOUT',
      message: `${url} did not answer GET projects within 0.05 s`,
    });
  });

  test('bounds the body too', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, json);
      response.write('{"half":');
    });
    await expect(withTimeout(send, 50)(url, request)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('is not the reason when the connection is cut in the middle of the body', async () => {
    const url = await listen((_, response) => {
      response.writeHead(200, { ...json, 'content-length': '100' });
      response.write('{"half":');
      setTimeout(() => response.destroy(), 10);
    });
    await expect(withTimeout(send, 5_000)(url, request)).rejects.toMatchObject({
      name: 'UnreachableError',
      message: expect.stringMatching(/^cannot reach /),
    });
  });

  test('leaves the abort of the caller as it is', async () => {
    const url = await listen(() => {});
    const stop = AbortSignal.timeout(20);
    await expect(withTimeout(send, 5_000)(url, { ...request, signal: stop })).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('says what is wrong with a name or a port', async () => {
    const url = await listen(() => {});
    server?.close();
    await expect(withTimeout(send, 5_000)(url, request)).rejects.toThrow(/^cannot reach http:\/\/127\.0\.0\.1:\d+ \(connect ECONNREFUSED/);
    await expect(withTimeout(send, 5_000)('http://no.such.host.invalid/', request)).rejects.toThrow(/check the host name in the URL$/);
  });
});

test('no more requests are under way than the limit says', async () => {
  let underWay = 0;
  let most = 0;
  const slow: Fetch = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 5));
    underWay--;
    return new Response('{}');
  };
  const limited = withLimit(slow, 3);
  await Promise.all(Array.from({ length: 12 }, () => limited('https://x.example.com', request)));
  expect(most).toBe(3);
});
