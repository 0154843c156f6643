import { describe, expect, test } from 'vitest';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { hours, minutes, seconds } from '../../fake-gitlab/world/time.ts';
import { createMortal } from '../convergence/mortal.ts';
import { syncGitlab } from '../../src/index.ts';
import { describePasses } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describePasses('what changed', (kind) => {
  const given = useSync(kind);
  const graphqlRequests = () => given.fake.seen.filter((request) => request.kind === 'graphql').map(({ operation }) => operation);

  describe('costs little', () => {
    const addHundred = () => {
      for (let i = 0; i < 100; i++) {
        const project = given.world.addProject(`acme/p${i}`);
        given.world.pass();
        project.openMergeRequest({ title: `${i}` });
        project.startPipeline({ ref: 'main' });
        project.createRelease({ tag: 'v1' });
      }
      given.world.pass(minutes(5));
    };

    test.each([
      ['memberships', { projectLimit: 0 }],
      ['a group', { repos: 'acme' }],
      ['paths', { repos: Array.from({ length: 100 }, (_, i) => `acme/p${i}`) }],
    ])('a pass over 100 unchanged projects asks twice and writes no event (%s)', async (_, config) => {
      addHundred();
      expect(await given.sync(config)).toMatchObject({ projects: 100, stored: 300 });
      const before = await given.rows();
      const [versions] = await count('change_event_versions');
      given.world.pass(minutes(5));
      given.fake.seen.length = 0;
      expect(await given.sync(config)).toMatchObject({ projects: 100, stored: 0, corrected: 0, problems: [] });
      expect(graphqlRequests().length).toBeLessThanOrEqual(2);
      expect(await given.rows()).toEqual(before);
      expect(await count('change_event_versions')).toEqual([versions]);
    });

    const count = (table: string) => given.database.em.fork().execute<Array<{ count: string }>>(`select count(*) as count from ${table}`);
  });

  test('arrives however much it is', async () => {
    const project = given.world.addProject('acme/shop');
    for (let i = 0; i < 5_000; i++) project.openMergeRequest({ title: `${i}` });
    given.world.pass(minutes(5));
    await given.sync({ syncLimit: 10 });
    for (const row of project.mergeRequests) {
      given.world.pass(seconds(1));
      project.editMergeRequest(row, { title: `${row.title} changed` });
    }
    given.world.pass(minutes(5));
    given.fake.seen.length = 0;
    expect(await given.sync({ syncLimit: 10 })).toMatchObject({ fetched: 5_000, stored: 5_000, problems: [] });
    expect(graphqlRequests().length).toBeLessThanOrEqual(52);
    const rows = await given.rows();
    expect(project.mergeRequests.filter(({ iid, title }) => rows.get(`mr-acme/shop-${iid}`)?.title !== `[MR] ${title}`)).toEqual([]);
  });

  test('goes on from the stored cursor where a pass was killed', async () => {
    const project = given.world.addProject('acme/shop');
    project.startPipeline({ ref: 'main' });
    given.world.pass(minutes(5));
    await given.sync();
    for (let i = 0; i < 450; i++) project.startPipeline({ ref: 'main' });
    given.world.pass(minutes(5));
    const { em, signal, fetch } = createMortal(given.database.em, { at: 'after commit', count: 6 });
    expect(await syncGitlab(em, { token: given.token, url: fakeUrl }, given.connectionId, { signal, fetch })).toMatchObject({
      code: 'aborted',
    });
    const stored = (await given.ids('pipeline-')).length;
    expect(stored).toBeGreaterThan(10);
    expect(stored).toBeLessThan(450);
    given.world.pass(minutes(5));
    const report = await given.sync();
    expect(report.streams.pipelines?.inserted).toBe(451 - stored);
    expect(await given.ids('pipeline-')).toHaveLength(451);
  });

  describe('without a trace', () => {
    const prepare = async () => {
      // Where there is such a database, tags that move leave a trace.
      given.world.hasRegistryMetadata = false;
      const project = given.world.addProject('acme/shop');
      const mergeRequest = project.openMergeRequest({ title: 'x' });
      const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'a' }, { name: 'b' }] });
      project.finishPipeline(pipeline, 'FAILED', ['a', 'b']);
      for (let i = 0; i < 5; i++) project.createRelease({ tag: `v${i}` });
      const repository = project.addImageRepository('');
      for (let i = 0; i < 8; i++) project.pushTag(repository, `t${i}`);
      given.world.pass(minutes(5));
      // A row that is dated later moves the watermarks past all of these.
      given.world.addProject('acme/zoo').openMergeRequest({ title: 'later' });
      await given.sync();
      project.pushSilently(mergeRequest, [{ path: 'new.ts', additions: 5, deletions: 0 }]);
      project.retryJobSilently(pipeline, 'SUCCESS');
      Object.assign(project.releases[0] ?? {}, { description: 'edited' });
      for (const name of repository.tags.keys()) project.pushTag(repository, name);
      given.world.pass(minutes(5));
    };

    test('is found when everything is read again, and the rows are counted', async () => {
      await prepare();
      expect(await given.sync({ tagChecks: 0 })).toMatchObject({ stored: 0, corrected: 0 });
      expect(await given.sync({ tagChecks: 0 }, { reconcile: true })).toMatchObject({ stored: 11, corrected: 11, problems: [] });
      const rows = await given.rows();
      expect(rows.get('mr-acme/shop-1')?.description.files_changed).toEqual(['new.ts']);
      expect(rows.get('release-acme/shop-v0')?.description.text).toBe('edited');
      expect(await given.sync({ tagChecks: 0 }, { reconcile: true })).toMatchObject({ stored: 0, corrected: 0 });
    });

    test('is found by itself after the interval', async () => {
      await prepare();
      given.world.pass(hours(2));
      expect(await given.sync({ tagChecks: 0, reconcileInterval: 4 * 3600 })).toMatchObject({ corrected: 0 });
      given.world.pass(hours(2));
      expect(await given.sync({ tagChecks: 0, reconcileInterval: 4 * 3600 })).toMatchObject({ corrected: 11 });
      given.world.pass(minutes(5));
      given.fake.seen.length = 0;
      await given.sync({ tagChecks: 0, reconcileInterval: 4 * 3600 });
      expect(graphqlRequests()).toHaveLength(1);
      await given.sync({ tagChecks: 0, reconcileInterval: 0 });
      expect(graphqlRequests()).toHaveLength(5);
    });

    test('tags that move are found in turn, the least recently seen first, and new names at once', async () => {
      await prepare();
      given.world.projects[0]?.pushTag(given.world.projects[0].imageRepositories[0] as never, 'new');
      const found = [];
      for (let pass = 0; pass < 4; pass++) {
        found.push((await given.sync({ tagChecks: 3 })).streams['registry-images']?.inserted);
        given.world.pass(minutes(5));
      }
      expect(found).toEqual([4, 3, 2, 0]);
    });
  });

  describe('in Git', () => {
    const start = async (depth: object = { syncLimit: 'all' }) => {
      const project = given.world.addProject('acme/shop');
      for (let i = 0; i < 6; i++) {
        given.world.pass(minutes(1));
        project.git.commit('main', { title: `${i}` });
      }
      await given.sync({ branches: 'main', ...depth });
      return project;
    };
    const commits = async () => (await given.ids('commit-')).length;

    test('is found however old its commits are', async () => {
      const { git } = await start();
      git.branches.set('old', git.branches.get('main') ?? '');
      for (let i = 0; i < 3; i++) git.commit('old', { title: `old ${i}`, committedAt: given.world.now - hours(900) });
      git.merge('old', 'main', 'Merge old');
      expect(await given.sync({ branches: 'main' })).toMatchObject({ stored: 4, problems: [] });
    });

    test('is read again down to the depth when history was rewritten and its former end is no more, and that is said', async () => {
      const { git } = await start();
      git.reset('main', [...git.commits.keys()][1] ?? '');
      for (let i = 0; i < 120; i++) git.commit('main', { title: `anew ${i}` });
      git.prune();
      const report = await given.sync({ branches: 'main' });
      expect(report).toMatchObject({ stored: 120 });
      expect(report.problems).toMatchObject([{ stream: 'commits', scope: 'main', outcome: 'partial', expected: false }]);
      expect(await commits()).toBe(126);
      expect(await given.sync({ branches: 'main' })).toMatchObject({ stored: 0, problems: [] });
    });

    test('is whole although the former end of the branch vanishes between two pages', async () => {
      const { git } = await start();
      const [root = ''] = git.commits.keys();
      // Rewritten, and the former end still there for a while.
      git.branches.set('former', git.branches.get('main') ?? '');
      git.reset('main', root);
      for (let i = 0; i < 250; i++) git.commit('main', { title: `more ${i}` });
      given.fake.intercept = (request) => {
        if (!new URL(request.url).searchParams.get('page')?.startsWith('2')) return undefined;
        git.branches.delete('former');
        git.prune();
        return undefined;
      };
      for (let pass = 0; pass < 2; pass++) await given.sync({ branches: 'main' });
      const stored = new Set(await given.ids('commit-'));
      const missing = (git.log('main') ?? []).filter(({ sha }) => !stored.has(`commit-acme/shop-${sha}`));
      expect(missing).toEqual([]);
    });

    test.each(['SYNC_SINCE', 'backfill'])(
      'since a moment is whole although newer commits lie behind an old-dated one (%s)',
      async (way) => {
        const { git } = given.world.addProject('acme/shop');
        const add = (title: string, ageInHours: number) => git.commit('main', { title, committedAt: given.world.now - hours(ageInHours) });
        for (let i = 0; i < 300; i++) add(`old ${i}`, 1_000 - i);
        for (let i = 0; i < 3; i++) add(`behind ${i}`, 5);
        for (let i = 0; i < 90; i++) add(`with its old date ${i}`, 900);
        add('newest', 1);
        const moment = new Date(given.world.now / 1000 - 24 * 3_600_000);
        if (way === 'SYNC_SINCE') await given.sync({ branches: 'main', syncSince: moment.toISOString() });
        else {
          await given.sync({ branches: 'main', syncLimit: 1 });
          await given.sync({ branches: 'main', syncLimit: 1 }, { backfillTo: moment });
        }
        const titles = [...(await given.rows()).values()].map(({ title }) => title);
        expect(titles.toSorted()).toEqual(['[Commit] behind 0', '[Commit] behind 1', '[Commit] behind 2', '[Commit] newest']);
      },
    );

    test('is told from a rollback, which brings nothing', async () => {
      const { git } = await start();
      git.reset('main', [...git.commits.keys()][2] ?? '');
      expect(await given.sync({ branches: 'main' })).toMatchObject({ stored: 0, problems: [] });
      git.commit('main', { title: 'after' });
      expect(await given.sync({ branches: 'main' })).toMatchObject({ stored: 1, problems: [] });
    });
  });

  describe('the first depth', () => {
    const history = (): FakeProject => {
      const project = given.world.addProject('acme/shop');
      for (let i = 0; i < 250; i++) {
        given.world.pass(hours(1));
        project.openMergeRequest({ title: `${i}` });
        project.startPipeline({ ref: 'main' });
        project.createRelease({ tag: `v${i}` });
        project.git.commit('main', { title: `${i}` });
      }
      given.world.pass(minutes(5));
      return project;
    };
    const sinceHoursAgo = (count: number) => new Date(given.world.now / 1000 - count * 3_600_000 - 600_000);

    test('may be a moment', async () => {
      history();
      const since = sinceHoursAgo(120).toISOString();
      const { streams } = await given.sync({ syncSince: since, branches: 'main' });
      expect(Object.values(streams).map(({ inserted }) => inserted)).toEqual([121, 121, 121, 121, 0, 0]);
    });

    test('can be made deeper later, and a deepening that is stopped goes on', async () => {
      history();
      const config = { syncLimit: 20, branches: 'main', concurrency: 1 };
      const backfillTo = sinceHoursAgo(220);
      expect(await given.sync(config)).toMatchObject({ stored: 80 });
      given.world.pass(minutes(5));
      const { em, signal, fetch } = createMortal(given.database.em, { at: 'after commit', count: 5 });
      await syncGitlab(em, { token: given.token, url: fakeUrl, ...config }, given.connectionId, { backfillTo, signal, fetch });
      const stopped = (await given.ids()).length;
      expect(stopped).toBeGreaterThan(80);
      expect(stopped).toBeLessThan(4 * 221);
      await given.sync(config);
      expect((await given.ids()).length).toBe(4 * 221);
      expect(await given.sync(config, { backfillTo })).toMatchObject({ stored: 0 });
      expect(await given.sync(config, { backfillTo: new Date(0) })).toMatchObject({ stored: 4 * 29, problems: [] });
      expect(await given.sync(config, { backfillTo: new Date(0) })).toMatchObject({ stored: 0 });
    });
  });
});
