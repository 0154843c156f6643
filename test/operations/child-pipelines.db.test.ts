import { expect, test } from 'vitest';
import { hours, minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('child pipelines', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main', syncLimit: 'all' };
  const related = async () =>
    Object.fromEntries(
      [...(await given.rows()).values()]
        .filter(({ title }) => title.startsWith('[Pipeline]'))
        .map(({ event_id: id, description }) => [id, description.related_events]),
    );
  const id = ({ id: number }: { readonly id: number }) => `pipeline-acme/shop-${number}`;
  const operations = (from: number) => given.fake.seen.slice(from).map(({ operation }) => operation);

  test('are rows, with their failed jobs, linked with their parent both ways', async () => {
    const project = given.world.addProject('acme/shop');
    const other = project.startPipeline({ ref: 'main', sha: 'b'.repeat(40) });
    const parent = project.startPipeline({ ref: 'main', sha: 'a'.repeat(40) });
    const child = project.startChildPipeline(parent, { jobs: [{ name: 'deploy-prod' }] });
    given.world.pass(minutes(2));
    project.finishPipeline(child, 'FAILED');
    await given.sync(config);
    const row = (await given.rows()).get(id(child));
    expect(row).toMatchObject({ status: 'failed', metadata: { source: 'parent_pipeline', parent_pipeline_id: parent.id } });
    expect(row?.description.failed_jobs).toMatchObject([{ name: 'deploy-prod' }]);
    expect(await related()).toEqual({ [id(other)]: [], [id(parent)]: [id(child)], [id(child)]: [id(parent)] });
    expect((await given.rows()).get(id(parent))?.metadata).not.toHaveProperty('parent_pipeline_id');
  });

  test('are read until they end, also when their parent ended before, and cost nothing then', async () => {
    const project = given.world.addProject('acme/shop');
    const parent = project.startPipeline({ ref: 'main' });
    await given.sync(config);
    given.world.pass(minutes(5));
    const child = project.startChildPipeline(parent);
    const grandchild = project.startChildPipeline(child);
    given.world.pass(minutes(1));
    project.finishPipeline(parent, 'SUCCESS');
    await given.sync(config);
    const status = async (of: { readonly id: number }) => (await given.rows()).get(id(of))?.status;
    expect([await status(child), await status(grandchild)]).toEqual(['running', 'running']);
    for (let pass = 0; pass < 3; pass++) {
      given.world.pass(minutes(5));
      await given.sync(config);
    }
    project.finishPipeline(child, 'SUCCESS');
    given.world.pass(minutes(5));
    await given.sync(config);
    expect([await status(child), await status(grandchild)]).toEqual(['success', 'running']);
    project.finishPipeline(grandchild, 'FAILED');
    given.world.pass(minutes(5));
    await given.sync(config);
    expect(await status(grandchild)).toBe('failed');
    given.world.pass(hours(1));
    project.startPipeline({ ref: 'main' });
    const before = given.fake.seen.length;
    await given.sync(config);
    expect(operations(before)).not.toContain('ChildPipelinePage');
  });

  test('of a page that was stored are read later where the pass was stopped before it came to them', async () => {
    const project = given.world.addProject('acme/shop');
    await given.sync(config);
    const parent = project.startPipeline({ ref: 'main' });
    const child = project.startChildPipeline(parent);
    given.world.pass(minutes(1));
    for (const one of [child, parent]) project.finishPipeline(one, 'SUCCESS');
    given.world.pass(minutes(1));
    given.fake.intercept = (_, { operation }) => (operation === 'ChildPipelinePage' ? new Response('{}', { status: 500 }) : undefined);
    const stopped = await given.sync({ ...config, maxAttempts: 1 });
    expect(stopped.problems.filter(({ stream }) => stream === 'pipelines')).toMatchObject([{ outcome: 'failed' }]);
    given.fake.intercept = undefined;
    expect([...(await given.rows()).keys()]).toEqual([id(parent)]);
    given.world.pass(hours(2));
    expect((await given.sync(config)).problems.filter(({ expected }) => !expected)).toEqual([]);
    expect([...(await given.rows()).keys()]).toEqual([id(parent), id(child)]);
  });

  test('of parents on any page of any branch come with the first reading', async () => {
    const project = given.world.addProject('acme/shop');
    project.largestPage = 1;
    const children = ['main', 'develop', 'main'].map((ref) => {
      const child = project.startChildPipeline(project.startPipeline({ ref }));
      given.world.pass(hours(30));
      project.startPipeline({ ref });
      return child;
    });
    await given.sync({ branches: 'main, develop', syncLimit: 'all' });
    expect(await given.ids('pipeline-')).toEqual(expect.arrayContaining(children.map(id)));
    const elsewhere = project.startChildPipeline(project.startPipeline({ ref: 'other' }));
    given.world.pass(minutes(5));
    await given.sync({ branches: 'main, develop', syncLimit: 'all' });
    expect(await given.ids('pipeline-')).not.toContain(id(elsewhere));
  });

  test('come although GitLab cannot answer for their parent, in a first reading and later', async () => {
    const project = given.world.addProject('acme/shop');
    const children: Array<{ readonly id: number }> = [];
    const bear = () => {
      project.startPipeline({ ref: 'main' });
      const parent = project.startPipeline({ ref: 'main' });
      given.world.poisons.add({ type: 'pipeline', projectId: project.id, id: parent.id, how: 'cut-off' });
      children.push(project.startChildPipeline(parent));
      given.world.pass(minutes(5));
    };
    bear();
    await given.sync({ ...config, maxAttempts: 1 });
    expect(await given.ids('pipeline-')).toEqual(expect.arrayContaining(children.map(id)));
    bear();
    await given.sync({ ...config, maxAttempts: 1 });
    expect(await given.ids('pipeline-')).toEqual(expect.arrayContaining(children.map(id)));
  });
});
