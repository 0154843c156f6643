import { beforeEach, describe, expect, test } from 'vitest';
import { createRateLimit } from '../../fake-gitlab/rate-limit.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;
let at: number;

beforeEach(() => {
  gitlab = createAsking();
  at = Date.parse('2026-11-23T08:00:15Z');
  gitlab.project.git.commit('main', { title: 'a' });
});

const now = () => at;
const limitHeaders = (headers: Headers) => [...headers.keys()].filter((name) => name.startsWith('ratelimit-') || name === 'retry-after');

describe('a limit of requests', () => {
  test('counts GraphQL and REST together, in fixed minutes', async () => {
    gitlab.fake.rateLimit = createRateLimit({ requests: 2, headers: 'all', now });
    expect((await gitlab.fields('id')).status).toBe(200);
    expect((await gitlab.rest('releases')).status).toBe(200);
    const refused = await gitlab.fields('id');
    expect(refused).toMatchObject({ status: 429, body: 'Retry later\n' });
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'content-type': 'text/plain',
      'retry-after': '45',
      'ratelimit-limit': '2',
      'ratelimit-observed': '3',
      'ratelimit-remaining': '0',
      'ratelimit-reset': String(Date.parse('2026-11-23T08:01:00Z') / 1000),
      'ratelimit-name': 'throttle_authenticated_api',
      'ratelimit-resettime': 'Mon, 23 Nov 2026 08:01:00 GMT',
    });
    at = Date.parse('2026-11-23T08:01:00Z');
    expect((await gitlab.fields('id')).status).toBe(200);
  });

  test('may say how long to wait and no more, or nothing', async () => {
    gitlab.fake.rateLimit = createRateLimit({ requests: 0, headers: 'retry-after', now });
    expect(limitHeaders((await gitlab.fields('id')).headers)).toEqual(['retry-after']);
    gitlab.fake.rateLimit = createRateLimit({ requests: 0, headers: 'none', now });
    const refused = await gitlab.fields('id');
    expect(refused.status).toBe(429);
    expect(limitHeaders(refused.headers)).toEqual([]);
  });

  test('is on other answers as well or not, and never on lists of commits', async () => {
    expect(limitHeaders((await gitlab.fields('id')).headers)).toEqual([]);
    gitlab.fake.rateLimit = createRateLimit({ requests: 2000, headers: 'all', isAnnounced: true, now });
    const { headers } = await gitlab.fields('id');
    expect([headers.get('ratelimit-limit'), headers.get('ratelimit-remaining'), headers.get('ratelimit-name')]).toEqual([
      '2000',
      '1999',
      null,
    ]);
    expect(limitHeaders((await gitlab.rest('repository/commits')).headers)).toEqual([]);
    expect(limitHeaders((await gitlab.rest('releases')).headers)).toHaveLength(4);
  });
});
