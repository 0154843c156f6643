import { expect, test } from 'vitest';
import { days, hours, minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('a GitLab that was restored from a backup', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main', syncLimit: 'all', reconcileInterval: 31_536_000, projectLimit: 0 };

  const first = (project: FakeProject) => {
    const [mergeRequest] = project.mergeRequests;
    if (!mergeRequest) throw new Error('the project has no merge request');
    return mergeRequest;
  };
  /** Two projects with a history of their own. */
  const begin = () => {
    const projects = ['acme/shop', 'acme/api'].map((path) => {
      const project = given.world.addProject(path);
      project.git.commit('main', { title: 'the first commit' });
      for (const title of ['merged later', 'stays open']) project.openMergeRequest({ title });
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: 'v1' });
      return project;
    });
    given.world.pass(days(3));
    return projects as [FakeProject, FakeProject];
  };
  const statusOf = async (id: string) => (await given.rows()).get(id)?.status;
  /** Commits have a notice of their own, when the end of a branch is no more. */
  const problems = async (more: object = {}) =>
    (await given.sync({ ...config, ...more })).problems.filter(({ expected, stream }) => !expected && stream !== 'commits');
  const restored = (path: string) =>
    expect.stringMatching(
      new RegExp(
        `^this GitLab was restored from a backup: number \\d+ of the (merge requests|pipelines) of ${path} changed at \\S+ when it was last read, and at \\S+ now; the next pass reads again everything that is stored$`,
      ),
    ) as string;
  const named = (path = 'acme/(shop|api)') => [
    { project: given.world.projects[0] ? 'https://gitlab.example.com' : '', outcome: 'partial', reason: restored(path), expected: false },
  ];

  test('is named once, and what went back is read again, in every project', async () => {
    const [shop, api] = begin();
    expect(await problems()).toEqual([]);
    const restore = given.world.snapshot();
    given.world.pass(hours(2));
    api.mergeMergeRequest(first(api));
    given.world.pass(hours(2));
    shop.mergeMergeRequest(first(shop));
    expect(await problems()).toEqual([]);
    expect([await statusOf('mr-acme/shop-1'), await statusOf('mr-acme/api-1')]).toEqual(['merged', 'merged']);
    restore();
    given.world.pass(hours(5));
    expect(await problems()).toEqual(named('acme/shop'));
    given.world.pass(minutes(5));
    expect(await problems()).toEqual([]);
    expect([await statusOf('mr-acme/shop-1'), await statusOf('mr-acme/api-1')]).toEqual(['opened', 'opened']);
    given.world.pass(minutes(5));
    given.fake.seen.length = 0;
    expect(await problems()).toEqual([]);
    expect(given.fake.seen.filter(({ operation }) => operation.endsWith('Time'))).toEqual([]);
  });

  test('is noticed although the first pass after it was stopped, and new rows came', async () => {
    const [shop] = begin();
    await problems();
    const restore = given.world.snapshot();
    given.world.pass(hours(2));
    shop.mergeMergeRequest(first(shop));
    await problems();
    restore();
    given.world.pass(hours(5));
    const second = shop.openMergeRequest({ title: 'after the restore' });
    given.world.pass(minutes(10));
    shop.startPipeline({ ref: 'main' });
    const stop = new AbortController();
    given.fake.intercept = (_, { operation }) => {
      if (operation.endsWith('Time')) stop.abort();
      return undefined;
    };
    expect(await given.fail(config, { signal: stop.signal })).toMatchObject({ code: 'aborted' });
    given.fake.intercept = undefined;
    expect(await statusOf(`mr-acme/shop-${second.iid}`)).toBe('opened');
    expect(await problems()).toEqual(named('acme/shop'));
    expect(await problems()).toEqual([]);
    expect(await statusOf('mr-acme/shop-1')).toBe('opened');
  });

  test('gives numbers again: the table ends with what GitLab has under them', async () => {
    const [shop] = begin();
    await problems();
    const restore = given.world.snapshot();
    given.world.pass(hours(2));
    shop.mergeMergeRequest(first(shop));
    const lost = shop.openMergeRequest({ title: 'lost' });
    const lostPipeline = shop.startPipeline({ ref: 'main' });
    await problems();
    restore();
    given.world.pass(hours(5));
    const other = shop.openMergeRequest({ title: 'another' });
    const otherPipeline = shop.startPipeline({ ref: 'main' });
    expect([other.iid, otherPipeline.id]).toEqual([lost.iid, lostPipeline.id]);
    expect(await problems()).toEqual(named('acme/shop'));
    expect(await problems()).toEqual([]);
    expect((await given.rows()).get(`mr-acme/shop-${other.iid}`)?.title).toBe('[MR] another');
    expect(await statusOf('mr-acme/shop-1')).toBe('opened');
  });

  test.each<[string, (project: FakeProject) => void]>([
    ['deletes its newest merge request', (project) => project.deleteMergeRequest(first(project))],
    ['moves the project', (project) => void (project.fullPath = 'acme/moved')],
    ['retargets its newest merge request', (project) => project.editMergeRequest(first(project), { targetBranch: 'develop' })],
    ['hides its newest merge request', (project) => void (first(project).isHidden = true)],
    ['shows the token nothing of the project', (project) => void (project.role = 'none')],
    ['shows the token less', (project) => void (project.role = 'guest')],
  ])('is not what is seen when somebody %s; nothing is asked twice', async (_, happen) => {
    const [shop] = begin();
    given.world.pass(hours(1));
    shop.mergeMergeRequest(first(shop));
    await problems();
    happen(shop);
    for (let pass = 0; pass < 2; pass++) {
      given.world.pass(minutes(5));
      given.fake.seen.length = 0;
      expect((await problems()).filter(({ reason }) => reason.includes('restored'))).toEqual([]);
    }
    expect(given.fake.seen.filter(({ operation }) => operation.endsWith('Time'))).toEqual([]);
  });

  test('costs an ordinary pass no request', async () => {
    const [shop, api] = begin();
    await problems();
    for (let pass = 0; pass < 4; pass++) {
      given.world.pass(minutes(5));
      if (pass % 2 === 0) {
        shop.startPipeline({ ref: 'main' });
        api.editMergeRequest(first(api), { title: `edited ${pass}` });
      }
      await problems();
    }
    expect(given.fake.seen.filter(({ operation }) => operation.endsWith('Time'))).toEqual([]);
  });
});
