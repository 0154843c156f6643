import { beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { syncPart } from '../../src/operations/sync-part.ts';
import { describePasses } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { notEmpty } from '../support/not-empty.ts';
import { useSync } from './fixture.ts';

describePasses('what is read', (kind) => {
  const given = useSync(kind);

  describe('which projects', () => {
    beforeEach(() => {
      for (const path of ['acme/shop', 'acme/web/site', 'other/one', 'other/two']) {
        given.world.pass();
        given.world.addProject(path).openMergeRequest({ title: path });
      }
    });
    const read = async () => (await given.ids('mr-')).map((id) => id.slice(3, -2)).toSorted();

    test('the last active ones of the memberships', async () => {
      await given.sync({ project_limit: 2 });
      expect(await read()).toEqual(['other/one', 'other/two']);
    });

    test('paths, ids, groups and pasted URLs, each project once', async () => {
      const [shop, , one] = given.world.projects as [FakeProject, FakeProject, FakeProject];
      const report = await given.sync({ repos: `acme, ${shop.id}, ${fakeUrl}/other/one.git, /other/one/, ${one.id}` });
      expect(report).toMatchObject({ projects: 3, problems: [] });
      expect(await read()).toEqual(['acme/shop', 'acme/web/site', 'other/one']);
    });

    test('what is not found is named and stops nothing', async () => {
      const report = await given.sync({ repos: ['acme/shop', 'acme/typo', '987654'] });
      expect(report.problems).toEqual([
        {
          project: 'acme/typo',
          outcome: 'failed',
          reason: 'no project or group with this path, or out of sight for this token',
          expected: false,
        },
        { project: 'project 987654', outcome: 'gone', reason: 'deleted, or out of sight for this token', expected: false },
      ]);
      expect(await read()).toEqual(['acme/shop']);
    });

    test('a project that was known and is gone is named by its path, and its rows stay', async () => {
      const [shop] = given.world.projects as [FakeProject];
      await given.sync({ repos: String(shop.id) });
      given.world.deleteProject(shop);
      const report = await given.sync({ repos: String(shop.id) });
      expect(report.problems).toMatchObject([{ project: 'acme/shop', outcome: 'gone' }]);
      expect(await read()).toEqual(['acme/shop']);
      expect(await given.outcomes()).toMatchObject({ 'merge-requests': 'gone', pipelines: 'gone' });
    });
  });

  describe('branches', () => {
    let project: FakeProject;
    beforeEach(() => {
      project = given.world.addProject('acme/shop');
      for (const branch of ['main', 'develop', 'other']) {
        project.openMergeRequest({ title: branch, targetBranch: branch });
        project.startPipeline({ ref: branch });
      }
      const base = project.git.commit('main', { title: 'on both' });
      project.git.commit('develop', { title: 'on develop', parents: [base.sha] });
    });
    const titles = async () => [...(await given.rows()).values()].map(({ title }) => title).toSorted();

    test('none: everything but commits', async () => {
      expect(await given.sync()).toMatchObject({ fetched: 6, streams: { commits: { fetched: 0 } } });
      expect(given.fake.seen.filter(({ operation }) => operation.includes('commits'))).toEqual([]);
    });

    test('one: merge requests into it, pipelines and commits of it', async () => {
      await given.sync({ branches: 'main' });
      expect(await titles()).toEqual(['[Commit] on both', '[MR] main', '[Pipeline] • main']);
    });

    test('several: a commit on two of them is one event, of the first', async () => {
      expect(await given.sync({ branches: ['main', 'develop'] })).toMatchObject({ stored: 6, problems: [] });
      expect(await titles()).toEqual([
        '[Commit] on both',
        '[Commit] on develop',
        '[MR] develop',
        '[MR] main',
        '[Pipeline] • develop',
        '[Pipeline] • main',
      ]);
      const both = [...(await given.rows()).values()].find(({ title }) => title === '[Commit] on both');
      expect(both?.metadata.branch).toBe('main');
      expect(await given.sync({ branches: ['main', 'develop'] })).toMatchObject({ stored: 0 });
    });

    const absent = (path: string, branch: string) => ({
      project: path,
      stream: 'commits',
      scope: branch,
      outcome: 'disabled',
      reason: `there is no branch ${branch}, or the repository is empty or switched off`,
      expected: true,
    });
    const mistyped = (branch: string) => ({
      project: 'BRANCHES',
      stream: 'commits',
      scope: branch,
      outcome: 'failed',
      reason: `no project that is read has a branch ${branch}: check the spelling in BRANCHES`,
      expected: false,
    });

    test.each(['not-found', 'empty'] as const)(
      'one that a project has not is said, and is no failure (unknown branch: %s)',
      async (unknownRef) => {
        given.world.unknownRef = unknownRef;
        given.world.addProject('acme/other').git.commit('nope', { title: 'x' });
        const report = await given.sync({ branches: 'nope' });
        expect(report.problems).toEqual([absent('acme/shop', 'nope')]);
      },
    );

    test('one that no project has is a problem, in every pass', async () => {
      given.world.addProject('acme/other').git.commit('main', { title: 'x' });
      for (let pass = 0; pass < 2; pass++) {
        const { problems } = await given.sync({ branches: 'main, mian' });
        expect(problems).toEqual([absent('acme/other', 'mian'), absent('acme/shop', 'mian'), mistyped('mian')]);
      }
    });

    test('one that no project has is a problem when parts of the projects are read too, and none while another part has it', async () => {
      const other = given.world.addProject('acme/other');
      other.git.commit('nope', { title: 'x' });
      const part = (branches: string) =>
        syncPart({ em: given.database.em, config: { token: given.token, url: fakeUrl, branches }, connectionId: given.connectionId }, [
          project.id,
        ]);
      await given.sync({ branches: 'nope' });
      expect(await part('nope')).toMatchObject({ problems: [absent('acme/shop', 'nope')] });
      expect(await given.sync({ branches: 'mian' })).toMatchObject({ problems: [{}, {}, mistyped('mian')] });
      expect(await part('mian')).toMatchObject({ problems: [{}, mistyped('mian')] });
    });

    test('one that an empty repository has not is none', async () => {
      expect(await given.sync({ branches: 'main', repos: given.world.addProject('acme/empty').fullPath })).toMatchObject({
        problems: [{ project: 'acme/empty', outcome: 'disabled', expected: true }],
      });
    });

    test('one that was read before and is gone is a problem once', async () => {
      expect(await given.sync({ branches: 'develop' })).toMatchObject({ problems: [] });
      project.git.branches.delete('develop');
      expect(await given.sync({ branches: 'develop' })).toMatchObject({
        problems: [{ project: 'acme/shop', scope: 'develop', outcome: 'gone', expected: false }],
      });
      expect(await given.sync({ branches: 'develop' })).toMatchObject({ problems: [absent('acme/shop', 'develop')] });
    });
  });

  describe('container tags', () => {
    const addTags = (count: number) => {
      const repository = given.world.addProject('acme/shop').addImageRepository('web');
      for (let i = 1; i <= count; i++) given.world.projects[0]?.pushTag(repository, `v1.${i}`);
    };
    const tags = async () => [...(await given.rows()).values()].map(({ metadata }) => metadata.tag);

    test('are cut at the limit, the highest versions first, and the cut is named', async () => {
      addTags(12);
      const report = await given.sync({ tagLimit: 3 });
      expect(await tags()).toEqual(['v1.12', 'v1.11', 'v1.10']);
      expect(report.problems).toEqual([
        {
          project: 'acme/shop',
          stream: 'registry-images',
          scope: 'acme/shop/web',
          outcome: 'partial',
          reason: '9 of 12 tags left out (TAG_LIMIT)',
          expected: true,
        },
      ]);
    });

    test.each([true, false])('are all read with the limit 0, over many pages (metadata database: %s)', async (hasMetadata) => {
      given.world.hasRegistryMetadata = hasMetadata;
      addTags(230);
      expect(await given.sync({ tagLimit: 0 })).toMatchObject({ stored: 230, problems: [] });
    });

    test('that are broken are counted, and hide no other', async () => {
      addTags(3);
      const tag = given.world.projects[0]?.imageRepositories[0]?.tags.get('v1.2');
      if (tag) tag.isBroken = true;
      const report = await given.sync();
      expect(await tags()).toEqual(['v1.3', 'v1.1']);
      expect(report.problems).toMatchObject([
        {
          outcome: 'partial',
          reason: expect.stringMatching(/^v1\.2: GitLab does not know GET .*tags\/v1\.2 \(404/) as unknown,
          expected: false,
        },
      ]);
    });

    test.each(notEmpty(['null-node', 'null-field', 'timeout', 'error-500', '502-html', 'statement-timeout-503', 'cut-off'] as const))(
      'are read although GitLab fails on some: %s',
      async (how) => {
        addTags(6);
        const [project] = given.world.projects;
        const projectId = project?.id ?? 0;
        // The first, the last, and one of many.
        const poisoned = ['v1.6', 'v1.4', 'v1.1'];
        for (const name of poisoned) given.world.poisons.add({ type: 'tag', projectId, name, how });
        const config = { tagChecks: 100, maxAttempts: 1 };
        const problems = (await given.sync(config)).problems.map(({ outcome, reason }) => `${outcome}: ${reason.replace(/: .*/, '')}`);
        expect(problems).toEqual(['partial: v1.6, v1.4, v1.1']);
        expect(await tags()).toEqual(expect.arrayContaining(['v1.5', 'v1.3', 'v1.2']));
        const repository = project?.imageRepositories[0];
        if (project && repository) project.pushTag(repository, 'v2.0');
        await given.sync(config);
        expect(await tags()).toContain('v2.0');
        given.world.poisons.clear();
        given.world.pass(minutes(11));
        expect((await given.sync(config)).problems).toEqual([]);
        expect(await tags()).toEqual(expect.arrayContaining(poisoned));
      },
    );
  });
});
