import type { Failure, Poison } from '../../fake-gitlab/world/poison.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { hours, minutes, seconds } from '../../fake-gitlab/world/time.ts';
import type { World } from '../../fake-gitlab/world/world.ts';
import type { Random } from './random.ts';

/** What a world can do to its readers beside changing. */
export const unkindnesses = ['poison', 'clocks', 'rights', 'restore', 'git', 'settings'] as const;

export type Unkindness = (typeof unkindnesses)[number];

/** What the seeds have in turn. A restore is a kind of its own: with clocks that are wrong as well it is not always noticed (decision 8). */
const inTurn: ReadonlyArray<readonly Unkindness[]> = [[], ['poison'], ['restore'], ['settings', 'clocks', 'rights', 'git']];

/** What a seed has, or what a run is told to have: `CONVERGENCE_UNKIND=poison,clocks`, `none`. Throws for any other name. */
export function chosenUnkindnesses(seed: number, text = process.env.CONVERGENCE_UNKIND ?? ''): readonly Unkindness[] {
  if (text === '') return inTurn[seed % inTurn.length] ?? [];
  if (text === 'none') return [];
  return text
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const known = unkindnesses.find((one) => one === name);
      if (known === undefined) throw new Error(`CONVERGENCE_UNKIND knows ${unkindnesses.join(', ')}, and not "${name}"`);
      return known;
    });
}

/** The unkindness of one run. */
export interface Unkind {
  /** Something unkind happens, perhaps. Returns what. */
  readonly happen: () => string[];
  /** Settings of the next passes, in place of those of the run. */
  readonly settings: () => Readonly<Record<string, unknown>>;
  /** Clocks are right again, rights and settings are back. Poisoned objects stay poisoned. */
  readonly settle: () => void;
  /** Whether the world went back to a backup at some time. */
  readonly wasRestored: () => boolean;
  /** Takes the poison away. False: there was none. What GitLab has no more stays poisoned. */
  readonly heal: () => boolean;
  /** Whether an event is of an object that is poisoned. */
  readonly isPoisoned: (projectId: number, eventPath: string, eventId: string) => boolean;
}

interface Poisoned {
  readonly projectId: number;
  readonly isOf: (eventPath: string, eventId: string) => boolean;
  /** Whether GitLab still has the object. */
  readonly isThere: () => boolean;
}

/** Draws no number where nothing is chosen: the seeds of a kind run stay what they were. */
export function createUnkind(chosen: readonly Unkindness[], world: World, random: Random): Unkind {
  const poisoned: Poisoned[] = [];
  let restore: (() => void) | null = null;
  let wasRestored = false;
  let settings: Readonly<Record<string, unknown>> = {};
  const happenings: Readonly<Record<Unkindness, () => string | null>> = {
    poison: () => poisonSomething(world, random, poisoned),
    clocks: () => setClocks(world, random),
    rights: () => changeRights(world, random),
    restore: () => {
      if (restore && random.chance(0.5)) {
        restore();
        restore = null;
        wasRestored = true;
        return 'restored from the backup';
      }
      restore ??= world.snapshot();
      return 'a backup, or none as there was one';
    },
    git: () => {
      const { git, fullPath } = random.pick(world.projects);
      const old = git.log('refs/heads/main')?.at(-1);
      if (!old) return null;
      git.tag('main', old.sha);
      return `${fullPath}: a tag named main`;
    },
    settings: () => {
      settings = random.pick(otherSettings)(random.pick(world.projects));
      return `settings ${JSON.stringify(settings)}`;
    },
  };
  return {
    happen: () => chosen.flatMap((name) => (random.chance(0.6) ? (happenings[name]() ?? []) : [])),
    settings: () => settings,
    settle: () => {
      settings = {};
      if (chosen.includes('clocks')) Object.assign(world, { dateAhead: 0, sendsDate: true });
      if (chosen.includes('rights')) {
        world.expiredSessions.clear();
        for (const project of world.projects) project.role = 'reporter';
      }
    },
    wasRestored: () => wasRestored,
    heal: () => {
      world.poisons.clear();
      const healed = poisoned.splice(0);
      // What GitLab lost while it was poisoned, nobody can read any more.
      poisoned.push(...healed.filter(({ isThere }) => !isThere()));
      return healed.length > 0;
    },
    isPoisoned: (projectId, eventPath, eventId) => poisoned.some((one) => one.projectId === projectId && one.isOf(eventPath, eventId)),
  };
}

/** Settings that leave out something of what a run reads, or read more. */
const otherSettings: ReadonlyArray<(project: FakeProject) => Readonly<Record<string, unknown>>> = [
  () => ({}),
  () => ({ branches: 'develop' }),
  () => ({ branches: 'main, develop' }),
  () => ({ branches: '' }),
  ({ id }) => ({ repos: String(id) }),
  () => ({ tagLimit: 2 }),
];

const failures: readonly Failure[] = ['null-node', 'null-field', 'timeout', 'error-500', '502-html', 'statement-timeout-503', 'cut-off'];

interface Target {
  readonly poison: Omit<Poison, 'how'>;
  readonly isOf: Poisoned['isOf'];
}

/** Objects of a project that can be poisoned, each with the events that are its own. */
function targets(project: FakeProject): Target[] {
  const { id: projectId } = project;
  const event = (kind: string, key: string | number) => (path: string, id: string) => id === `${kind}-${path}-${key}`;
  return [
    ...project.mergeRequests.map(({ iid }) => ({ poison: { type: 'mergeRequest', projectId, iid } as const, isOf: event('mr', iid) })),
    ...project.pipelines.map(({ id }) => ({ poison: { type: 'pipeline', projectId, id } as const, isOf: event('pipeline', id) })),
    ...project.pipelines.flatMap(({ id, jobs }) =>
      jobs.map((job) => ({ poison: { type: 'job', projectId, id: job.id } as const, isOf: event('pipeline', id) })),
    ),
    ...project.releases.map(({ tag }) => ({ poison: { type: 'release', projectId, name: tag } as const, isOf: event('release', tag) })),
    ...project.deployments.rows.map(({ iid }) => ({
      poison: { type: 'deployment', projectId, iid } as const,
      isOf: event('deployment', iid),
    })),
    ...[...project.git.commits.keys()].map((sha) => ({
      poison: { type: 'commit', projectId, name: sha } as const,
      isOf: event('commit', sha),
    })),
    ...project.imageRepositories.flatMap(({ tags }) =>
      [...tags.keys()].map((name) => ({
        poison: { type: 'tag', projectId, name } as const,
        isOf: (path: string, id: string) => id.startsWith(`registry-${path.toLowerCase()}`) && id.includes(`-${name}-sha256:`),
      })),
    ),
  ];
}

function poisonSomething(world: World, random: Random, poisoned: Poisoned[]): string | null {
  const project = random.pick(world.projects);
  const [all, how] = [targets(project), random.pick(failures)];
  if (all.length === 0) return null;
  // A type first, as commits are many and releases few.
  const type = random.pick([...new Set(all.map(({ poison }) => poison.type))]);
  const { poison, isOf } = random.pick(all.filter((target) => target.poison.type === type));
  world.poisons.add({ ...poison, how });
  const key = JSON.stringify(poison);
  const isThere = () => targets(project).some((target) => JSON.stringify(target.poison) === key);
  poisoned.push({ projectId: project.id, isOf, isThere });
  return `${project.fullPath}: ${how} of ${JSON.stringify(poison)}`;
}

function setClocks(world: World, random: Random): string {
  world.dateAhead = random.pick([0, minutes(5), -minutes(5), hours(3), -hours(3)]);
  world.sendsDate = random.chance(0.8);
  // Decision 8: a worker that is more than the overlap ahead is bounded by Date, so Date is then not wrong in the same direction.
  const isBounded = world.sendsDate && world.dateAhead <= 0;
  world.workerAhead = random.pick([0, seconds(45), isBounded ? minutes(4) : seconds(30)]);
  return `Date ${world.sendsDate ? `${world.dateAhead / 1e6} s ahead` : 'absent'}, workers ${world.workerAhead / 1e6} s ahead`;
}

function changeRights(world: World, random: Random): string {
  if (random.chance(0.2)) {
    world.expiredSessions.add('acme');
    return 'the SAML session of acme is over';
  }
  world.expiredSessions.clear();
  const project = random.pick(world.projects);
  project.role = random.pick(['none', 'guest', 'reporter'] as const);
  return `${project.fullPath}: the token is ${project.role}`;
}
