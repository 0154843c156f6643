import { createHash } from 'node:crypto';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakeFile } from '../../fake-gitlab/world/records.ts';
import { hours, minutes, restTime, seconds } from '../../fake-gitlab/world/time.ts';
import { World } from '../../fake-gitlab/world/world.ts';

/** The size of a generated GitLab. */
export interface WorldSize {
  readonly projects: number;
  /** Of each project. */
  readonly mergeRequests: number;
  readonly pipelines: number;
  readonly releases: number;
  /** On `main`; also of each project. */
  readonly commits: number;
  /** Every so many projects one has a container registry. */
  readonly registryEvery: number;
  /** Of each project with a registry. */
  readonly repositories: number;
  /** Of each container repository. */
  readonly tags: number;
}

const people = ['ada', 'grace', 'linus', 'margaret', 'barbara', 'edsger', 'donald', 'frances'];
const labels = ['backend', 'frontend', 'bug', 'feature', 'security', 'documentation'];

/** One of a list, the same at every call. */
const pick = (list: readonly string[], index: number) => list[index % list.length] ?? '';

/** A GitLab of this size: the same at every call. Its last change is an hour old. */
export function createBenchWorld(size: WorldSize): World {
  const world = new World('2024-01-01T00:00:00Z');
  for (let index = 0; index < size.projects; index++) {
    const project = world.addProject(`acme/team-${index % 20}/service-${index}`);
    for (let commit = 0; commit < size.commits; commit++) addCommit(world, project, commit);
    addMergeRequests(world, project, size.mergeRequests);
    addPipelines(world, project, size.pipelines);
    for (let release = 0; release < size.releases; release++) addRelease(world, project, release);
    if (index % size.registryEvery !== 0) continue;
    for (let place = 0; place < size.repositories; place++) addRepository(world, project, { name: `image-${place}`, tags: size.tags });
  }
  world.pass(hours(1));
  return world;
}

function addCommit(world: World, project: FakeProject, index: number): void {
  world.pass(seconds(20));
  project.git.commit('main', { title: `Change ${index} of ${project.fullPath}`, body: 'Why it is needed, and how it was tested.' });
}

function addMergeRequests(world: World, project: FakeProject, count: number): void {
  for (let index = 0; index < count; index++) {
    world.pass(seconds(40));
    const isMerged = index % 5 !== 0;
    const sha = createHash('sha1').update(`${project.id} ${index}`).digest('hex');
    project.openMergeRequest({
      title: `Change ${index} of ${project.fullPath}`,
      description: `Why change ${index} is needed, what it does, and how it was tested. ${'It was reviewed in two rounds. '.repeat(8)}`,
      author: pick(people, index),
      labels: [pick(labels, index), pick(labels, index + 2)],
      approvedBy: [pick(people, index + 1)],
      files: filesOf(index),
      notes: index % 9,
      ...(isMerged ? { state: 'merged', mergedAt: world.now, mergeUser: pick(people, index + 2), mergeCommitSha: sha } : {}),
    });
  }
}

const filesOf = (index: number): FakeFile[] =>
  Array.from({ length: 3 }, (_, place) => ({ path: `src/module-${index % 40}/file-${place}.ts`, additions: 3 + place, deletions: place }));

/** Pipelines of the branch that is read, of the commits of the merge requests in turn; every fifth one fails. */
function addPipelines(world: World, project: FakeProject, count: number): void {
  const { mergeRequests } = project;
  for (let index = 0; index < count; index++) {
    world.pass(seconds(10));
    const mergeRequest = mergeRequests[index % Math.max(1, mergeRequests.length)];
    const pipeline = project.startPipeline({
      ref: 'main',
      ...(mergeRequest ? { sha: mergeRequest.headSha } : {}),
      source: 'push',
      user: pick(people, index),
      jobs: [{ name: 'unit' }, { name: 'integration' }],
    });
    world.pass(seconds(5));
    project.finishPipeline(pipeline, index % 5 === 0 ? 'FAILED' : 'SUCCESS', ['integration']);
  }
}

function addRelease(world: World, project: FakeProject, index: number): void {
  world.pass(minutes(10));
  project.createRelease({
    tag: `v1.${index}.0`,
    name: `Release 1.${index}`,
    links: [{ name: `service-${index}.tar.gz`, url: `https://example.com/service-${index}.tar.gz` }],
  });
}

function addRepository(world: World, project: FakeProject, { name, tags }: { readonly name: string; readonly tags: number }): void {
  const repository = project.addImageRepository(name);
  for (let index = 0; index < tags; index++) {
    world.pass(seconds(1));
    project.pushTag(repository, `1.${index}.0`);
  }
}

/** Changes a merge request, starts a pipeline, commits and pushes an image in so many projects, spread over all. */
export function changeProjects(world: World, count: number): void {
  const step = Math.max(1, Math.floor(world.projects.length / Math.max(1, count)));
  for (let changed = 0; changed < count; changed++) {
    const project = world.projects[changed * step];
    const mergeRequest = project?.mergeRequests[0];
    if (!project || !mergeRequest) continue;
    world.pass(seconds(1));
    project.editMergeRequest(mergeRequest, { title: `${mergeRequest.title}, again` });
    project.startPipeline({ ref: 'main', source: 'push' });
    project.git.commit('main', { title: 'One more' });
    const [repository] = project.imageRepositories;
    if (repository) project.pushTag(repository, '2.0.0');
  }
}

/** Every row of a world by its event id, with the time of its last change as REST gives it. */
export function rowsOf(world: World): Map<string, string> {
  return new Map(
    world.projects.flatMap(({ fullPath, git, mergeRequests, pipelines, releases, imageRepositories }) => [
      ...(git.log('main') ?? []).map(({ sha }): [string, string] => [`commit-${fullPath}-${sha}`, '']),
      ...mergeRequests.map(({ iid, updatedAt }): [string, string] => [`mr-${fullPath}-${iid}`, restTime(updatedAt)]),
      ...pipelines.map(({ id, updatedAt }): [string, string] => [`pipeline-${fullPath}-${id}`, restTime(updatedAt)]),
      ...releases.map(({ tag, createdAt }): [string, string] => [`release-${fullPath}-${tag}`, restTime(createdAt)]),
      ...imageRepositories.flatMap(({ path, tags }) =>
        [...tags].map(([name, { digest }]): [string, string] => [`registry-${path}-${name}-${digest}`, '']),
      ),
    ]),
  );
}
