import { expect, test } from 'vitest';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('projects with one branch and one image repository each take few requests of all kinds', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main', projectLimit: 0, reconcileInterval: 86_400, maxRequestsPerMinute: 0 };
  const pass = async (options: object = {}) => {
    given.world.pass(minutes(10));
    const before = given.fake.seen.length;
    const report = await given.sync({ ...config, ...options });
    expect(report.problems).toEqual([]);
    const requests = given.fake.seen.slice(before);
    return { requests: requests.length, stored: report.stored };
  };
  const fill = (count: number, rows: number): FakeProject[] =>
    Array.from({ length: count }, (_, index) => {
      const project = given.world.addProject(`acme/p${index}`);
      const repository = project.addImageRepository('web');
      for (let row = 0; row < rows; row++) {
        project.git.commit('main', { title: `Change ${row}` });
        project.openMergeRequest({ title: `Change ${row}`, targetBranch: 'main' });
        project.startPipeline({ ref: 'main' });
        project.createRelease({ tag: `v${row}` });
        project.pushTag(repository, `1.${row}`);
      }
      return project;
    });

  test.each([
    [10, 3],
    [100, 9],
  ])('an idle pass over %i: at most %i', async (projects, most) => {
    fill(projects, 1);
    await pass();
    await pass();
    const idle = await pass();
    expect(idle.stored).toBe(0);
    expect(idle.requests).toBeLessThanOrEqual(most);
  });

  test('100 projects of which 5 have changed: at most 9, and 4 for each of these, one of them for deployments', async () => {
    const projects = fill(100, 1);
    await pass();
    await pass();
    for (const project of projects.slice(0, 5)) {
      project.git.commit('main', { title: 'more' });
      project.openMergeRequest({ title: 'more', targetBranch: 'main' });
      project.startPipeline({ ref: 'main' });
      const [repository] = project.imageRepositories;
      if (repository) project.pushTag(repository, '2.0');
    }
    const changed = await pass();
    expect(changed.stored).toBe(5 * 4);
    expect(changed.requests).toBeLessThanOrEqual(9 + 4 * 5);
  });

  test('the first reading of 10 projects with 50 rows of each kind: at most 60', async () => {
    fill(10, 50);
    const first = await pass({ syncLimit: 50 });
    expect(first.stored).toBe(10 * 50 * 5);
    expect(first.requests).toBeLessThanOrEqual(60);
  });
});
