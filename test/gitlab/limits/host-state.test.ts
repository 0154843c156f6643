import { describe, expect, test } from 'vitest';
import { RateLimitedError } from '../../../src/errors.ts';
import { createHostStates } from '../../../src/gitlab/limits/host-state.ts';
import type { HostState } from '../../../src/gitlab/limits/host-state.ts';
import { createTestClock } from '../../support/clock.ts';

const url = 'https://gitlab.example.com';
const free = { concurrency: 100, maxRequestsPerMinute: 0, operation: 'Test' };
/** A server whose clock is years away from ours. */
const serverTime = Date.UTC(2031, 0, 1, 12, 0, 0);
const rateHeaders = (headers: Record<string, string | number>) =>
  new Headers({ date: new Date(serverTime).toUTCString(), ...Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)])) });

/** One request that is answered at once with these headers; resolves to when it was sent, in milliseconds. */
async function ask(
  host: HostState,
  answer: Headers = new Headers(),
  { status = 200, ...limits }: Partial<typeof free> & { signal?: AbortSignal; status?: number } = {},
) {
  const leave = await host.enter({ ...free, ...limits });
  const sentAt = host.clock.now();
  host.observe({ status, headers: answer });
  leave();
  return sentAt;
}

const newHost = () => createHostStates({ clock: createTestClock() }).at(url);
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

describe('the host state of a GitLab', () => {
  test('belongs to an origin and a base path, however the URL is written, and is shared by all clients', () => {
    const hosts = createHostStates();
    const host = hosts.at('https://gitlab.example.com/git');
    expect(hosts.at('https://GitLab.example.com:443/git/')).toBe(host);
    for (const other of ['https://gitlab.example.com', 'https://gitlab.example.com/other', 'http://gitlab.example.com/git'])
      expect(hosts.at(other)).not.toBe(host);
    expect(createHostStates().at('https://gitlab.example.com/git')).not.toBe(host);
  });

  test('is deleted when there are very many others and no client uses it', async () => {
    const hosts = createHostStates();
    const [busy, idle] = [hosts.at('https://busy.example.com'), hosts.at('https://idle.example.com')];
    const leave = await busy.enter(free);
    for (let i = 0; i < 1_200; i++) hosts.at(`https://host-${i}.example.com`);
    expect(hosts.at('https://busy.example.com')).toBe(busy);
    expect(hosts.at('https://idle.example.com')).not.toBe(idle);
    leave();
  });

  test('lets as many requests run at once as each client allows, in their order', async () => {
    const host = newHost();
    const order: string[] = [];
    let underWay = 0;
    let most = 0;
    let alone = 0;
    const slow = async (name: string, concurrency: number) => {
      const leave = await host.enter({ ...free, concurrency });
      order.push(name);
      most = Math.max(most, ++underWay);
      if (concurrency === 1) alone = underWay;
      await host.clock.sleep(5);
      underWay--;
      leave();
    };
    await Promise.all([...times(6, (i) => slow(`a${i}`, 3)), slow('alone', 1), ...times(3, (i) => slow(`b${i}`, 3))]);
    expect([most, alone]).toEqual([3, 1]);
    expect(order).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'alone', 'b0', 'b1', 'b2']);
  });

  test('rejects a waiting request that is aborted, with the reason, and runs the others', async () => {
    const host = newHost();
    const leave = await host.enter({ ...free, concurrency: 1 });
    const stop = new AbortController();
    const waiting = [ask(host, undefined, { concurrency: 1, signal: stop.signal }), ask(host, undefined, { concurrency: 1 })];
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(waiting[0]).rejects.toBe(reason);
    await expect(host.enter({ ...free, signal: stop.signal })).rejects.toBe(reason);
    leave();
    await expect(waiting[1]).resolves.toBe(0);
    await expect(ask(host, undefined, { concurrency: 1 })).resolves.toBe(0);
  });
});

describe('the header Retry-After', () => {
  test('pauses all requests to the GitLab until its end', async () => {
    const host = newHost();
    expect(await ask(host, new Headers({ 'retry-after': '17' }))).toBe(0);
    expect(await Promise.all(times(3, () => ask(host)))).toEqual([17_000, 17_000, 17_000]);
    expect(await ask(host)).toBe(17_000);
  });

  test('may be a date, by the clock of the server', async () => {
    const host = newHost();
    await ask(host, rateHeaders({ 'retry-after': new Date(serverTime + 30_000).toUTCString() }));
    expect(await ask(host)).toBe(30_000);
  });

  test('extends a pause that has begun, and the longest pause counts', async () => {
    const host = newHost();
    await ask(host, new Headers({ 'retry-after': '10' }));
    const waiting = ask(host);
    host.observe({ status: 200, headers: new Headers({ 'retry-after': '60' }) });
    host.observe({ status: 200, headers: new Headers({ 'retry-after': '1' }) });
    expect(await waiting).toBe(60_000);
  });

  test('is extended by up to a second at random, so that clients do not return together', async () => {
    const host = createHostStates({ clock: createTestClock(() => 0.5) }).at(url);
    await ask(host, new Headers({ 'retry-after': '10' }));
    expect(await ask(host)).toBe(10_500);
  });

  test('of more than five minutes fails waiting and later requests with the time, and sends nothing', async () => {
    const host = newHost();
    const leave = await host.enter({ ...free, concurrency: 1 });
    const waiting = times(3, () => ask(host, undefined, { concurrency: 1 }).catch((error: unknown) => error));
    host.observe({ status: 200, headers: new Headers({ 'retry-after': '2400' }) });
    leave();
    for (const error of [...(await Promise.all(waiting)), await ask(host).catch((thrown: unknown) => thrown)]) {
      expect(error).toBeInstanceOf(RateLimitedError);
      expect(error).toMatchObject({
        retryAfterMs: 2_400_000,
        message:
          'the rate limit of https://gitlab.example.com allows no request for another 40 min (Test was not sent): run again later, or less often',
      });
    }
    await host.clock.sleep(2_400_000);
    expect(await ask(host)).toBe(2_400_000);
  });

  test.each([
    [10, 10_000],
    [90, 90_000],
  ])('of %i s is the time to wait, although the window ends after 60 s', async (seconds, expected) => {
    const host = newHost();
    const window = { 'ratelimit-limit': 100, 'ratelimit-remaining': 0, 'ratelimit-reset': serverTime / 1000 + 60 };
    const leaves = await Promise.all(times(2, () => host.enter(free)));
    host.observe({ status: 200, headers: rateHeaders(window) });
    host.observe({ status: 429, headers: rateHeaders({ ...window, 'retry-after': seconds }) });
    for (const leave of leaves) leave();
    expect(await ask(host)).toBe(expected);
    expect(await ask(host)).toBe(expected);
  });

  test('of a day counts for an hour at most', async () => {
    const host = newHost();
    await ask(host, new Headers({ 'retry-after': '86400' }));
    await host.clock.sleep(3_600_000);
    expect(await ask(host)).toBe(3_600_000);
  });

  test.each(['', 'soon', '-1', '0'])('without a valid value (%o) causes no pause', async (text) => {
    const host = newHost();
    await ask(host, rateHeaders({ 'retry-after': text }));
    expect(await ask(host)).toBe(0);
  });
});

describe('the headers RateLimit-*', () => {
  const reset = serverTime / 1000 + 60;

  test('do not slow requests down while much is left', async () => {
    const host = newHost();
    await ask(host, rateHeaders({ 'ratelimit-limit': 100, 'ratelimit-remaining': 21, 'ratelimit-reset': reset }));
    expect(await ask(host)).toBe(0);
  });

  test('spread the remaining requests over the remaining time once less than a fifth is left', async () => {
    const host = newHost();
    await ask(host, rateHeaders({ 'ratelimit-limit': 100, 'ratelimit-remaining': 10, 'ratelimit-reset': reset }));
    const sent = await Promise.all(times(12, () => ask(host)));
    expect(sent.slice(0, 10).map(Math.round)).toEqual(times(10, (index) => index * 6_000));
    // The rest belongs to the next window.
    expect(sent.slice(10)).toEqual([60_000, 60_000]);
  });

  test('stop all requests when none is left, until the reset by the clock of the server', async () => {
    const host = newHost();
    await ask(host, rateHeaders({ 'ratelimit-limit': 2000, 'ratelimit-remaining': 0, 'ratelimit-reset': reset }));
    expect(await ask(host)).toBe(60_000);
  });

  test('count requests under way as spent, because the headers may not include them yet', async () => {
    const host = newHost();
    const leaves = await Promise.all(times(5, () => host.enter(free)));
    host.observe({ status: 200, headers: rateHeaders({ 'ratelimit-limit': 100, 'ratelimit-remaining': 4, 'ratelimit-reset': reset }) });
    for (const leave of leaves) leave();
    expect(await ask(host)).toBe(60_000);
  });

  test('are compared with the observed rate when the limit is scaled to a minute', async () => {
    const host = newHost();
    const hour = {
      'ratelimit-limit': 120,
      'ratelimit-observed': 6_200,
      'ratelimit-remaining': 1_000,
      'ratelimit-reset': serverTime / 1000 + 1_800,
    };
    await ask(host, rateHeaders(hour));
    expect((await Promise.all(times(3, () => ask(host)))).map(Math.round)).toEqual([0, 1_800, 3_600]);
  });

  test('fail a request that would wait for more than five minutes, with the time', async () => {
    const host = newHost();
    await ask(host, rateHeaders({ 'ratelimit-limit': 120, 'ratelimit-remaining': 0, 'ratelimit-reset': serverTime / 1000 + 1_800 }));
    await expect(ask(host)).rejects.toMatchObject({ name: 'RateLimitedError', retryAfterMs: 1_800_000 });
  });

  test.each([
    ['no Date', new Headers({ 'ratelimit-limit': '10', 'ratelimit-remaining': '0', 'ratelimit-reset': String(reset) })],
    ['a reset in the past', rateHeaders({ 'ratelimit-limit': 10, 'ratelimit-remaining': 0, 'ratelimit-reset': reset - 100 })],
    ['no figures', rateHeaders({ 'ratelimit-limit': 10, 'ratelimit-remaining': 'none', 'ratelimit-reset': 'soon' })],
  ])('are ignored with %s', async (_, headers) => {
    const host = newHost();
    await ask(host, headers);
    expect(await ask(host)).toBe(0);
  });
});

describe('a 429 without a time to retry', () => {
  const refuse = (host: HostState, headers = new Headers()) => ask(host, headers, { status: 429 });

  test('pauses all requests, then lets requests through at half the rate', async () => {
    const host = newHost();
    await Promise.all(times(119, () => ask(host)));
    expect(await refuse(host)).toBe(0);
    const sent = await Promise.all(times(3, () => ask(host)));
    expect(sent[0]).toBe(15_000);
    // 60 a minute, and some more every second.
    expect(
      sent
        .map((at, index) => at - (sent[index - 1] ?? at))
        .slice(1)
        .every((gap) => gap > 900 && gap < 1_000),
    ).toBe(true);
  });

  test('counts once for all requests that were under way', async () => {
    const host = newHost();
    const leaves = await Promise.all(times(40, () => host.enter(free)));
    for (const leave of leaves) {
      host.observe({ status: 429, headers: new Headers() });
      leave();
    }
    expect(await ask(host)).toBe(15_000);
    // 20 a minute, as if it had been one.
    expect((await ask(host)) - 15_000).toBeGreaterThan(2_800);
    expect(await ask(host)).toBeLessThan(15_000 + 2 * 3_000);
  });

  test('doubles the pause each time, up to a minute, and keeps the rate', async () => {
    const host = newHost();
    await Promise.all(times(119, () => ask(host)));
    const sent = [];
    for (let i = 0; i < 6; i++) sent.push(await refuse(host));
    expect(sent).toEqual([0, 15_000, 45_000, 105_000, 165_000, 225_000]);
    const next = await ask(host);
    expect(next).toBe(285_000);
    expect((await ask(host)) - next).toBeLessThan(1_000);
  });

  test('halves the rate again when a request has passed since', async () => {
    const host = newHost();
    await Promise.all(times(119, () => ask(host)));
    await refuse(host);
    await ask(host);
    for (let i = 0; i < 70; i++) await ask(host);
    await refuse(host);
    const next = await ask(host);
    const gap = (await ask(host)) - next;
    // Half of what was sent in the minute before, which was some 65.
    expect(gap).toBeGreaterThan(1_600);
    expect(gap).toBeLessThan(2_000);
  });

  test('never reduces the rate below 10 a minute, and is forgotten after half an hour', async () => {
    const host = newHost();
    await refuse(host);
    const next = await ask(host);
    expect((await ask(host)) - next).toBeLessThanOrEqual(6_000);
    await host.clock.sleep(30 * 60_000);
    const sent = await Promise.all(times(100, () => ask(host)));
    expect(sent.at(-1)).toBe(sent[0]);
  });

  test('extends the pause by up to a quarter at random', async () => {
    const host = createHostStates({ clock: createTestClock(() => 0.5) }).at(url);
    await refuse(host);
    expect(await ask(host)).toBe(16_875);
  });

  test.each(['', '0', 'soon'])('may have a Retry-After without a valid value (%o)', async (text) => {
    const host = newHost();
    await refuse(host, rateHeaders({ 'retry-after': text }));
    expect(await ask(host)).toBe(15_000);
  });

  test('has a time to retry when RateLimit headers name the end of the window', async () => {
    const host = newHost();
    await refuse(host, rateHeaders({ 'ratelimit-limit': 120, 'ratelimit-remaining': 0, 'ratelimit-reset': serverTime / 1000 + 40 }));
    const sent = await Promise.all(times(30, () => ask(host)));
    expect(sent).toEqual(times(30, () => 40_000));
  });
});

describe('MAX_REQUESTS_PER_MINUTE', () => {
  test('holds in any 60 seconds for all clients together, and is used in full', async () => {
    const host = newHost();
    const sent: number[] = [];
    for (let i = 0; i < 250; i++) {
      if (i % 7 === 0) await host.clock.sleep(1_300);
      sent.push(await ask(host, undefined, { maxRequestsPerMinute: 20 }));
    }
    const most = Math.max(...sent.map((from) => sent.filter((at) => at >= from && at < from + 60_000).length));
    expect(most).toBe(20);
    expect(sent.at(-1)).toBeLessThan(60_000 * (250 / 20));
  });

  test('counts the requests of clients without this limit, and does not slow them down', async () => {
    const host = newHost();
    await Promise.all(times(30, () => ask(host)));
    expect(host.clock.now()).toBe(0);
    expect(await ask(host, undefined, { maxRequestsPerMinute: 20 })).toBe(60_000);
  });
});
