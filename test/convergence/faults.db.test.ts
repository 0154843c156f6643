import { expect, test } from 'vitest';
import { createFaults } from './faults.ts';
import { createTestClock } from '../support/clock.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from '../operations/fixture.ts';
import { converge } from './convergence.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';
import { runSeed, seedsOf } from './seeds.ts';

const maxAttempts = 3;
const faultyPart = 0.1;

describeDatabases('whatever changes while a tenth of all requests fails', (kind) => {
  const given = useSync(kind);

  test.each(seedsOf(2))('the table ends as the world is (seed %i)', async (seed) => {
    const random = createRandom(seed);
    given.enter(randomWorld(random));
    const { world, fake, database, connectionId, token } = given;
    const faults = createFaults({ world, fake, random }, faultyPart);
    const clock = createTestClock(random.next);
    const config = { token, url: fakeUrl, maxAttempts, requestTimeout: 1 };
    const setting = { world, fake, database, connectionId, random, config, faults, clock };
    expect(await runSeed(seed, kind, (journal) => converge(setting, journal))).toBeGreaterThan(0);
    expect(faults.longestRun()).toBeLessThanOrEqual(maxAttempts);
    expect(faults.counts.size).toBeGreaterThan(0);
  });
});
