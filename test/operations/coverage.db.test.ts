import { beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('what was left out for a while', (kind) => {
  const given = useSync(kind);
  // No reconcile: every change must be found by what the walks note of themselves.
  const quiet = { reconcileInterval: 31_536_000, tagChecks: 0, tagLimit: 0 };
  const pass = async (config: object) => {
    given.world.pass(minutes(5));
    return given.sync({ ...quiet, ...config });
  };
  let project: FakeProject;
  beforeEach(() => {
    project = given.world.addProject('acme/shop');
    change('develop', 'first');
    change('main', 'first');
  });

  let count = 0;
  /** A merge request, a pipeline and a commit of a branch. */
  const change = (branch: string, title: string, on: FakeProject = project) => {
    on.openMergeRequest({ title, targetBranch: branch });
    on.startPipeline({ ref: branch });
    on.git.commit(branch, { title: `${title} ${count++}` });
  };
  /** What the table lacks of these branches of a project; empty = all. */
  const missing = async (branches: readonly string[], of: FakeProject = project) => {
    const stored = new Set(await given.ids());
    const isOf = (name: string) => branches.length === 0 || branches.includes(name);
    const wanted = [
      ...of.mergeRequests.filter(({ targetBranch }) => isOf(targetBranch)).map(({ iid }) => `mr-${of.fullPath}-${iid}`),
      ...of.pipelines.filter(({ ref }) => isOf(ref)).map(({ id }) => `pipeline-${of.fullPath}-${id}`),
      ...branches.flatMap((branch) => (of.git.log(branch) ?? []).map(({ sha }) => `commit-${of.fullPath}-${sha}`)),
    ];
    return wanted.filter((id) => !stored.has(id));
  };

  describe('of the branches', () => {
    test.each<[string, readonly string[], ReadonlyArray<readonly string[]>]>([
      ['one of two', ['main', 'develop'], [['main']]],
      ['two of three, one after the other', ['main', 'develop', 'other'], [['main', 'develop'], ['main']]],
      ['one in the place of the other', ['main', 'develop'], [['other'], ['main'], ['develop']]],
      ['all but one', [], [['main']]],
      ['all but two', [], [['main', 'develop'], ['other']]],
      ['two of them, before all are', ['main', 'develop'], [['main'], []]],
      ['a branch with a comma in its name', ['fix,it', 'main'], [['main']]],
    ])('is read when it is asked for again: %s', async (_, branches, meanwhile) => {
      const names = branches.length > 0 ? branches : ['main', 'develop', 'other'];
      for (const name of names) change(name, 'before');
      await pass({ branches, syncLimit: 'all' });
      // What is left out for a while must not be found by a backfill that begins anew.
      const later = (selection: readonly string[]) => pass({ branches: selection, syncLimit: 1 });
      for (const selection of meanwhile) {
        for (let i = 0; i < 5; i++) for (const name of names) change(name, `meanwhile ${i}`);
        for (let passes = 0; passes < 2; passes++) await later(selection);
      }
      await later(branches);
      expect(await missing(branches)).toEqual([]);
      expect(await later(branches)).toMatchObject({ stored: 0 });
    });
  });

  describe('of a project', () => {
    const everything = { branches: 'main', syncLimit: 'all' };
    const later = { branches: 'main', syncLimit: 1 };
    let number = 0;
    const changeAll = () => {
      const of = project;
      change('main', 'more');
      of.editMergeRequest(of.mergeRequests[0] as never, { title: `title ${number++}` });
      of.createRelease({ tag: `v${number}` });
      const repository = of.imageRepositories[0] ?? of.addImageRepository('');
      of.pushTag(repository, `v${number}`);
    };
    const missingOfAll = async () => {
      const stored = await given.rows();
      const titles = new Set([...stored.values()].map(({ title }) => title));
      const tags = new Set([...stored.values()].map(({ metadata }) => metadata.tag));
      return [
        ...(await missing(['main'])),
        ...project.mergeRequests.filter(({ title, targetBranch }) => targetBranch === 'main' && !titles.has(`[MR] ${title}`)),
        ...project.releases.filter(({ tag }) => !stored.has(`release-acme/shop-${tag}`)),
        ...project.imageRepositories.flatMap((repository) => [...repository.tags.keys()].filter((name) => !tags.has(name))),
      ];
    };
    /** What leaves the project out: settings, or what GitLab does to the token; what comes back undoes it. */
    type Leave = () => { readonly config?: object; readonly undo?: () => void };
    const feature =
      (name: 'mergeRequests' | 'ci' | 'registry' | 'repository' | 'releases'): Leave =>
      () => {
        project.features[name] = false;
        return { undo: () => (project.features[name] = true) };
      };
    const role =
      (name: 'guest' | 'none', publicPipelines = true): Leave =>
      () => {
        Object.assign(project, { role: name, publicPipelines });
        return { undo: () => (project.role = 'reporter') };
      };

    test.each<[string, Leave, object?]>([
      ['it is not in REPOS', () => ({ config: { repos: 'acme/other' } }), { repos: 'acme/shop, acme/other' }],
      ['its group is not in REPOS', () => ({ config: { repos: 'acme/other' } }), { repos: 'acme' }],
      ['PROJECT_LIMIT is reached', () => ({ config: { projectLimit: 1 } }), { projectLimit: 0 }],
      ['no branch is asked for, and then one', () => ({ config: { branches: [] } })],
      ['TAG_LIMIT is lower', () => ({ config: { tagLimit: 1 } })],
      ['merge requests are off', feature('mergeRequests')],
      ['CI is off', feature('ci')],
      ['the registry is off', feature('registry')],
      ['the repository is off', feature('repository')],
      ['releases are off', feature('releases')],
      ['the token is a guest', role('guest')],
      ['the token is a guest who sees no pipelines', role('guest', false)],
      ['the token sees it no more', role('none')],
      ['the token sees it no more, by memberships', role('none'), { projectLimit: 0 }],
      [
        'the token has left the group',
        () => {
          project.isMember = false;
          return { undo: () => (project.isMember = true) };
        },
        { projectLimit: 0 },
      ],
      [
        'the SAML session has expired',
        () => {
          given.world.expiredSessions.add('acme');
          return { undo: () => given.world.expiredSessions.clear() };
        },
        { repos: 'acme' },
      ],
    ])('is read when that is over: %s', async (_, leave, config = { repos: 'acme/shop, acme/other' }) => {
      const other = given.world.addProject('acme/other');
      for (let i = 0; i < 3; i++) changeAll();
      await pass({ ...everything, ...config });
      expect(await missingOfAll()).toEqual([]);
      const { config: meanwhile = {}, undo } = leave();
      for (let passes = 0; passes < 2; passes++) {
        for (let i = 0; i < 4; i++) changeAll();
        given.world.pass(minutes(1));
        change('main', 'other', other);
        await given.run({ ...quiet, ...later, ...config, ...meanwhile });
        given.world.pass(minutes(5));
      }
      undo?.();
      await pass({ ...later, ...config });
      expect(await missingOfAll()).toEqual([]);
      expect(await pass({ ...later, ...config })).toMatchObject({ stored: 0, problems: [] });
    });

    const rights = {
      'the token becomes a guest': role('guest', false),
      'merge requests are switched off': feature('mergeRequests'),
      'CI is switched off': feature('ci'),
      'releases are switched off': feature('releases'),
    };
    test.each<[keyof typeof rights, string, 'first' | 'later']>([
      ['the token becomes a guest', 'MergeRequestPage', 'first'],
      ['the token becomes a guest', 'MergeRequestPage', 'later'],
      ['merge requests are switched off', 'MergeRequestPage', 'later'],
      ['the token becomes a guest', 'PipelinePage', 'first'],
      ['the token becomes a guest', 'PipelinePage', 'later'],
      ['CI is switched off', 'PipelinePage', 'later'],
      ['the token becomes a guest', 'ReleasePage', 'first'],
      ['the token becomes a guest', 'ReleasePage', 'later'],
      ['releases are switched off', 'ReleasePage', 'first'],
      ['releases are switched off', 'ReleasePage', 'later'],
    ])('is read when that is over although it began in the middle of a walk: %s before %s in the %s pass', async (what, page, when) => {
      project.largestPage = 5;
      for (let i = 0; i < 12; i++) changeAll();
      if (when === 'later') {
        await pass(everything);
        for (let i = 0; i < 12; i++) changeAll();
      }
      let undo: (() => void) | undefined;
      given.fake.intercept = (_, { operation }) => {
        if (operation === page) undo ??= rights[what]().undo;
        return undefined;
      };
      await pass({ ...everything, concurrency: 1 });
      expect(undo).toBeDefined();
      given.fake.intercept = undefined;
      undo?.();
      await pass(everything);
      expect(await missingOfAll()).toEqual([]);
    });
  });
});
