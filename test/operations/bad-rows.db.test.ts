import { describe, expect, test } from 'vitest';
import type { Failure, Poison } from '../../fake-gitlab/world/poison.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { World } from '../../fake-gitlab/world/world.ts';
import { GitlabGapEntity } from '../../src/index.ts';
import { syncGitlab } from '../../src/index.ts';
import type { HostStates } from '../../src/index.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { addConnection } from '../support/rows.ts';
import { createHostStates } from '../../src/gitlab/limits/host-state.ts';
import { createTestClock } from '../support/clock.ts';
import { describeDatabases } from '../support/databases.ts';
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
    rows: ({ id: projectId, mergeRequests }) =>
      mergeRequests.map(({ iid }) => ({
        target: { type: 'mergeRequest', projectId, iid },
        eventId: `mr-acme/shop-${iid}`,
        key: String(iid),
      })),
  },
  {
    name: 'pipelines',
    prefix: 'pipeline-',
    rows: ({ id: projectId, pipelines }) =>
      pipelines.map(({ id, iid }) => ({
        target: { type: 'pipeline', projectId, id },
        eventId: `pipeline-acme/shop-${id}`,
        key: String(iid),
      })),
  },
  {
    name: 'releases',
    prefix: 'release-',
    rows: ({ id: projectId, releases }) =>
      releases.map(({ tag }) => ({ target: { type: 'release', projectId, name: tag }, eventId: `release-acme/shop-${tag}`, key: tag })),
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
};

const count = 5;

/** A project with five rows of each list. */
function fill(project: FakeProject, world: World): void {
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

describeDatabases('a row that GitLab cannot answer', (kind) => {
  const given = useSync(kind);
  /** Waits between attempts take no time. */
  const sync = (hostStates: HostStates) => given.sync(config, { hostStates });
  const quick = () => createHostStates({ clock: createTestClock() });
  const config = { syncLimit: 'all', branches: 'main', maxAttempts: 2, tagChecks: 0 };

  const gaps = () => given.database.em.fork().find(GitlabGapEntity, { connectionId: given.connectionId }, { orderBy: { key: 'asc' } });
  const unread = (problems: ReadonlyArray<{ readonly expected: boolean; readonly since?: string }>) =>
    problems.filter(({ expected, since }) => !expected && since === undefined);

  const cases = lists.flatMap((list) =>
    failures.flatMap((how, index) =>
      Object.keys(places)
        // All on one of the databases; what fails is not the database. Of the server errors, which are dealt with alike, one has all places.
        .filter((place, position) =>
          kind === 'postgres'
            ? (index + position) % 8 === 0
            : place === 'in the middle' || !['502-html', 'statement-timeout-503'].includes(how),
        )
        .map((place) => ({ list, how, place, name: list.name })),
    ),
  );

  test.each(notEmpty(cases))('harms only itself: $name, $how, $place', async ({ list, how, place }) => {
    const project = given.world.addProject('acme/shop');
    fill(project, given.world);
    const rows = list.rows(project);
    const bad = places[place]?.(rows.length).flatMap((index) => rows[index] ?? []) ?? [];
    const cures = bad.map(({ target }) => given.world.poisons.add({ ...target, how }));
    const hostStates = quick();
    const report = await sync(hostStates);
    const badIds = new Set(bad.map(({ eventId }) => eventId));
    const stored = await given.ids();
    expect(rows.filter(({ eventId }) => !badIds.has(eventId) && !stored.includes(eventId))).toEqual([]);
    for (const other of lists) {
      if (other.prefix === list.prefix) continue;
      expect(other.rows(project).filter(({ eventId }) => !stored.includes(eventId))).toEqual([]);
    }
    expect(stored.filter((id) => id.startsWith('commit-'))).toHaveLength(count);
    expect((await gaps()).map(({ key, tries }) => ({ key, tries }))).toEqual(
      bad.map(({ key }) => ({ key, tries: 1 })).toSorted((a, b) => a.key.localeCompare(b.key)),
    );
    expect(unread(report.problems)).toMatchObject([{ project: 'acme/shop', outcome: 'partial' }]);
    given.world.pass(minutes(5));
    const second = await sync(hostStates);
    expect(unread(second.problems)).toEqual([]);
    expect(second.problems).toMatchObject([{ project: 'acme/shop', since: expect.any(String) as unknown }]);
    expect((await gaps()).map(({ tries }) => tries)).toEqual(bad.map(() => 1));
    for (const cure of cures) cure();
    given.world.pass(minutes(6));
    expect((await sync(hostStates)).problems).toEqual([]);
    expect(await gaps()).toEqual([]);
    const after = await given.ids();
    expect(rows.filter(({ eventId }) => !after.includes(eventId))).toEqual([]);
  });

  // What fails is not the database.
  if (kind === 'postgres') return;

  describe('of commits', () => {
    const commitCases = failures.flatMap((how) =>
      Object.keys(places)
        .filter((place) => place === 'in the middle' || !['502-html', 'statement-timeout-503'].includes(how))
        .map((place) => [how, place] as const),
    );
    test.each(notEmpty(commitCases))('lacks its stats only: %s, %s', async (how, place) => {
      const project = given.world.addProject('acme/shop');
      fill(project, given.world);
      const shas = [...project.git.commits.keys()];
      const bad = places[place]?.(shas.length).flatMap((index) => shas[index] ?? []) ?? [];
      const cures = bad.map((sha) => given.world.poisons.add({ type: 'commit', projectId: project.id, name: sha, how }));
      const hostStates = quick();
      const report = await sync(hostStates);
      const rows = await given.rows();
      const additions = (sha: string) => rows.get(`commit-acme/shop-${sha}`)?.metadata['additions'];
      expect(shas.map((sha) => additions(sha) === null)).toEqual(shas.map((sha) => bad.includes(sha)));
      expect((await gaps()).map(({ key }) => key)).toEqual(bad.toSorted());
      expect(unread(report.problems)).toHaveLength(1);
      for (const cure of cures) cure();
      given.world.pass(minutes(11));
      expect((await sync(hostStates)).problems).toEqual([]);
      expect(await gaps()).toEqual([]);
      const after = await given.rows();
      expect(shas.filter((sha) => typeof after.get(`commit-acme/shop-${sha}`)?.metadata['additions'] !== 'number')).toEqual([]);
    });
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
      const [project, other] = projects;
      if (!project || !other) throw new Error('no project');
      for (const one of projects) {
        one.openMergeRequest({ title: 'First' });
        one.startPipeline({ ref: 'main' });
      }
      given.world.pass(minutes(2));
      const connectionId = await addConnection(given.database.em, fakeUrl);
      const options = { hostStates: quick(), fetch: fetchFrom(given.fake) };
      const pass = async () => {
        const read = { token: given.token, url: fakeUrl, repos: ['acme'], maxAttempts: 2 };
        const report = await syncGitlab(given.database.em, read, connectionId, options);
        if ('error' in report) throw new Error(report.error);
        given.world.pass(minutes(2));
        return report.requests.graphql + report.requests.rest;
      };
      await pass();
      for (let index = 0; index < 8; index++) {
        project.openMergeRequest({ title: `Change ${index}` });
        project.startPipeline({ ref: 'main' });
      }
      project.createRelease({ tag: 'v1' });
      if (target) given.world.poisons.add({ ...target(project), how });
      const [found, next, still] = [await pass(), await pass(), await pass()];
      other.openMergeRequest({ title: 'Elsewhere' });
      // This one reads up to the other change, and the next one begins behind the row.
      await pass();
      return { found, next, still, later: await pass() };
    };

    test.each(['null-node', 'timeout', 'error-500'] as const)('%s', async (how) => {
      const without = await requestsOf(null, how);
      expect(without).toEqual({ found: 1, next: 1, still: 1, later: 1 });
      const mergeRequest = await requestsOf(({ id: projectId }) => ({ type: 'mergeRequest', projectId, iid: 4 }), how);
      const pipeline = await requestsOf(
        ({ id: projectId, pipelines }) => ({ type: 'pipeline', projectId, id: pipelines[4]?.id ?? 0 }),
        how,
      );
      const release = await requestsOf(({ id: projectId }) => ({ type: 'release', projectId, name: 'v1' }), how);
      for (const { found, next, still } of [mergeRequest, pipeline, release]) {
        expect(found).toBeLessThanOrEqual(how === 'null-node' ? 6 : 17);
        // Rows that were read soon after their change are read once more.
        expect(next).toBeLessThanOrEqual(8);
        // Names of projects, the other projects, names of rows, and perhaps the time of a landmark.
        expect(still).toBeLessThanOrEqual(4);
      }
      expect([mergeRequest.later, pipeline.later]).toEqual([1, 1]);
      // GitLab's lists of releases do not say what changed since a moment.
      expect(release.later).toBeLessThanOrEqual(3);
    });
  });
});
