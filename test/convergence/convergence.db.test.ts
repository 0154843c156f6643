import { expect, test } from 'vitest';
import { messageOf } from '../../src/errors.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from '../sync/fixture.ts';
import { converge } from './convergence.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';

// A few in every run of the suite; `npm run test:convergence` is the long one.
const first = Number(process.env.CONVERGENCE_FIRST_SEED ?? 1);
const count = Number(process.env.CONVERGENCE_SEEDS ?? 10);
const seeds = Array.from({ length: count }, (_, index) => first + index);

describeDatabases('whatever changes while passes run and are killed', (kind) => {
  const given = useSync(kind);

  test.each(seeds)('the table ends as the world is (seed %i)', async (seed) => {
    const random = createRandom(seed);
    const journal: string[] = [];
    given.enter(randomWorld(random));
    const { world, fake, database, connectionId, token } = given;
    try {
      const compared = await converge({ world, fake, database, connectionId, random, config: { token, url: fakeUrl } }, journal);
      expect(compared).toBeGreaterThan(0);
    } catch (error) {
      const repeat = `CONVERGENCE_FIRST_SEED=${seed} CONVERGENCE_SEEDS=1 npm run test:convergence -- -t ${kind}`;
      throw new Error(`${messageOf(error)}\n\nThe same run again: ${repeat}\n\n${journal.join('\n')}\n`, { cause: error });
    }
  });
});
