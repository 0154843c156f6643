import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

const names = [
  'main',
  'release/1.0',
  'fix,later',
  'fix#1',
  '100%',
  '50%25',
  'a b',
  'größe/ß',
  '日本',
  'a?b=c&d',
  'refs/heads/odd',
  "o'neil",
  '~user',
];

describePasses('a branch', (kind) => {
  const given = useSync(kind);

  test.each(names)('named %s is read as a branch, although a tag has its name', async (branch) => {
    const project = given.world.addProject('acme/shop');
    const old = project.git.commit('elsewhere', { title: 'of the tag' });
    project.git.tag(branch, old.sha);
    project.git.commit(branch, { title: 'the first' });
    project.openMergeRequest({ title: 'into it', targetBranch: branch });
    project.startPipeline({ ref: branch });
    project.startPipeline({ ref: branch, isTag: true, source: 'push' });
    project.openMergeRequest({ title: 'into another', targetBranch: 'elsewhere' });
    project.startPipeline({ ref: 'elsewhere' });
    const titles = async () => [...(await given.rows()).values()].map(({ title }) => title).toSorted();
    // The second is as the environment has it.
    for (const branches of [[branch], JSON.stringify([branch])]) {
      given.world.pass(minutes(5));
      expect((await given.sync({ branches })).problems.filter(({ expected }) => !expected)).toEqual([]);
      expect(await titles()).toEqual(['[Commit] the first', '[MR] into it', `[Pipeline] • ${branch}`].toSorted());
      expect(await given.sync({ branches })).toMatchObject({ stored: 0 });
    }
    project.git.commit(branch, { title: 'the second' });
    project.startPipeline({ ref: branch });
    given.world.pass(minutes(5));
    expect(await given.sync({ branches: [branch] })).toMatchObject({ stored: 2 });
    expect(await given.sync({ branches: [branch] })).toMatchObject({ stored: 0 });
  });
});
