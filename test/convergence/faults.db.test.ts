import { expect, test } from 'vitest';
import { createHosts } from '../../src/gitlab/hosts.ts';
import { createFaults } from '../fake-gitlab/faults.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from '../sync/fixture.ts';
import { converge } from './convergence.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';
import { runSeed, seedsOf } from './seeds.ts';

const maxAttempts = 3;
const faultyPart = 0.1;

/** Time that passes at once: what waits an hour is there. */
function eagerClock(random: () => number) {
  let waited = 0;
  return {
    now: () => performance.now() + waited,
    sleep: (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      waited += ms;
      return new Promise<void>((resolve) => setImmediate(resolve));
    },
    random,
  };
}

describeDatabases('whatever changes while a tenth of all requests fails', (kind) => {
  const given = useSync(kind);

  test.each(seedsOf(4))('the table ends as the world is (seed %i)', async (seed) => {
    const random = createRandom(seed);
    given.enter(randomWorld(random));
    const { world, fake, database, connectionId, token } = given;
    const faults = createFaults({ world, fake, random }, faultyPart);
    const hosts = createHosts({ clock: eagerClock(random.next) });
    const config = { token, url: fakeUrl, maxAttempts, requestTimeout: 1 };
    const setting = { world, fake, database, connectionId, random, config, faults, hosts };
    expect(await runSeed(seed, kind, (journal) => converge(setting, journal))).toBeGreaterThan(0);
    expect(faults.longestRun()).toBeLessThanOrEqual(maxAttempts);
    expect(faults.counts.size).toBeGreaterThan(0);
  });
});
