import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakeDeployment, FakeMergeRequest, FakePipeline } from '../../fake-gitlab/world/records.ts';
import { days, hours, minutes, seconds } from '../../fake-gitlab/world/time.ts';
import { World } from '../../fake-gitlab/world/world.ts';
import type { Random } from './random.ts';

/** What a change may touch. */
interface Place {
  readonly world: World;
  readonly project: FakeProject;
  readonly random: Random;
}

/** Makes the change, or returns false where there is nothing to make it to. */
type Change = (place: Place) => unknown;

const words = ['cart', 'checkout', 'login', 'search', 'taxes', 'stock', 'mail', 'export'];
const people = ['ada', 'grace', 'linus', 'barbara', 'edsger', null];
const title = (random: Random) => `${random.pick(['Add', 'Fix', 'Drop', 'Speed up'])} the ${random.pick(words)} ${random.below(1000)}`;
const person = (random: Random) => random.pick(people);
const someone = (random: Random) => person(random) ?? 'eve';
const description = (random: Random) => (random.chance(0.2) ? null : `Because of the ${random.pick(words)}`);
const files = (random: Random) =>
  Array.from({ length: random.below(4) }, () => ({
    path: `src/${random.pick(words)}.ts`,
    additions: random.below(90),
    deletions: random.below(9),
  }));
const some = <T>(rows: readonly T[], { random }: Place): T | undefined => (rows.length === 0 ? undefined : random.pick(rows));
/** Changes what is found, or tells that there is nothing. */
const to = <T>(row: T | undefined, change: (row: T) => unknown): boolean => {
  if (row === undefined) return false;
  change(row);
  return true;
};

const openOnes = ({ project }: Place) => project.mergeRequests.filter(({ state }) => state === 'opened');
const edit = (place: Place, change: (row: FakeMergeRequest) => Partial<FakeMergeRequest>) =>
  to(some(place.project.mergeRequests, place), (row) => place.project.editMergeRequest(row, change(row)));

const mergeRequestChanges: Readonly<Record<string, Change>> = {
  'open a merge request': ({ project, random }) =>
    project.openMergeRequest({
      title: title(random),
      author: person(random),
      files: files(random),
      labels: random.chance(0.4) ? [random.pick(words)] : [],
      targetBranch: random.chance(0.8) ? 'main' : 'develop',
      draft: random.chance(0.2),
    }),
  'edit a merge request': (place) =>
    edit(place, () => ({ title: title(place.random), description: description(place.random), draft: place.random.chance(0.3) })),
  'label a merge request': (place) => edit(place, () => ({ labels: [place.random.pick(words), 'labelled'] })),
  'note on a merge request': (place) => edit(place, ({ notes }) => ({ notes: notes + 1 })),
  approve: (place) => to(some(openOnes(place), place), (row) => place.project.approve(row, `user${place.random.below(50)}`)),
  'withdraw an approval': (place) =>
    to(
      some(
        openOnes(place).filter(({ approvedBy }) => approvedBy.length > 0),
        place,
      ),
      (row) => place.project.unapprove(row, row.approvedBy[0] ?? ''),
    ),
  'merge a merge request': (place) =>
    to(some(openOnes(place), place), (row) => place.project.mergeMergeRequest(row, someone(place.random))),
  'close a merge request': (place) => to(some(openOnes(place), place), (row) => place.project.closeMergeRequest(row)),
  'reopen a merge request': (place) =>
    to(
      some(
        place.project.mergeRequests.filter(({ state }) => state === 'closed'),
        place,
      ),
      (row) => place.project.reopenMergeRequest(row),
    ),
  'push to a merge request without a trace': (place) =>
    to(some(openOnes(place), place), (row) => place.project.pushSilently(row, files(place.random))),
  'recompute a merge request without a trace': (place) =>
    to(some(openOnes(place), place), (row) => {
      const mergeStatus = place.random.pick(['CAN_BE_MERGED', 'CANNOT_BE_MERGED', 'CHECKING']);
      place.project.recomputeSilently(row, { mergeStatus, upvotes: row.upvotes + 1 });
    }),
  'hide a merge request': (place) => place.random.chance(0.2) && to(some(openOnes(place), place), (row) => (row.isHidden = true)),
  'show a hidden merge request': (place) =>
    to(
      some(
        place.project.mergeRequests.filter(({ isHidden }) => isHidden),
        place,
      ),
      (row) => (row.isHidden = false),
    ),
  'delete a merge request': (place) => to(some(place.project.mergeRequests, place), (row) => place.project.deleteMergeRequest(row)),
};

const running = ({ project }: Place) => project.pipelines.filter(({ status }) => status === 'RUNNING');
const ended = ({ project }: Place) => project.pipelines.filter(({ status }) => status !== 'RUNNING');

/** Whether a pipeline is the child of one that changed lately, and that is no child itself. GitLab does not change the parent with it. */
const isRecentChild =
  ({ project, world }: Place) =>
  ({ parentId }: FakePipeline) =>
    project.pipelines.some((row) => row.id === parentId && row.parentId === null && world.now - row.updatedAt < hours(3));

/** Whether a pipeline, or one of its children, came with a deployment. */
const hasDeployed = ({ project }: Place, { id }: FakePipeline): boolean =>
  project.deployments.rows.some(({ pipelineId }) => pipelineId === id) ||
  project.pipelines.some((child) => child.parentId === id && project.deployments.rows.some(({ pipelineId }) => pipelineId === child.id));

const pipelineChanges: Readonly<Record<string, Change>> = {
  'start a pipeline': ({ project, random }) =>
    project.startPipeline({
      ref: random.chance(0.8) ? 'main' : 'develop',
      user: person(random),
      source: random.pick(['push', 'schedule', 'web']),
      jobs: Array.from({ length: 1 + random.below(3) }, (_, index) => ({ name: `job-${index}`, isBridge: random.chance(0.1) })),
    }),
  'finish a pipeline': (place) =>
    to(some(running(place), place), (row) =>
      place.project.finishPipeline(row, place.random.pick(['SUCCESS', 'FAILED', 'CANCELED'] as const)),
    ),
  'start a child pipeline': (place) => {
    const recent = place.project.pipelines.filter(
      ({ updatedAt, parentId, status }) => (parentId === null || status === 'RUNNING') && place.world.now - updatedAt < hours(3),
    );
    return to(some(recent, place), (row) => place.project.startChildPipeline(row));
  },
  'start a child of an ended child pipeline without a trace': (place) =>
    to(some(ended(place).filter(isRecentChild(place)), place), (row) => place.project.startChildPipeline(row)),
  'retry a pipeline': (place) =>
    to(
      some(
        ended(place).filter(({ parentId }) => parentId === null),
        place,
      ),
      (row) => place.project.retryPipeline(row),
    ),
  'retry a child pipeline without a trace': (place) =>
    to(some(ended(place).filter(isRecentChild(place)), place), (row) => place.project.retryPipeline(row)),
  'retry a job without a trace': (place) => {
    const recent = ended(place).filter(({ updatedAt }) => place.world.now - updatedAt < hours(3));
    return to(some(recent, place), (row) => place.project.retryJobSilently(row, place.random.pick(['SUCCESS', 'FAILED'] as const)));
  },
  'delete a pipeline': (place) =>
    to(
      some(
        place.project.pipelines.filter((row) => !hasDeployed(place, row)),
        place,
      ),
      (row) => place.project.deletePipeline(row),
    ),
};

const releaseChanges: Readonly<Record<string, Change>> = {
  'create a release': ({ project, random }) => {
    const tag = `v${random.below(9)}.${random.below(9)}.${random.below(9)}`;
    return project.releases.some((row) => row.tag === tag) ? false : project.createRelease({ tag, author: person(random) });
  },
  'edit a release without a trace': (place) =>
    to(some(place.project.releases, place), (row) =>
      place.project.editRelease(row, { name: place.random.chance(0.2) ? '' : title(place.random), description: title(place.random) }),
    ),
  'add an asset to a release without a trace': (place) =>
    to(some(place.project.releases, place), (row) =>
      place.project.addAssetLink(row, { name: `asset-${place.random.below(99)}`, url: 'https://example.com/a' }),
    ),
  'delete a release': (place) => to(some(place.project.releases, place), ({ tag }) => place.project.deleteRelease(tag)),
};

const commitTo = ({ project, random }: Place, branch: string) =>
  project.git.commit(branch, { title: title(random), additions: random.below(99), deletions: random.below(9) });

const gitChanges: Readonly<Record<string, Change>> = {
  commit: (place) => {
    for (let count = 1 + place.random.below(3); count > 0; count--) commitTo(place, 'main');
  },
  'merge a branch of long ago': (place) => {
    const { git } = place.project;
    const base = git.branches.get('main');
    if (!base) return false;
    git.branches.set('old', base);
    for (let count = 1 + place.random.below(3); count > 0; count--)
      git.commit('old', { title: title(place.random), committedAt: place.world.now - days(3 + place.random.below(30)) });
    return git.merge('old', 'main', 'Merge branch old');
  },
  'force-push': (place) => {
    const { git } = place.project;
    const log = git.log('refs/heads/main') ?? [];
    const back = log[place.random.below(Math.min(log.length, 6))];
    if (!back) return false;
    git.reset('main', back.sha);
    if (place.random.chance(0.7)) commitTo(place, 'main');
    git.branches.delete('old');
    if (place.random.chance(0.4)) git.prune();
    return true;
  },
};

const repositoryOf = (place: Place) => some(place.project.imageRepositories, place);
const onTag = (
  place: Place,
  change: (tag: { readonly name: string; readonly repository: FakeProject['imageRepositories'][number] }) => unknown,
) => to(repositoryOf(place), (repository) => to(some([...repository.tags.keys()], place), (name) => change({ name, repository })));

const imageChanges: Readonly<Record<string, Change>> = {
  'push an image': (place) => {
    const { project, random } = place;
    const repository = random.chance(0.7) ? repositoryOf(place) : undefined;
    const name = random.pick([
      (project.git.branches.get('main') ?? 'x').slice(0, 8),
      `v${random.below(9)}.${random.below(9)}.${random.below(9)}`,
      random.pick(['latest', 'prod']),
    ]);
    return project.pushTag(
      repository ?? project.addImageRepository(`image${project.imageRepositories.length + random.below(1000)}`),
      name,
      random.chance(0.2) ? { createdAt: null } : {},
    );
  },
  'move a tag': (place) => onTag(place, ({ name, repository }) => place.project.pushTag(repository, name)),
  'point a tag at the image of another': (place) =>
    onTag(place, ({ name, repository }) =>
      repository.tags.set(name, { ...place.random.pick([...repository.tags.values()]), publishedAt: place.world.now }),
    ),
  'roll a tag back': (place) =>
    to(repositoryOf(place), (repository) => {
      const moved = [...repository.pushes].filter(([, images]) => images.length > 1).map(([name]) => name);
      return to(some(moved, place), (name) => place.project.rollBackTag(repository, name, (images) => place.random.pick(images)));
    }),
  'delete a tag': (place) => onTag(place, ({ name, repository }) => place.project.deleteTag(repository, name)),
  'break a tag': (place) => onTag(place, ({ name, repository }) => Object.assign(repository.tags.get(name) ?? {}, { isBroken: true })),
  'repair a tag': (place) => onTag(place, ({ name, repository }) => Object.assign(repository.tags.get(name) ?? {}, { isBroken: false })),
  'delete an image repository': (place) =>
    place.random.chance(0.3) && to(repositoryOf(place), (repository) => place.project.deleteImageRepository(repository)),
};

const withStatus = ({ project }: Place, ...statuses: ReadonlyArray<FakeDeployment['status']>) =>
  project.deployments.rows.filter(({ status }) => statuses.includes(status));

/** Moves a deployment, and its pipeline with it. Child pipelines are asked for only while they are recent. */
const moveWithPipeline = (place: Place, row: FakeDeployment, status: FakeDeployment['status']) => {
  const pipeline = place.project.pipelines.find(({ id }) => id === row.pipelineId);
  place.project.deployments.move(row, status);
  if (pipeline) place.project.retryPipeline(pipeline);
};

/** Deployments of pipelines that a run reads the changes of. */
const ofBranch = (place: Place, ...statuses: ReadonlyArray<FakeDeployment['status']>) =>
  withStatus(place, ...statuses).filter(({ pipelineId }) => place.project.pipelines.some(({ id }) => id === pipelineId));

const deploymentChanges: Readonly<Record<string, Change>> = {
  'start a deployment': (place) => {
    const { project, random } = place;
    const { deployments } = project;
    const environment =
      some(deployments.environments, place) && random.chance(0.8)
        ? random.pick(deployments.environments)
        : deployments.addEnvironment(`${random.pick(['production', 'staging', 'review'])}/${random.below(1000)}`);
    const shas = project.pipelines.filter(({ ref, parentId }) => ref === 'main' && parentId === null).map(({ sha }) => sha);
    const again = random.chance(0.4) ? some(shas, place) : undefined;
    const pipeline = project.startPipeline({ ref: 'main', user: person(random), ...(again === undefined ? {} : { sha: again }) });
    return deployments.create(environment, { pipeline });
  },
  'run a deployment': (place) => to(some(ofBranch(place, 'CREATED', 'BLOCKED'), place), (row) => moveWithPipeline(place, row, 'RUNNING')),
  'end a deployment': (place) =>
    to(some(ofBranch(place, 'RUNNING'), place), (row) =>
      moveWithPipeline(place, row, place.random.pick(['SUCCESS', 'SUCCESS', 'FAILED', 'CANCELED'] as const)),
    ),
  'block a deployment': (place) => to(some(ofBranch(place, 'CREATED'), place), (row) => moveWithPipeline(place, row, 'BLOCKED')),
  'skip a deployment': (place) => to(some(ofBranch(place, 'CREATED'), place), (row) => moveWithPipeline(place, row, 'SKIPPED')),
  // What has changed in its environment is told by its pipeline alone.
  'delete the pipeline of a deployment without a trace': (place) =>
    to(
      some(
        place.project.pipelines.filter((row) => hasDeployed(place, row)),
        place,
      ),
      (row) => place.project.deletePipeline(row),
    ),
  'deploy without a trace': (place) =>
    to(some(place.project.deployments.environments, place), (environment) =>
      place.project.deployments.deploy(environment, {}, place.random.pick(['SUCCESS', 'FAILED'] as const)),
    ),
  'end a deployment without a trace': (place) =>
    to(some(withStatus(place, 'CREATED', 'RUNNING'), place), (row) =>
      place.project.deployments.move(row, place.random.pick(['SUCCESS', 'FAILED', 'CANCELED'] as const)),
    ),
  'stop an environment without a trace': (place) =>
    to(some(place.project.deployments.environments, place), (environment) => place.project.deployments.stop(environment)),
  'delete an environment without a trace': (place) =>
    place.random.chance(0.3) &&
    to(some(place.project.deployments.environments, place), (environment) => place.project.deployments.remove(environment)),
};

/** A path that no project has. */
function freePath({ world, random }: Pick<Place, 'world' | 'random'>): string {
  const path = `acme/${random.pick(words)}${random.below(10_000)}`;
  return world.projects.some(({ fullPath }) => fullPath === path) ? freePath({ world, random }) : path;
}

const projectChanges: Readonly<Record<string, Change>> = {
  'move a project': (place) => place.project.moveTo(freePath(place)),
  'delete a project': ({ world, project, random }) =>
    world.projects.length > 2 && random.chance(0.3) && (world.deleteProject(project), true),
  'add a project': (place) => place.world.projects.length < 6 && place.world.addProject(freePath(place)),
};

/** Every kind of change, with its weight. */
const weighted: ReadonlyArray<readonly [weight: number, changes: Readonly<Record<string, Change>>]> = [
  [10, mergeRequestChanges],
  [10, pipelineChanges],
  [6, releaseChanges],
  [8, gitChanges],
  [8, imageChanges],
  [8, deploymentChanges],
  [1, projectChanges],
];
const creations = new Set([
  'open a merge request',
  'start a pipeline',
  'create a release',
  'commit',
  'push an image',
  'finish a pipeline',
  'start a deployment',
  'end a deployment',
]);

/** Names of every kind of change. */
export const changeNames: readonly string[] = weighted.flatMap(([, changes]) => Object.keys(changes));

/** Which changes there may be: all, or only those that GitLab leaves a trace of. */
export type Kinds = 'all' | 'traced';

/** Not to be found by asking what changed, or by reading what is new. */
const isTraceless = (name: string) =>
  name.endsWith('without a trace') ||
  name === 'hide a merge request' ||
  name === 'show a hidden merge request' ||
  // GitLab pages releases by position: one that is deleted meanwhile hides another from the walk.
  name === 'delete a release';

/** Makes one change in a world, after some time or none at all, and says which. */
export function randomChange(world: World, random: Random, kinds: Kinds = 'all'): string {
  if (random.chance(0.7)) world.pass(someTime(random));
  for (;;) {
    const project = random.pick(world.projects);
    const [name, change] = pickChange(random);
    if (kinds === 'traced' && isTraceless(name)) continue;
    const path = project.fullPath;
    const place = { world, project, random };
    const isLate = random.chance(0.3);
    const done = isLate ? world.commitLate(seconds(1 + random.below(50)), () => change(place)) : change(place);
    if (done !== false) return `${path}: ${name}${isLate ? ', seen late' : ''}`;
  }
}

const someTime = (random: Random) =>
  random.pick([seconds(random.below(3)), seconds(random.below(3)), seconds(random.below(90)), minutes(random.below(20))]);

function pickChange(random: Random): readonly [string, Change] {
  const sum = weighted.reduce((total, [weight]) => total + weight, 0);
  let left = random.next() * sum;
  const [, changes] = weighted.find(([weight]) => (left -= weight) < 0) ?? weighted[0] ?? [0, {}];
  const names = Object.keys(changes);
  const made = names.filter((name) => creations.has(name));
  const name = made.length > 0 && random.chance(0.4) ? random.pick(made) : random.pick(names);
  return [name, changes[name] as Change];
}

/** A world of three projects with a past. */
export function randomWorld(random: Random): World {
  const world = new World('2026-11-01T08:00:00Z');
  world.hasRegistryMetadata = random.chance(0.5);
  world.unknownRef = random.pick(['not-found', 'empty']);
  world.largestPage = random.pick([100, 3, 1]);
  for (const name of ['shop', 'api', 'web']) world.addProject(`acme/${name}`);
  for (let count = random.below(150); count > 0; count--) randomChange(world, random);
  return world;
}
