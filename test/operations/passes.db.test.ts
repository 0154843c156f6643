import { describe, expect, test } from 'vitest';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describeDatabases('passes', (kind) => {
  const given = useSync(kind);

  describe('a first pass', () => {
    test('stores all six kinds of change with every field', async () => {
      const { world: lively } = createDemoWorld();
      given.enter(lively);
      const report = await given.sync({ branches: 'main' });
      expect(report).toMatchObject({ fetched: 18, stored: 18, projects: 3, problems: [] });
      const stored = await given.rows();
      expect(stored.get('mr-acme/web/shop-2')).toMatchObject({
        title: '[MR] Checkout in one page',
        author: 'linus',
        status: 'opened',
        timestamp: '2026-11-23T07:07:00.000Z',
        url: `${fakeUrl}/acme/web/shop/-/merge_requests/2`,
        description: {
          text: 'What Checkout in one page is about',
          labels: ['frontend', 'checkout'],
          files_changed: ['src/checkout.tsx', 'src/cart.ts', 'test/checkout.test.ts'],
          related_events: [],
        },
        metadata: { project: 'acme/web/shop', approved_by: ['ada'], approved_count: 1, user_notes_count: 4, additions: 322, merged: false },
      });
      expect(stored.get('pipeline-acme/api-102')).toMatchObject({
        title: '[Pipeline] ✗ main',
        status: 'failed',
        description: { failed_jobs: [{ name: 'integration', status: 'failed', stage: 'test' }] },
        metadata: { pipeline_id: 102, failed_jobs_count: 1, duration_seconds: 540 },
      });
      expect(stored.get('release-acme/api-v2.3.0')).toMatchObject({
        title: '[Release] Orders 2.3',
        description: { text: 'Notes of v2.3.0', assets: ['api-linux-amd64.tar.gz'] },
        status: 'published',
      });
      const commit = [...stored.values()].find(({ title }) => title === '[Commit] Serve orders');
      expect(commit).toMatchObject({
        author: 'Barbara Liskov',
        status: 'committed',
        metadata: { branch: 'main', additions: 900, deletions: 0, total_changes: 900 },
      });
      const image = [...stored.values()].find(({ title }) => title === '[Image] acme/api/server:v2.3.0');
      expect(image).toMatchObject({
        status: 'published',
        metadata: { size_bytes: 1_610_612_736, digest: expect.stringMatching(/^sha256:\w{64}$/) as unknown },
      });
      expect(image?.event_id).toBe(`registry-acme/api/server-v2.3.0-${image?.metadata.digest as string}`);
    });

    test('of ten projects with 50 of each needs 2 GraphQL requests, and one for the environments of each', async () => {
      for (let i = 0; i < 10; i++) {
        const project = given.world.addProject(`acme/p${i}`);
        for (let j = 0; j < 50; j++) {
          project.openMergeRequest({ title: `${j}` });
          project.startPipeline({ ref: 'main' });
          project.createRelease({ tag: `v${j}` });
        }
      }
      expect(await given.sync()).toMatchObject({ fetched: 1_500, stored: 1_500, problems: [] });
      const environments = Array.from({ length: 10 }, () => 'EnvironmentPage');
      expect(given.fake.seen.map(({ operation }) => operation)).toEqual(['MemberProjects', 'ProjectChanges', ...environments]);
    });

    test('reads the newest of each, as many as asked for', async () => {
      const project = given.world.addProject('acme/shop');
      for (let i = 1; i <= 6; i++) {
        given.world.pass();
        project.openMergeRequest({ title: `${i}` });
        project.startPipeline({ ref: 'main' });
        project.createRelease({ tag: `v${i}` });
        project.git.commit('main', { title: `${i}` });
      }
      const [oldest] = project.mergeRequests;
      given.world.pass();
      if (oldest) project.editMergeRequest(oldest, { title: 'again' });
      expect(await given.sync({ syncLimit: 2, branches: 'main' })).toMatchObject({ fetched: 8, stored: 8 });
      expect(await given.ids('mr-')).toEqual(['mr-acme/shop-1', 'mr-acme/shop-6']);
      expect(await given.ids('pipeline-')).toEqual(['pipeline-acme/shop-106', 'pipeline-acme/shop-105']);
      expect(await given.ids('release-')).toEqual(['release-acme/shop-v6', 'release-acme/shop-v5']);
      const commits = [...(await given.rows()).values()].filter(({ event_id }) => event_id.startsWith('commit-'));
      expect(commits.map(({ title }) => title)).toEqual(['[Commit] 6', '[Commit] 5']);
    });

    test('reads everything with the limit all, over many pages', async () => {
      const project = given.world.addProject('acme/shop');
      for (let i = 0; i < 230; i++) {
        given.world.pass();
        project.openMergeRequest({ title: `${i}`, isHidden: i % 3 === 0 });
        project.startPipeline({ ref: 'main' });
        project.createRelease({ tag: `v${i}` });
        project.git.commit('main', { title: `${i}` });
      }
      const report = await given.sync({ syncLimit: 'all', branches: 'main' });
      expect(report.problems).toEqual([]);
      const visible = project.mergeRequests.filter(({ isHidden }) => !isHidden).length;
      expect(report.streams).toMatchObject({
        'merge-requests': { inserted: visible },
        pipelines: { inserted: 230 },
        releases: { inserted: 230 },
        commits: { inserted: 230 },
      });
    });

    test('asks for no page that it does not take', async () => {
      const project = given.world.addProject('acme/shop');
      for (let i = 0; i < 400; i++) {
        given.world.pass();
        project.openMergeRequest({ title: `${i}` });
        project.startPipeline({ ref: 'main' });
      }
      const report = await given.sync({ syncLimit: 230 });
      expect(report.streams).toMatchObject({ 'merge-requests': { fetched: 230 }, pipelines: { fetched: 230 } });
      const rowsOf = (operation: string) =>
        given.fake.seen.flatMap((seen) => (seen.operation === operation ? [seen.variables['first']] : []));
      // The first 50 came with the batch.
      expect(rowsOf('MergeRequestPage')).toEqual([100, 80]);
      expect(rowsOf('PipelinePage')).toEqual([100, 80]);
    });

    test('completes lists inside of rows that do not fit on their page', async () => {
      const project = given.world.addProject('acme/shop');
      const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
      project.openMergeRequest({ title: 'x', labels: names(205, 'label'), approvedBy: names(101, 'user') });
      const pipeline = project.startPipeline({ ref: 'main', jobs: names(130, 'job').map((name) => ({ name })) });
      project.finishPipeline(pipeline, 'FAILED', names(130, 'job'));
      project.createRelease({ tag: 'v1', links: names(120, 'asset').map((name) => ({ name, url: 'x' })) });
      await given.sync();
      const stored = await given.rows();
      expect(stored.get('mr-acme/shop-1')?.description.labels).toEqual(names(205, 'label'));
      expect(stored.get('mr-acme/shop-1')?.metadata).toMatchObject({ approved_count: 101, approved_by: names(101, 'user') });
      expect(stored.get('pipeline-acme/shop-101')?.metadata.failed_jobs_count).toBe(130);
      expect(stored.get('release-acme/shop-v1')?.description.assets).toEqual(names(120, 'asset'));
    });

    test('does not stop at authors, dates and sizes that are missing', async () => {
      const project = given.world.addProject('acme/shop');
      project.openMergeRequest({ title: 'x', author: null, description: null });
      project.startPipeline({ ref: 'main', user: null });
      project.createRelease({ tag: 'v1', author: null });
      const repository = project.addImageRepository('');
      project.pushTag(repository, 'multi', { createdAt: null, totalSize: null });
      expect(await given.sync()).toMatchObject({ stored: 4, problems: [] });
      expect([...(await given.rows()).values()].map(({ author }) => author)).toEqual(['unknown', 'unknown', 'unknown', 'unknown']);
      given.world.pass(minutes(5));
      expect(await given.sync()).toMatchObject({ stored: 0 });
    });
  });

  describe('a second pass', () => {
    test('without changes writes no row', async () => {
      const { world: lively } = createDemoWorld();
      given.enter(lively);
      await given.sync({ branches: 'main' });
      const before = await given.rows();
      expect(await given.sync({ branches: 'main' })).toMatchObject({ stored: 0, problems: [] });
      expect(await given.rows()).toEqual(before);
    });

    test('writes what has changed, and a tag that moved as a new image', async () => {
      const demo = createDemoWorld();
      given.enter(demo.world);
      await given.sync({ branches: 'main' });
      demo.happen();
      const report = await given.sync({ branches: 'main' });
      expect(report).toMatchObject({ stored: 8, problems: [] });
      expect(report.streams).toMatchObject({
        'merge-requests': { inserted: 0, updated: 1 },
        pipelines: { inserted: 2, updated: 0 },
        releases: { inserted: 1, updated: 0 },
        commits: { inserted: 2, updated: 0 },
        'registry-images': { inserted: 1, updated: 0 },
        deployments: { inserted: 1, updated: 0 },
      });
      const stored = await given.rows();
      expect(stored.get('mr-acme/web/shop-2')).toMatchObject({
        status: 'merged',
        metadata: { merged: true, merged_by: 'grace', approved_by: ['ada', 'grace'], approved_count: 2 },
      });
      expect([...stored.values()].filter(({ title }) => title === '[Image] acme/web/shop:latest')).toHaveLength(2);
    });

    test('keeps the ids of a project that has moved', async () => {
      const project = given.world.addProject('acme/shop');
      project.openMergeRequest({ title: 'x' });
      const repository = project.addImageRepository('web');
      project.pushTag(repository, 'v1');
      await given.sync();
      const before = await given.ids();
      project.fullPath = 'new/home';
      project.imageRepositories[0] = { ...repository, path: 'new/home/web' };
      expect(await given.sync()).toMatchObject({ problems: [] });
      expect(await given.ids()).toEqual(before);
      expect((await given.rows()).get('mr-acme/shop-1')).toMatchObject({
        metadata: { project: 'new/home' },
        url: `${fakeUrl}/new/home/-/merge_requests/1`,
      });
    });
  });
});
