import { expect, test } from 'vitest';
import { World } from '../../fake-gitlab/world/world.ts';
import { notEmpty } from '../support/not-empty.ts';
import { createRandom } from './random.ts';
import { randomWorld } from './random-change.ts';
import { chosenUnkindnesses, createUnkind, unkindnesses } from './unkindness.ts';

test('differs from seed to seed, and is what a run is told where it is told', () => {
  expect([4, 5, 6, 7, 8].map((seed) => chosenUnkindnesses(seed, ''))).toEqual([
    [],
    ['poison'],
    ['restore'],
    ['settings', 'clocks', 'rights', 'git'],
    [],
  ]);
  expect(chosenUnkindnesses(4, 'none')).toEqual([]);
  expect(chosenUnkindnesses(4, 'clocks,poison')).toEqual(['clocks', 'poison']);
  expect(() => chosenUnkindnesses(4, 'clock')).toThrow(
    'CONVERGENCE_UNKIND knows poison, clocks, rights, restore, git, settings, and not "clock"',
  );
});

test('draws no number where none is chosen: a seed stays what it was', () => {
  const [random, other] = [createRandom(1), createRandom(1)];
  const unkind = createUnkind([], randomWorld(random), random);
  randomWorld(other);
  expect(unkind.happen()).toEqual([]);
  unkind.settle();
  expect(unkind.heal()).toBe(false);
  expect(random.next()).toBe(other.next());
});

test.each(notEmpty(unkindnesses))('%s happens, and is over when the world rests', (name) => {
  const random = createRandom(7);
  const world = randomWorld(random);
  const unkind = createUnkind([name], world, random);
  const lines = Array.from({ length: 20 }, () => unkind.happen()).flat();
  expect(new Set(lines).size).toBeGreaterThan(1);
  unkind.settle();
  expect(world.poisons.isEmpty).toBe(name !== 'poison');
  expect(unkind.heal()).toBe(name === 'poison');
  expect(unkind.settings()).toEqual({});
  expect(world).toMatchObject({ dateAhead: 0, sendsDate: true });
  expect(world.poisons.isEmpty).toBe(true);
  expect(world.visibleProjects).toEqual(world.projects);
});

test('an event of a poisoned object is told from the others', () => {
  const world = new World();
  const project = world.addProject('acme/shop');
  for (let count = 0; count < 20; count++) project.openMergeRequest({ title: `${count}` });
  const unkind = createUnkind(['poison'], world, createRandom(3));
  while (unkind.happen().length === 0);
  const poisoned = project.mergeRequests.filter(({ iid }) => unkind.isPoisoned(project.id, 'old/path', `mr-old/path-${iid}`));
  expect(poisoned).toHaveLength(1);
  expect(unkind.isPoisoned(project.id + 1, 'old/path', `mr-old/path-${poisoned[0]?.iid}`)).toBe(false);
});
