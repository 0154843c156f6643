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
} from '../../../src/errors.ts';
import type { Fetch, FetchInit } from '../../../src/gitlab/http/fetch.ts';
import { retryAfterMsOf, spanText } from '../../../src/gitlab/limits/retry-after.ts';
import { unreachable } from '../../../src/gitlab/http/unreachable.ts';
import { withErrors } from '../../../src/gitlab/http/with-errors.ts';
import { delayBefore, withRetry } from '../../../src/gitlab/http/with-retry.ts';
import { withTimeout } from '../../../src/gitlab/http/with-timeout.ts';
import { createHostStates } from '../../../src/gitlab/limits/host-state.ts';
import type { HostState } from '../../../src/gitlab/limits/host-state.ts';
import { silentLogger } from '../../../src/log.ts';
import type { Logger } from '../../../src/log.ts';
import { createTestClock } from '../../support/clock.ts';

const url = 'https://gitlab.example.com/api/v4/projects';
const json = { 'content-type': 'application/json' };
const htmlType = { 'content-type': 'text/html' };
const request: FetchInit = { method: 'GET', headers: {}, operation: 'GET projects' };
const answering =
  (status: number, body: string | null = '{}', headers: Record<string, string> = json): Fetch =>
  async () =>
    new Response(body, { status, headers });

describe('an answer that is no success', () => {
  const failing = async (fetch: Fetch): Promise<GitlabRequestError> => {
    try {
      await withErrors(fetch)(url, request);
    } catch (error) {
      if (error instanceof GitlabRequestError) return error;
      throw error;
    }
    throw new Error('did not fail');
  };

  test.each([
    [
      401,
      UnauthorizedError,
      '{"message":"401 Unauthorized"}',
      'GitLab refused the token (401 on GET projects: 401 Unauthorized): it may be',
    ],
    [
      403,
      ForbiddenError,
      '{"error":"insufficient_scope","error_description":"Too few"}',
      'GitLab forbids GET projects (403: Too few): the',
    ],
    [404, NotFoundError, '{"message":"404 Project Not Found"}', 'GitLab does not know GET projects (404: 404 Project Not Found), or this'],
    [407, GitlabRequestError, '', 'a proxy requires a user name and a password (407 on GET projects): put them into its URL'],
    [429, RateLimitedError, 'Retry later\n', 'GitLab limits the rate of requests (429 on GET projects): read less often'],
    [
      429,
      RateLimitedError,
      '{"message":{"error":"Too many times. Try again later."}}',
      '(429 on GET projects: Too many times. Try again later.)',
    ],
    [
      500,
      ServerError,
      '{"errors":[{"message":"Internal server error"}]}',
      'GitLab failed on GET projects (500: Internal server error): it is',
    ],
    [
      502,
      ServerError,
      '<html>Bad gateway</html>',
      'something in front of GitLab answers GET projects (502, not JSON): a maintenance page, or GitLab is down; try again later',
    ],
    [422, GitlabRequestError, '{"errors":[{"message":"Query too large"}]}', 'GitLab refused GET projects (422: Query too large)'],
  ])('with status %i becomes its error class with one line', async (status, type, body, message) => {
    const error = await failing(answering(status, body, { ...json, 'x-request-id': 'r-1' }));
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain('\n');
    expect(error).toMatchObject({ status, requestId: 'r-1', operation: 'GET projects' });
  });

  test.each([200, 401, 403, 404, 410, 422])(
    'that is a page, with status %i, says nothing of the token or of what exists',
    async (status) => {
      for (const headers of [{ 'content-type': 'text/html; charset=utf-8' }, { 'content-type': 'text/plain' }]) {
        if (status === 200 && headers['content-type'] === 'text/plain') continue;
        const error = await failing(answering(status, '\n<!DOCTYPE html><html>Sign in</html>', headers));
        expect(error).toBeInstanceOf(InvalidResponseError);
        const type = headers['content-type'].split(';')[0];
        expect(error.message).toBe(
          `something in front of GitLab answers GET projects at https://gitlab.example.com (${status}, ${type} and not JSON): a sign-in page, a firewall or a maintenance page, or no GitLab at all; let this machine through to GitLab, or check that the URL is the URL of a GitLab`,
        );
        expect(error).toMatchObject({ isTruncated: false, status });
      }
    },
  );

  test('that is a maintenance page is tried again', async () => {
    const error = await failing(answering(503, '<html>Back soon</html>', { 'content-type': 'text/html' }));
    expect(error).toBeInstanceOf(ServerError);
    expect(error.message).toBe(
      'something in front of GitLab answers GET projects (503, not JSON): a maintenance page, or GitLab is down; try again later',
    );
  });

  test('with status 403 says what GitLab says, and what the token needs only where GitLab gives no reason', async () => {
    const said = async (body: string) => (await failing(answering(403, body, { 'content-type': 'application/json' }))).message;
    expect(await said('{"message":"Your IP address 10.0.0.1 is not allowed to access this group"}')).toBe(
      'GitLab forbids GET projects (403: Your IP address 10.0.0.1 is not allowed to access this group)',
    );
    for (const body of ['{"message":"403 Forbidden"}', '{"error":"insufficient_scope"}', '{}'])
      expect(await said(body)).toMatch(/: the token needs the scope read_api and, in private projects, the role Reporter$/);
  });

  test('in JSON that is cut off is an error', async () => {
    const error = await failing(answering(200, '{"data":{"proj'));
    expect(error).toBeInstanceOf(InvalidResponseError);
    expect(error).toMatchObject({ isTruncated: true, status: 200 });
    expect(error.message).toBe(
      'https://gitlab.example.com answered GET projects with JSON that is cut off: a proxy or the network drops parts of it',
    );
  });

  test.each([
    ['https://sso.example.com/login?secret=1', 'https://sso.example.com'],
    ['/users/sign_in?secret=1#x', '/users/sign_in'],
    ['https://git.example.com/api/v4/projects', 'https://git.example.com'],
    ['http://gitlab.example.com/users/auth/saml', 'http://gitlab.example.com'],
    ['', 'an unnamed place'],
  ])('that redirects to %s names the place, and does not say that it is GitLab', async (location, target) => {
    const error = await failing(answering(302, null, location === '' ? {} : { location }));
    expect(error).toBeInstanceOf(InvalidResponseError);
    expect(error.message).toContain(`redirects GET projects from https://gitlab.example.com to ${target} (302): a sign-in page`);
    expect(error.message).not.toContain('set the URL');
  });

  test('that redirects to another address of the same host is an error that names the address', async () => {
    const error = await failing(answering(301, null, { location: 'https://gitlab.example.com:8443/api/v4/projects?x=secret' }));
    expect(error.message).toBe(
      'https://gitlab.example.com redirects GET projects to https://gitlab.example.com:8443: set the URL to the new address',
    );
  });

  test('with status 429 or 5xx carries the time to wait', async () => {
    expect(await failing(answering(429, '', { 'retry-after': '17' }))).toMatchObject({ retryAfterMs: 17_000 });
    expect(await failing(answering(503, '', { 'retry-after': '17' }))).toMatchObject({ name: 'ServerError', retryAfterMs: 17_000 });
  });

  test.each([429, 503])('with status %i and a wait of more than five minutes is an error that names the wait', async (status) => {
    const error = await failing(answering(status, '', { 'retry-after': '2400' }));
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ status, retryAfterMs: 2_400_000 });
    expect(error.message).toBe(
      `GitLab asks to wait 40 min (${status} on GET projects), and a request waits at most 5 min: run again later, or less often`,
    );
  });
});

test('Retry-After is parsed as seconds, or as a date by the clock of the server', () => {
  const msOf = (text: string, date = 'Wed, 21 Oct 2026 07:28:00 GMT') => retryAfterMsOf(new Headers({ 'retry-after': text, date }));
  expect(['3', ' 4 ', 'Wed, 21 Oct 2026 07:28:30 GMT', 'Wed, 21 Oct 2026 07:00:00 GMT'].map((text) => msOf(text))).toEqual([
    3_000, 4_000, 30_000, 0,
  ]);
  expect([msOf(''), msOf('soon'), msOf('-3'), msOf('Wed, 21 Oct 2026 07:28:30 GMT', ''), retryAfterMsOf(new Headers())]).toEqual(
    Array.from({ length: 5 }),
  );
  expect([900, 90_000, 130_000].map(spanText)).toEqual(['1 s', '90 s', '3 min']);
});

describe('retries of failed requests', () => {
  /** Answers in turn, and then with success; through the layer that makes errors of them, as in use. */
  const trying = (
    answers: readonly Fetch[],
    options: { attempts?: number; host?: HostState; log?: Logger; init?: Partial<FetchInit> } = {},
  ) => {
    const { attempts = 4, log = silentLogger, host = createHostStates({ clock: createTestClock(() => 0.5) }).at(url), init } = options;
    let sent = 0;
    const inTurn: Fetch = (...args) => (answers[sent++] ?? answering(200))(...args);
    const retried = withRetry(withErrors(inTurn), { attempts, baseDelayMs: 100, host, log });
    return { host, sent: () => sent, response: retried(url, { ...request, ...init }) };
  };
  const unreachableBy =
    (code?: string): Fetch =>
    async () => {
      throw new UnreachableError('x', { operation: 'x', ...(code ? { systemCode: code } : {}) });
    };

  test.each<[string, Fetch]>([
    ['429', answering(429, 'Retry later\n', { 'content-type': 'text/plain' })],
    ['429 as JSON', answering(429, '{"message":{"error":"Try again later."}}')],
    ['429 with half of a body', answering(429, '{"mess')],
    ...[500, 502, 503, 504, 520, 524].map((status): [string, Fetch] => [`${status}`, answering(status)]),
    ['502 in HTML', answering(502, '<html>', htmlType)],
    ['503 with half of a body', answering(503, '{"errors":[{')],
    ['a success that is cut off', answering(200, '{"data":')],
    ['a connection that fails', unreachableBy('ECONNREFUSED')],
    ['a connection that is cut', unreachableBy('ECONNRESET')],
    ['a name server that is away', unreachableBy('EAI_AGAIN')],
    ['a time out', unreachableBy('TIMEOUT')],
    ['a proxy that cannot reach it now', unreachableBy('PROXY_503')],
    ['an unknown reason', unreachableBy()],
  ])('overcome %s, for POST and GET', async (_, broken) => {
    for (const method of ['GET', 'POST'] as const) {
      const { response, sent } = trying([broken, broken, broken], { init: { method } });
      expect((await response).status).toBe(200);
      expect(sent()).toBe(4);
    }
  });

  test.each<[string, Fetch]>([
    ...[400, 401, 403, 404, 405, 407, 422, 501].map((status): [string, Fetch] => [`${status}`, answering(status)]),
    ['HTML with a status of success', answering(200, '<html>', htmlType)],
    ['a redirect', answering(302, null, { location: 'https://x.example.com' })],
    ['a name that does not exist', unreachableBy('ENOTFOUND')],
    ...['CERT_HAS_EXPIRED', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID', 'EPROTO'].map(
      (code): [string, Fetch] => [code, unreachableBy(code)],
    ),
    ['a proxy that wants a password', unreachableBy('PROXY_407')],
    ['a wait of more than five minutes', answering(429, '', { 'retry-after': '301' })],
  ])('do not repeat %s', async (_, broken) => {
    const { response, sent } = trying([broken]);
    await expect(response).rejects.toThrow(GitlabRequestError);
    expect(sent()).toBe(1);
  });

  test('end after MAX_ATTEMPTS, with the last error', async () => {
    const { response, sent } = trying([answering(500), answering(502), answering(503), answering(504)], { attempts: 3 });
    await expect(response).rejects.toMatchObject({ name: 'ServerError', status: 503 });
    expect(sent()).toBe(3);
    const once = trying([answering(500)], { attempts: 1 });
    await expect(once.response).rejects.toMatchObject({ status: 500 });
  });

  test('wait a random time, up to a bound that doubles', async () => {
    const { response, host } = trying([answering(503), answering(500), answering(502)]);
    await response;
    expect(host.clock.now()).toBe((100 + 200 + 400) / 2);
    const failed = new ServerError('x', { operation: 'x', status: 500 });
    const delay = (attempt: number, random: number) => delayBefore(attempt, failed, { baseDelayMs: 100, random: () => random });
    expect([delay(1, 0), delay(3, 0), delay(3, 0.999), delay(40, 0.999)]).toEqual([0, 0, 400, 59_940]);
    const delays = Array.from({ length: 200 }, () => delayBefore(2, failed));
    expect(new Set(delays).size).toBeGreaterThan(50);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1_000);
  });

  test('leave the wait to the host state when GitLab limits the rate or names a time', () => {
    for (const error of [
      new RateLimitedError('x', { operation: 'x', retryAfterMs: 9_000 }),
      new RateLimitedError('x', { operation: 'x' }),
      new ServerError('x', { operation: 'x', status: 503, retryAfterMs: 9_000 }),
    ])
      expect(delayBefore(3, error, { random: () => 0.9 })).toBe(0);
    const atOnce = new ServerError('x', { operation: 'x', status: 503, retryAfterMs: 0 });
    expect(delayBefore(3, atOnce, { random: () => 0.9 })).toBe(1_800);
  });

  test('do not repeat a request that can be made smaller', async () => {
    for (const broken of [answering(500), answering(502), answering(503), answering(504), answering(200, '{'), unreachableBy('TIMEOUT')]) {
      const { response, sent, host } = trying([broken], { init: { isResizable: true } });
      await expect(response).rejects.toThrow(GitlabRequestError);
      expect(sent()).toBe(1);
      expect(host.isSilent).toBe(false);
    }
    for (const broken of [answering(429), unreachableBy('ECONNRESET'), unreachableBy('UND_ERR_CONNECT_TIMEOUT')]) {
      const { response, sent } = trying([broken], { init: { isResizable: true } });
      await response;
      expect(sent()).toBe(2);
    }
  });

  test('stop in the middle of a wait when aborted', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const clock = createTestClock(() => 0.5);
    const host = createHostStates({ clock: { ...clock, sleep: (_, signal) => clock.sleep(Number.MAX_SAFE_INTEGER, signal) } }).at(url);
    const { response, sent } = trying([answering(503)], { host, init: { signal: stop.signal } });
    setImmediate(() => stop.abort(reason));
    await expect(response).rejects.toBe(reason);
    expect(sent()).toBe(1);
  });

  test('are not made for later requests while a host does not answer at all', async () => {
    const dead = trying([unreachableBy('ECONNREFUSED'), unreachableBy('TIMEOUT')], { attempts: 2 });
    await expect(dead.response).rejects.toThrow(UnreachableError);
    const next = trying([unreachableBy('TIMEOUT')], { host: dead.host });
    await expect(next.response).rejects.toThrow(UnreachableError);
    expect([dead.sent(), next.sent()]).toEqual([2, 1]);
    dead.host.observe(new Response());
    const back = trying([unreachableBy('TIMEOUT')], { host: dead.host });
    expect((await back.response).status).toBe(200);
  });

  test('are logged with the reason and the wait', async () => {
    const lines: unknown[] = [];
    const log: Logger = { ...silentLogger, warn: (fields, message) => lines.push([fields, message]) };
    await trying([answering(503)], { log }).response;
    expect(lines).toEqual([
      [
        {
          operation: 'GET projects',
          attempt: 1,
          delayMs: 50,
          status: 503,
          errorCode: 'gitlab_server_error',
          reason: 'GitLab failed on GET projects (503): it is overloaded, or down; try again later',
        },
        'request failed; retrying',
      ],
    ]);
  });
});

describe('the timeout of a request', () => {
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
  const send: Fetch = (to, { operation: _operation, ...init }) => fetch(to, init);
  const bounded = (responseMs: number, requestMs = responseMs) => withTimeout(send, { responseMs, requestMs });
  const long = 5_000;

  test('ends a request that is never answered', async () => {
    const at = await listen(() => {});
    await expect(bounded(50, long)(at, request)).rejects.toMatchObject({
      name: 'UnreachableError',
      systemCode: 'TIMEOUT',
      message: `${at} did not answer GET projects within 0.05 s (RESPONSE_TIMEOUT): it is overloaded or down, or needs a longer timeout`,
    });
  });

  test('limits the body when it is that of the whole request, and not when it is that of the answer', async () => {
    const at = await listen((_, response) => {
      response.writeHead(200, json);
      response.write('{"half":');
    });
    await expect(bounded(2_000, 2_500)(at, request)).rejects.toMatchObject({
      systemCode: 'TIMEOUT',
      message: expect.stringContaining('within 2.5 s (REQUEST_TIMEOUT)') as string,
    });
  });

  test('is not reported when the connection is cut in the middle of the body, which is retried', async () => {
    let sent = 0;
    const at = await listen((_, response) => {
      response.writeHead(200, { ...json, 'content-length': '12' });
      response.write('{"half":');
      if (++sent < 3) setTimeout(() => response.destroy(), 10);
      else response.end(' 1 }');
    });
    await expect(bounded(long)(at, request)).rejects.toMatchObject({
      name: 'UnreachableError',
      message: expect.stringMatching(/^cannot reach http:\S+ \(.+\): check the network, and that the server runs$/) as string,
    });
    const host = createHostStates({ clock: createTestClock() }).at(at);
    const retried = withRetry(withErrors(bounded(long)), { attempts: 2, baseDelayMs: 1, host, log: silentLogger });
    expect(await (await retried(at, request)).json()).toEqual({ half: 1 });
    expect(sent).toBe(3);
  });

  test('does not replace the caller’s reason of an abort', async () => {
    const at = await listen(() => {});
    const stop = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 20);
    await expect(bounded(long)(at, { ...request, signal: stop.signal })).rejects.toBe(reason);
    await expect(bounded(long)(at, { ...request, signal: stop.signal })).rejects.toBe(reason);
  });

  test('is not reported for a wrong host name or a closed port', async () => {
    const at = await listen(() => {});
    server?.close();
    await expect(bounded(long)(at, request)).rejects.toThrow(
      /^cannot reach http:\/\/127\.0\.0\.1:\d+ \(connect ECONNREFUSED 127\.0\.0\.1:\d+\): check the host and the port in the URL, and that the server runs$/,
    );
    await expect(bounded(long)('http://no.such.host.invalid/', request)).rejects.toThrow(/check the host name in the URL$/);
  });
});

test('every reason why GitLab cannot be reached has advice, in one line', () => {
  const adviceFor = (code: string) =>
    /\): (.+)$/.exec(unreachable(url, request, Object.assign(new Error('a\n b'), { code })).message)?.[1] ?? '';
  expect(
    Object.fromEntries(
      [
        'EAI_AGAIN',
        'ETIMEDOUT',
        'UND_ERR_CONNECT_TIMEOUT',
        'ECONNRESET',
        'CERT_HAS_EXPIRED',
        'CERT_NOT_YET_VALID',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'SELF_SIGNED_CERT_IN_CHAIN',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
        'EPROTO',
      ].map((code) => [code, adviceFor(code)]),
    ),
  ).toMatchInlineSnapshot(`
    {
      "CERT_HAS_EXPIRED": "its certificate has expired and must be renewed on the server",
      "CERT_NOT_YET_VALID": "its certificate is not valid yet: check the clock of this machine",
      "DEPTH_ZERO_SELF_SIGNED_CERT": "its certificate is not trusted here: set CA_FILE to the file of its CA certificate",
      "EAI_AGAIN": "no name server answers: check the network and its DNS",
      "ECONNRESET": "check the network, and that the server runs",
      "EPROTO": "the server does not use TLS on this port: check the port, and http:// or https://, in the URL",
      "ERR_TLS_CERT_ALTNAME_INVALID": "its certificate is for another name: use that name in the URL",
      "ETIMEDOUT": "check the network: a firewall may block the connection, or HTTPS_PROXY may be missing",
      "SELF_SIGNED_CERT_IN_CHAIN": "its certificate is not trusted here: set CA_FILE to the file of its CA certificate",
      "UNABLE_TO_GET_ISSUER_CERT_LOCALLY": "its certificate is not trusted here: set CA_FILE to the file of its CA certificate",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE": "its certificate is not trusted here: set CA_FILE to the file of its CA certificate",
      "UND_ERR_CONNECT_TIMEOUT": "check the network: a firewall may block the connection, or HTTPS_PROXY may be missing",
    }
  `);
});
