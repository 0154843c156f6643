import { expect, test } from 'vitest';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from '../sync/fixture.ts';
import { converge } from './convergence.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';

const first = Number(process.env.CONVERGENCE_FIRST_SEED ?? 1);
const count = Number(process.env.CONVERGENCE_SEEDS ?? 12);
const seeds = Array.from({ length: count }, (_, index) => first + index);

describeDatabases('whatever changes while passes run and are killed', (kind) => {
  const given = useSync(kind);

  test.each(seeds)('the table ends as the world is (seed %i)', async (seed) => {
    const random = createRandom(seed);
    const journal: string[] = [];
    given.enter(randomWorld(random));
    const { world, fake, database, connectionId, token } = given;
    try {
      await converge({ world, fake, database, connectionId, random, config: { token, url: fakeUrl } }, journal);
    } catch (error) {
      const repeat = `CONVERGENCE_FIRST_SEED=${seed} CONVERGENCE_SEEDS=1 npx vitest run test/convergence -t ${kind}`;
      expect.fail(`${(error as Error).stack}\n\nAgain: ${repeat}\n\n${journal.join('\n')}`);
    }
  });
});
