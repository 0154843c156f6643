import { describe, expect, test } from 'vitest';
import type { Failure, Poison } from '../../fake-gitlab/world/poison.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World } from '../../fake-gitlab/world/world.ts';
import { GitlabGapEntity, syncGitlab } from '../../src/index.ts';
import type { HostStates } from '../../src/index.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { addConnection } from '../support/rows.ts';
import { createHostStates } from '../../src/gitlab/limits/host-state.ts';
import { createTestClock } from '../support/clock.ts';
import { describePasses } from '../support/databases.ts';
import { notEmpty } from '../support/not-empty.ts';
import { useSync } from './fixture.ts';

type Target = Omit<Poison, 'how'>;

/** A list, its events, and how one of its rows is named as a target, as an event and as a gap. */
interface List {
  readonly name: string;
  readonly prefix: string;
  readonly rows: (project: FakeProject) => ReadonlyArray<{ readonly target: Target; readonly eventId: string; readonly key: string }>;
}

const lists: readonly List[] = [
  {
    name: 'merge requests',
    prefix: 'mr-',
    rows: ({ id: projectId, fullPath, mergeRequests }) =>
      mergeRequests.map(({ iid }) => ({
        target: { type: 'mergeRequest', projectId, iid },
        eventId: `mr-${fullPath}-${iid}`,
        key: String(iid),
      })),
  },
  {
    name: 'pipelines',
    prefix: 'pipeline-',
    rows: ({ id: projectId, fullPath, pipelines }) =>
      pipelines.map(({ id, iid }) => ({
        target: { type: 'pipeline', projectId, id },
        eventId: `pipeline-${fullPath}-${id}`,
        key: String(iid),
      })),
  },
  {
    name: 'releases',
    prefix: 'release-',
    rows: ({ id: projectId, fullPath, releases }) =>
      releases.map(({ tag }) => ({
        target: { type: 'release', projectId, name: tag },
        eventId: `release-${fullPath}-${tag}`,
        key: tag,
      })),
  },
  {
    name: 'container repositories',
    prefix: 'registry-',
    rows: ({ id: projectId, imageRepositories }) =>
      imageRepositories.map(({ id, path, tags }) => ({
        target: { type: 'containerRepository', projectId, id },
        eventId: `registry-${path}-1.0-${tags.get('1.0')?.digest}`,
        key: String(id),
      })),
  },
  {
    name: 'tags',
    prefix: 'registry-',
    rows: ({ id: projectId, imageRepositories: [repository] }) =>
      [...(repository?.tags ?? [])].map(([tag, { digest }]) => ({
        target: { type: 'tag', projectId, name: tag, id: repository?.id ?? 0 },
        eventId: `registry-${repository?.path}-${tag}-${digest}`,
        key: tag,
      })),
  },
];

const failures: readonly Failure[] = ['null-node', 'timeout', 'error-500', '502-html', 'statement-timeout-503', 'cut-off'];

/** Which of the rows fail, the first created first. */
const places: Readonly<Record<string, (count: number) => number[]>> = {
  'the first': () => [0],
  'the last': (count) => [count - 1],
  'in the middle': (count) => [Math.floor(count / 2)],
  'one of many': (count) => [1, 2, count - 2],
  all: (count) => Array.from({ length: count }, (_, index) => index),
  alone: () => [0],
};

/** How many rows a project has of each list. */
const countOf = (place: string) => (place === 'alone' ? 1 : 5);

/** A project with rows of each list. */
function fill(project: FakeProject, world: World, count = 5): void {
  for (let index = 0; index < count; index++) {
    project.git.commit('main', { title: `Change ${index}` });
    project.openMergeRequest({ title: `Change ${index}` });
    project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: `v${index}` });
    const repository = project.addImageRepository(`image-${index}`);
    project.pushTag(repository, '1.0');
    if (index > 0) project.pushTag(project.imageRepositories[0] ?? repository, `1.${index}`);
    world.pass(minutes(2));
  }
}

interface GapPlace {
  readonly projectId?: number | undefined;
  readonly key: string;
}

const byPlace = (a: GapPlace, b: GapPlace) => Number(a.projectId) - Number(b.projectId) || a.key.localeCompare(b.key);

describePasses('a row that GitLab cannot answer', (kind) => {
  const given = useSync(kind);
  /** Waits between attempts take no time. */
  const sync = (hostStates: HostStates) => given.sync(config, { hostStates });
  const quick = () => createHostStates({ clock: createTestClock() });
  const config = { syncLimit: 'all', branches: 'main', maxAttempts: 2, tagChecks: 0 };

  const gaps = async () =>
    (await given.database.em.fork().find(GitlabGapEntity, { connectionId: given.connectionId })).map(({ projectId, key, tries }) => ({
      projectId,
      key,
      tries,
    }));
  const unread = (problems: ReadonlyArray<{ readonly expected: boolean; readonly since?: string }>) =>
    problems.filter(({ expected, since }) => !expected && since === undefined);

  const cases = lists.flatMap((list) => failures.map((how) => ({ name: list.name, list, how })));

  test.each(notEmpty(cases))('harms only itself, wherever it is in its list: $name, $how', async ({ list, how }) => {
    const projects = Object.keys(places).map((place, index) => {
      const project = given.world.addProject(`acme/p${index}`);
      fill(project, given.world, countOf(place));
      const rows = list.rows(project);
      return { project, rows, bad: places[place]?.(rows.length).flatMap((row) => rows[row] ?? []) ?? [] };
    });
    const bad = projects.flatMap((one) => one.bad);
    expect(projects.map((one) => one.bad.length)).toEqual([1, 1, 1, 3, 5, 1]);
    const cures = bad.map(({ target }) => given.world.poisons.add({ ...target, how }));
    const badIds = new Set(bad.map(({ eventId }) => eventId));
    const absent = async (rows: ReadonlyArray<{ readonly eventId: string }>) => {
      const stored = await given.ids();
      return rows.filter(({ eventId }) => !stored.includes(eventId)).map(({ eventId }) => eventId);
    };
    const ofOtherLists = lists.filter(({ prefix }) => prefix !== list.prefix);
    const others = projects.flatMap(({ project }) => ofOtherLists.flatMap((other) => other.rows(project)));
    const triedOnce = (hasGap: boolean) =>
      hasGap ? bad.map(({ key, target: { projectId } }) => ({ projectId, key, tries: 1 })).toSorted(byPlace) : [];

    const hostStates = quick();
    const report = await sync(hostStates);
    expect(await absent([...projects.flatMap(({ rows }) => rows), ...others])).toEqual([...badIds]);
    const commits = projects.reduce((sum, { project }) => sum + project.git.commits.size, 0);
    expect(await given.ids('commit-')).toHaveLength(commits);
    expect((await gaps()).toSorted(byPlace)).toEqual(triedOnce(true));
    expect(unread(report.problems)).toMatchObject(projects.map(({ project }) => ({ project: project.fullPath, outcome: 'partial' })));

    given.world.pass(minutes(5));
    const second = await sync(hostStates);
    expect(unread(second.problems)).toEqual([]);
    expect(second.problems).toMatchObject(
      projects.map(({ project }) => ({ project: project.fullPath, since: expect.any(String) as unknown })),
    );
    expect((await gaps()).toSorted(byPlace)).toEqual(triedOnce(true));

    for (const cure of cures) cure();
    given.world.pass(minutes(6));
    expect((await sync(hostStates)).problems).toEqual([]);
    expect(await gaps()).toEqual([]);
    expect(await absent(projects.flatMap(({ rows }) => rows))).toEqual([]);
  });

  test.each(failures)('of a commit, lacks its stats only, wherever it is: %s', async (how) => {
    const projects = Object.keys(places).map((place, index) => {
      const project = given.world.addProject(`acme/p${index}`);
      fill(project, given.world, countOf(place));
      const shas = [...project.git.commits.keys()];
      return { project, shas, bad: places[place]?.(shas.length).flatMap((row) => shas[row] ?? []) ?? [] };
    });
    const bad = projects.flatMap((one) => one.bad);
    expect(bad).toHaveLength(12);
    const cures = projects.flatMap(({ project, bad: names }) =>
      names.map((name) => given.world.poisons.add({ type: 'commit', projectId: project.id, name, how })),
    );
    const shas = projects.flatMap((one) => one.shas);
    const withoutStats = async () => {
      const additions = new Map([...(await given.rows()).values()].map(({ metadata }) => [metadata['sha'], metadata['additions']]));
      expect(shas.filter((sha) => !additions.has(sha))).toEqual([]);
      return shas.filter((sha) => additions.get(sha) === null);
    };
    const hostStates = quick();
    const report = await sync(hostStates);
    expect(await withoutStats()).toEqual(bad);
    expect((await gaps()).map(({ key }) => key).toSorted()).toEqual(bad.toSorted());
    expect(unread(report.problems)).toHaveLength(projects.length);
    for (const cure of cures) cure();
    given.world.pass(minutes(11));
    expect((await sync(hostStates)).problems).toEqual([]);
    expect(await gaps()).toEqual([]);
    expect(await withoutStats()).toEqual([]);
  });

  describe('of jobs', () => {
    const failing = ['a', 'b', 'c'].flatMap((letter) => Array.from({ length: 15 }, (_, index) => `${letter}${index}`));

    test.each(notEmpty(failures.flatMap((how) => (how === 'error-500' ? [0, 1, 22, 44] : [0, 44]).map((index) => [how, index] as const))))(
      'leaves the jobs of its pipeline unknown, and nothing else: %s, job %i of 45',
      async (how, index) => {
        const project = given.world.addProject('acme/shop');
        for (let count = 0; count < 3; count++) {
          const pipeline = project.startPipeline({ ref: 'main', jobs: failing.map((name) => ({ name })) });
          project.finishPipeline(pipeline, 'FAILED', failing);
        }
        const [, pipeline] = project.pipelines;
        const bad = `pipeline-acme/shop-${pipeline?.id}`;
        const cure = given.world.poisons.add({ type: 'job', projectId: project.id, id: pipeline?.jobs[index]?.id ?? 0, how });
        const hostStates = quick();
        const { problems } = await sync(hostStates);
        const countOf = async () =>
          Object.fromEntries([...(await given.rows()).values()].map(({ event_id: id, metadata }) => [id, metadata['failed_jobs_count']]));
        const ids = project.pipelines.map(({ id }) => `pipeline-acme/shop-${id}`);
        expect(await countOf()).toEqual(Object.fromEntries(ids.map((id) => [id, id === bad ? null : 45])));
        expect(unread(problems)).toHaveLength(1);
        expect((await gaps()).map(({ key }) => key)).toEqual([String(pipeline?.iid)]);
        cure();
        given.world.pass(minutes(11));
        expect((await sync(hostStates)).problems.filter(({ expected }) => !expected)).toEqual([]);
        expect(await countOf()).toEqual(Object.fromEntries(ids.map((id) => [id, 45])));
        expect(await gaps()).toEqual([]);
      },
    );
  });

  describe('costs few requests', () => {
    /** Requests of passes over 12 projects, one of which has a new row that fails: one that finds it, two without a change, one after a change. */
    const requestsOf = async (target: ((project: FakeProject) => Target) | null, how: Failure) => {
      given.enter(new World());
      const projects = Array.from({ length: 12 }, (_, index) => given.world.addProject(`acme/p${index}`));
      const [project, other, third] = projects;
      if (!project || !other || !third) throw new Error('no project');
      for (const one of projects) {
        one.openMergeRequest({ title: 'First' });
        one.startPipeline({ ref: 'main' });
      }
      given.world.pass(minutes(2));
      const connectionId = await addConnection(given.database.em, fakeUrl);
      const options = { hostStates: quick(), fetch: fetchFrom(given.fake) };
      const pass = async () => {
        // Deployments take a request of their own where pipelines change.
        const streams = 'merge-requests,pipelines,releases,registry-images';
        const read = { token: given.token, url: fakeUrl, repos: ['acme'], maxAttempts: 2, streams };
        const report = await syncGitlab(given.database.em, read, connectionId, options);
        if ('error' in report) throw new Error(report.error);
        given.world.pass(minutes(1));
        return report.requests.graphql + report.requests.rest;
      };
      await pass();
      for (let index = 0; index < 8; index++) {
        project.openMergeRequest({ title: `Change ${index}` });
        project.startPipeline({ ref: 'main' });
      }
      project.createRelease({ tag: 'v1' });
      // Rows that are read within a minute of their change are read once more.
      given.world.pass(minutes(2));
      if (target) given.world.poisons.add({ ...target(project), how });
      const [found, next, still] = [await pass(), await pass(), await pass()];
      for (const one of [other, third]) one.openMergeRequest({ title: 'Elsewhere' });
      // This one reads up to the other changes, and the next one begins behind the row.
      given.world.pass(minutes(2));
      const others = await pass();
      return { found, next, still, others, later: await pass() };
    };

    test.each(['null-node', 'timeout', 'error-500'] as const)('%s', async (how) => {
      const without = await requestsOf(null, how);
      expect(without).toEqual({ found: 1, next: 1, still: 1, others: 1, later: 1 });
      const mergeRequest = await requestsOf(({ id: projectId }) => ({ type: 'mergeRequest', projectId, iid: 4 }), how);
      const pipeline = await requestsOf(
        ({ id: projectId, pipelines }) => ({ type: 'pipeline', projectId, id: pipelines[4]?.id ?? 0 }),
        how,
      );
      const release = await requestsOf(({ id: projectId }) => ({ type: 'release', projectId, name: 'v1' }), how);
      for (const { found, ...passes } of [mergeRequest, pipeline, release]) {
        // Halves of a page find a row on which it fails as a whole. A pipeline may have children, which one more request reads.
        expect(found).toBeLessThanOrEqual(how === 'null-node' ? 6 : 16);
        // The names of the rows in place of the rows; what changed elsewhere is asked for together.
        expect(passes).toEqual({ next: 1, still: 1, others: 2, later: 1 });
      }
    });
  });
});
