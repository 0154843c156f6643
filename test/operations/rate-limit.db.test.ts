import { describe, expect, test } from 'vitest';
import { createRateLimit } from '../../fake-gitlab/rate-limit.ts';
import type { RateLimitOptions } from '../../fake-gitlab/rate-limit.ts';
import { createHostStates } from '../../src/index.ts';
import { createTestClock } from '../support/clock.ts';
import { fetchFrom } from '../support/fake.ts';
import { useSync } from './fixture.ts';

const given = useSync('postgres');
const projects = 100;
const roundTripMs = 200;

/** A pass of some 210 requests over a GitLab that limits their rate. */
async function passUnder(limit: Pick<RateLimitOptions, 'requests' | 'headers'>) {
  for (let i = 0; i < projects; i++) given.world.addProject(`acme/p${i}`).git.commit('main', { title: 'Start', authorName: 'Ada' });
  const clock = createTestClock();
  const rateLimit = createRateLimit({ ...limit, now: () => Date.UTC(2026, 10, 23) + clock.now() });
  given.fake.rateLimit = rateLimit;
  given.fake.intercept = async () => {
    await clock.sleep(roundTripMs);
    return undefined;
  };
  const options = { fetch: fetchFrom(given.fake), hostStates: createHostStates({ clock }) };
  const result = await given.run({ branches: 'main', projectLimit: 0 }, options);
  const { allowed, refused } = rateLimit.counts;
  return { result, share: refused / (allowed + refused), minutes: clock.now() / 60_000 };
}

describe('a limit of 60 requests a minute', () => {
  test.each(['none', 'retry-after', 'all'] as const)(
    'that says of itself: %s, refuses few requests, and the pass ends whole',
    async (headers) => {
      const { result, share, minutes } = await passUnder({ requests: 60, headers });
      expect(result).toMatchObject({ problems: [], stored: projects });
      expect(share).toBeLessThanOrEqual(0.2);
      // They need four windows.
      expect(minutes).toBeLessThan(8);
    },
  );
});
