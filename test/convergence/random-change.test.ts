import { expect, test } from 'vitest';
import type { World } from '../../fake-gitlab/world/world.ts';
import { changeNames, randomChange, randomWorld } from './random-change.ts';
import { createRandom } from './random.ts';

/** What a world holds. Functions and private fields are left out; maps are listed. */
const contentOf = (world: World): string =>
  JSON.stringify([world, world.now], (_, value: unknown) => (value instanceof Map || value instanceof Set ? [...value] : value));

function history(seed: number, count: number) {
  const random = createRandom(seed);
  const world = randomWorld(random);
  const changes = Array.from({ length: count }, () => randomChange(world, random));
  return { world, changes };
}

test('numbers are the same for the same seed, from 0 to below 1', () => {
  const numbers = (seed: number) => Array.from({ length: 1_000 }, createRandom(seed).next);
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
  expect(numbers(7).every((value) => value >= 0 && value < 1)).toBe(true);
});

test('a seed gives the same world and the same changes twice', () => {
  const [first, second, other] = [history(3, 500), history(3, 500), history(4, 500)];
  expect(second.changes).toEqual(first.changes);
  expect(contentOf(second.world)).toBe(contentOf(first.world));
  expect(other.changes).not.toEqual(first.changes);
});

test('within 5000 changes there is every kind, in time and late', () => {
  const { changes } = history(1, 5_000);
  const made = (name: string) => changes.some((line) => line.endsWith(`: ${name}`) || line.endsWith(`: ${name}, seen late`));
  expect(changeNames.filter((name) => !made(name))).toEqual([]);
  expect(changes.some((line) => line.endsWith(', seen late'))).toBe(true);
});

test('traced changes are none of those that GitLab leaves no trace of', () => {
  const random = createRandom(1);
  const world = randomWorld(random);
  const changes = Array.from({ length: 1_000 }, () => randomChange(world, random, 'traced'));
  expect(changes.filter((line) => /without a trace|hide|hidden|delete a release/.test(line))).toEqual([]);
});

test('there are 2 to 6 projects at any time, each at a path of its own, and no number is given twice', () => {
  const random = createRandom(5);
  const world = randomWorld(random);
  const owners = new Map<string, object>();
  const givenTwice = new Set<string>();
  for (let count = 0; count < 1_500; count++) {
    randomChange(world, random);
    const paths = world.projects.map(({ fullPath }) => fullPath);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.length).toBeGreaterThanOrEqual(2);
    expect(paths.length).toBeLessThanOrEqual(6);
    for (const { id, mergeRequests, pipelines } of world.projects) {
      for (const row of [...mergeRequests, ...pipelines]) {
        const key = `${id} ${'sourceBranch' in row ? 'merge request' : 'pipeline'} ${row.iid}`;
        if (owners.has(key) && owners.get(key) !== row) givenTwice.add(key);
        owners.set(key, row);
      }
    }
  }
  expect([...givenTwice]).toEqual([]);
});
