import { beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describeDatabases('what was left out for a while', (kind) => {
  const given = useSync(kind);
  // No reconcile: every change must be found by what the walks note of themselves.
  const quiet = { reconcileInterval: 0, tagChecks: 0, tagLimit: 0 };
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
});
