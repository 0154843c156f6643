import { expect, test } from 'vitest';
import { describeDatabases } from '../support/databases.ts';
import { createTestClock } from '../support/clock.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from '../operations/fixture.ts';
import { converge } from './convergence.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';
import { chosenUnkindnesses } from './unkindness.ts';
import { runSeed, seedsOf } from './seeds.ts';

describeDatabases('whatever changes while passes run and are killed', (kind) => {
  const given = useSync(kind);

  test.each(seedsOf(4))('the table ends as the world is (seed %i)', async (seed) => {
    const random = createRandom(seed);
    given.enter(randomWorld(random));
    const { world, fake, database, connectionId, token } = given;
    const setting = {
      world,
      fake,
      database,
      connectionId,
      random,
      config: { token, url: fakeUrl },
      unkind: chosenUnkindnesses(seed),
      clock: createTestClock(),
    };
    expect(await runSeed(seed, kind, (journal) => converge(setting, journal))).toBeGreaterThan(0);
  });
});
