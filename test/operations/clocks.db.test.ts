import { expect, test } from 'vitest';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { days, hours, minutes, seconds } from '../../fake-gitlab/world/time.ts';
import { createHostStates } from '../../src/index.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('clocks that are apart', (kind) => {
  const given = useSync(kind);

  const addProject = (path = 'acme/shop'): FakeProject => {
    const project = given.world.addProject(path);
    project.openMergeRequest({ title: 'the first' });
    project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: 'v0' });
    given.world.pass(minutes(5));
    return project;
  };
  const changeAll = (project: FakeProject, name: string) => {
    project.openMergeRequest({ title: name });
    project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: name });
    project.editMergeRequest(project.mergeRequests[0] as never, { title: `the first, ${name}` });
  };
  /** Titles of merge requests, numbers of pipelines and tags that GitLab has, and the table has not. */
  const missing = async () => {
    const titles = new Set([...(await given.rows()).values()].map(({ title }) => title));
    const ids = new Set(await given.ids());
    return given.world.projects.flatMap(({ fullPath, mergeRequests, pipelines, releases }) => [
      ...mergeRequests.filter(({ title }) => !titles.has(`[MR] ${title}`)).map(({ title }) => title),
      ...pipelines.filter(({ id }) => !ids.has(`pipeline-${fullPath}-${id}`)).map(({ id }) => id),
      ...releases.filter(({ tag }) => !ids.has(`release-${fullPath}-${tag}`)).map(({ tag }) => tag),
    ]);
  };

  test.each([
    ['a few minutes ahead', minutes(5)],
    ['hours ahead', hours(3)],
    ['days ahead', days(40)],
    ['minutes behind', -minutes(5)],
  ])('nothing is lost where Date is %s all the time', async (_, ahead) => {
    given.world.dateAhead = ahead;
    const project = addProject();
    await given.sync();
    for (let pass = 0; pass < 3; pass++) {
      given.world.pass(seconds(1));
      changeAll(project, `soon after pass ${pass}`);
      given.world.pass(minutes(5));
      await given.sync();
      expect(await missing()).toEqual([]);
    }
  });

  test('nothing is lost where Date was hours ahead once', async () => {
    const project = addProject();
    given.world.dateAhead = hours(3);
    await given.sync();
    given.world.dateAhead = 0;
    for (let pass = 0; pass < 10; pass++) {
      given.world.pass(minutes(20));
      changeAll(project, `after pass ${pass}`);
      await given.sync();
    }
    expect(await missing()).toEqual([]);
  });

  test.each([true, false])(
    'where there is no Date every change is read, and no row more often than with it (first pass over an empty GitLab: %s)',
    async (isEmpty) => {
      given.world.sendsDate = false;
      const project = isEmpty ? given.world.addProject('acme/shop') : addProject();
      await given.sync({ syncLimit: 10 });
      for (let i = 0; i < 60; i++) {
        given.world.pass(seconds(5));
        project.openMergeRequest({ title: `new ${i}` });
        project.startPipeline({ ref: 'main' });
      }
      given.world.pass(minutes(5));
      await given.sync({ syncLimit: 10 });
      expect(await missing()).toEqual([]);
      const { fetched } = await given.sync({ syncLimit: 10 });
      expect(fetched).toBeLessThan(40);
    },
  );

  test('an empty GitLab whose Date is ahead loses nothing of its first rows', async () => {
    given.world.dateAhead = minutes(5);
    const project = given.world.addProject('acme/shop');
    await given.sync({ syncLimit: 2 });
    given.world.pass(seconds(1));
    for (let i = 0; i < 10; i++) changeAllNew(project, `${i}`);
    await given.sync({ syncLimit: 2 });
    expect(await missing()).toEqual([]);
  });
  const changeAllNew = (project: FakeProject, name: string) => {
    project.openMergeRequest({ title: name });
    project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: name });
  };

  test.each([
    ['right', 0],
    ['ahead', minutes(5)],
  ])('a row that is dated in the far future moves no watermark (Date is %s)', async (_, ahead) => {
    given.world.dateAhead = ahead;
    const project = addProject();
    given.world.stampAhead(days(400), () => project.openMergeRequest({ title: 'imported' }));
    await given.sync();
    given.world.pass(seconds(1));
    changeAll(project, 'soon after');
    given.world.pass(minutes(5));
    await given.sync();
    expect(await missing()).toEqual([]);
  });

  test('a worker that is fast moves no watermark beyond Date', async () => {
    given.world.workerAhead = minutes(4);
    const project = addProject();
    project.startPipeline({ ref: 'main' });
    await given.sync();
    for (let pass = 0; pass < 3; pass++) {
      given.world.pass(seconds(1));
      project.openMergeRequest({ title: `after pass ${pass}` });
      project.startPipeline({ ref: 'main' });
      await given.sync();
    }
    expect(await missing()).toEqual([]);
  });

  test('rows that are dated later than Date are named with the difference, and nothing is wrong', async () => {
    given.world.workerAhead = seconds(59);
    const project = addProject();
    project.startPipeline({ ref: 'main' });
    expect((await given.sync()).problems).toEqual([]);
    given.world.dateAhead = -minutes(3);
    project.openMergeRequest({ title: 'later than Date' });
    expect((await given.sync()).problems).toMatchObject([
      {
        project: 'https://gitlab.example.com',
        expected: true,
        reason: expect.stringContaining('dated up to 239 s later than its Date') as unknown,
      },
    ]);
    given.world.dateAhead = 0;
    given.world.pass(minutes(5));
    expect((await given.sync()).problems).toEqual([]);
  });

  test.each([
    ['in one process', () => ({})],
    ['in a process for each pass', () => ({ hostStates: createHostStates() })],
  ])('a row of one project proves the time for all: they stay in one batch (%s)', async (_, options) => {
    for (let i = 0; i < 20; i++) addProject(`acme/p${i}`);
    await given.sync({ projectLimit: 0 }, options());
    for (let pass = 0; pass < 3; pass++) {
      given.world.pass(hours(2));
      changeAll(given.world.projects[pass] as FakeProject, `${pass}`);
      await given.sync({ projectLimit: 0 }, options());
    }
    given.fake.seen.length = 0;
    await given.sync({ projectLimit: 0 }, options());
    expect(given.fake.seen.filter((request) => request.kind === 'graphql')).toHaveLength(1);
  });

  test('many changes are read once', async () => {
    const project = addProject();
    await given.sync();
    for (let i = 0; i < 300; i++) {
      given.world.pass(seconds(10));
      project.openMergeRequest({ title: `${i}` });
      project.startPipeline({ ref: 'main' });
    }
    await given.sync();
    expect(await missing()).toEqual([]);
    expect((await given.sync()).fetched).toBeLessThan(20);
  });
});
