import { expect, test } from 'vitest';
import { days, minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('the tips of branches', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main, develop', syncLimit: 'all', projectLimit: 0, reconcileInterval: 86_400 };
  /** The questions of a pass: GraphQL operations, and which project's commits REST is asked for. */
  const pass = async (options: object = {}) => {
    given.world.pass(minutes(10));
    const before = given.fake.seen.length;
    const report = await given.sync({ ...config, ...options });
    const operations = given.fake.seen.slice(before).map(({ operation }) => operation);
    return {
      tips: operations.filter((operation) => operation === 'ProjectTips').length,
      rest: operations.filter((operation) => operation.includes('/repository/commits')).length,
      stored: report.stored,
    };
  };
  const fill = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const project = given.world.addProject(`acme/p${index}`);
      project.git.commit('main', { title: 'first' });
      project.git.commit('develop', { title: 'begun' });
      return project;
    });

  test('are asked for many projects together, and REST only where one moved', async () => {
    const projects = fill(12);
    expect(await pass()).toMatchObject({ tips: 0, stored: 24 });
    expect(await pass()).toEqual({ tips: 2, rest: 0, stored: 0 });
    projects[4]?.git.commit('develop', { title: 'more' });
    // The tip, and what is new.
    expect(await pass()).toEqual({ tips: 2, rest: 2, stored: 1 });
    expect(await pass()).toEqual({ tips: 2, rest: 0, stored: 0 });
  });

  test('are asked of REST where GitLab does not say them, and of projects that are to be reconciled', async () => {
    const [first, second] = fill(3);
    await pass();
    given.fake.intercept = (_, { operation }) => (operation === 'ProjectTips' ? new Response('{}', { status: 500 }) : undefined);
    first?.git.commit('main', { title: 'while it fails' });
    expect(await pass({ maxAttempts: 1 })).toMatchObject({ rest: 7, stored: 1 });
    given.fake.intercept = async (request, { operation }) => {
      if (operation !== 'ProjectTips') return undefined;
      const answer = (await (await given.fake.answer(request.clone())).json()) as { data: { projects: { nodes: Array<unknown> } } };
      answer.data.projects.nodes[1] = null;
      return Response.json({ ...answer, errors: [{ message: 'Timeout', path: ['projects', 'nodes', 1] }] });
    };
    second?.git.commit('main', { title: 'while it says little' });
    expect(await pass()).toMatchObject({ tips: 2, stored: 1 });
    given.fake.intercept = undefined;
    given.world.pass(days(2));
    expect(await pass()).toMatchObject({ tips: 0, rest: 6, stored: 0 });
    expect(await pass()).toEqual({ tips: 2, rest: 0, stored: 0 });
  });

  test('of a branch that was rewritten or is gone are read as before', async () => {
    const [project] = fill(2);
    await pass();
    project?.git.reset('main', project.git.commit('other', { title: 'another history' }).sha);
    expect((await pass()).stored).toBeGreaterThan(0);
    project?.git.branches.delete('develop');
    const report = await given.sync(config);
    expect(report.problems).toMatchObject([{ stream: 'commits', scope: 'develop', outcome: 'gone' }]);
  });
});
