import { describe, expect, test } from 'vitest';
import { readHistory } from '../../src/store/events/read-events.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describeDatabases('what an investigator relies on', (kind) => {
  const given = useSync(kind);
  const next = (config = {}) => {
    given.world.pass(minutes(5));
    return given.sync(config);
  };

  describe('history', () => {
    const history = async (eventId: string) => (await readHistory(given.database.em, { connectionId: given.connectionId, eventId })) ?? [];

    test('has every state that was seen, with old and new values and both times', async () => {
      const project = given.world.addProject('acme/shop');
      const mergeRequest = project.openMergeRequest({ title: 'Add a cart' });
      await given.sync();
      given.world.pass(minutes(1));
      project.approve(mergeRequest, 'grace');
      await next();
      project.mergeMergeRequest(mergeRequest, 'linus');
      await next();
      const versions = await history('mr-acme/shop-1');
      expect(versions.map(({ version, status }) => [version, status])).toEqual([
        [1, 'opened'],
        [2, 'opened'],
        [3, 'merged'],
      ]);
      expect(versions[0]).toMatchObject({ changes: null, happenedAt: '2026-11-23T08:00:00.000Z', seenAt: '2026-11-23T08:00:00.000Z' });
      expect(versions[1]?.changes).toEqual({ approved_by: { old: [], new: ['grace'] }, approved_count: { old: 0, new: 1 } });
      expect(versions[1]).toMatchObject({ happenedAt: '2026-11-23T08:01:00.000Z', seenAt: '2026-11-23T08:06:00.000Z' });
      expect(versions[2]?.changes).toMatchObject({
        status: { old: 'opened', new: 'merged' },
        merged: { old: false, new: true },
        merged_by: { old: null, new: 'linus' },
      });
    });

    test('of a pipeline has running, failed and success', async () => {
      const project = given.world.addProject('acme/shop');
      const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'unit' }] });
      await given.sync();
      project.finishPipeline(pipeline, 'FAILED');
      await next();
      project.retryPipeline(pipeline);
      project.finishPipeline(pipeline, 'SUCCESS');
      await next();
      expect((await history(`pipeline-acme/shop-${pipeline.id}`)).map(({ status }) => status)).toEqual(['running', 'failed', 'success']);
    });

    test('costs nothing when nothing changed, and is no longer for links and moves', async () => {
      const project = given.world.addProject('acme/shop');
      const mergeRequest = project.openMergeRequest({ title: 'x' });
      project.mergeMergeRequest(mergeRequest);
      await given.sync();
      await next();
      await next({ branches: 'main' });
      project.moveTo('acme/store');
      await next({ branches: 'main' });
      expect((await given.rows()).get('mr-acme/shop-1')?.description.related_events).toHaveLength(1);
      expect(await history('mr-acme/shop-1')).toHaveLength(1);
      expect(await readHistory(given.database.em, { eventId: 'mr-acme/shop-99' })).toBeNull();
    });
  });

  test('links lead from a merge request to its commit, its pipelines, its release and its image, and back', async () => {
    const project = given.world.addProject('acme/shop');
    project.git.commit('main', { title: 'start' });
    const mergeRequest = project.openMergeRequest({ title: 'x' });
    await given.sync({ branches: 'main' });
    project.mergeMergeRequest(mergeRequest);
    const sha = mergeRequest.mergeCommitSha ?? '';
    const pipeline = project.startPipeline({ ref: 'main', sha });
    await next({ branches: 'main' });
    project.createRelease({ tag: 'v1.0.0', sha });
    const repository = project.addImageRepository('');
    project.pushTag(repository, sha.slice(0, 8));
    project.pushTag(repository, '1.0.0');
    await next({ branches: 'main' });
    const related = async (prefix: string) => {
      const row = [...(await given.rows()).values()].find(({ event_id }) => event_id.startsWith(prefix));
      return ((row?.description.related_events ?? []) as string[]).map((id) => id.replace(/-sha256:.*/, '')).toSorted();
    };
    const [mr, commit, run, release] = [
      'mr-acme/shop-1',
      `commit-acme/shop-${sha}`,
      `pipeline-acme/shop-${pipeline.id}`,
      'release-acme/shop-v1.0.0',
    ];
    const [bySha, byVersion] = [`registry-acme/shop-${sha.slice(0, 8)}`, 'registry-acme/shop-1.0.0'];
    expect(await related(mr)).toEqual([commit, run, bySha, release]);
    expect(await related(commit)).toEqual([mr, run, bySha, release]);
    expect(await related(run)).toEqual([commit, mr, bySha, release]);
    expect(await related(release)).toEqual([commit, mr, run, byVersion, bySha].toSorted());
    expect(await related(bySha)).toEqual([commit, mr, run, release]);
    expect(await related(byVersion)).toEqual([release]);
  });

  describe('identity', () => {
    test('a configured path is followed when its project moves, and another project at the old path is read beside it', async () => {
      const project = given.world.addProject('acme/shop');
      project.openMergeRequest({ title: 'first' });
      await given.sync({ repos: 'acme/shop' });
      project.moveTo('new/home');
      for (let pass = 0; pass < 3; pass++) expect((await next({ repos: 'acme/shop' })).problems).toEqual([]);
      project.openMergeRequest({ title: 'second' });
      const other = given.world.addProject('acme/shop');
      other.openMergeRequest({ title: 'of another project' });
      expect(await next({ repos: 'acme/shop' })).toMatchObject({ stored: 2, problems: [] });
      const rows = await given.rows();
      expect([...rows.keys()].toSorted()).toEqual(['mr-acme/shop-1', 'mr-acme/shop-2', `mr-acme/shop~${other.id}-1`]);
      expect(rows.get('mr-acme/shop-1')).toMatchObject({
        url: `${fakeUrl}/new/home/-/merge_requests/1`,
        metadata: { project: 'new/home' },
      });
    });

    test.each([
      ['a group', { repos: 'acme' }],
      ['the memberships', { projectLimit: 0 }],
    ])('a project that vanishes from %s ends as gone, is said once, and comes back', async (_, config) => {
      const [shop, api] = ['acme/shop', 'acme/api'].map((path) => given.world.addProject(path));
      shop?.openMergeRequest({ title: 'x' });
      await given.sync(config);
      if (shop) shop.role = 'none';
      expect((await next(config)).problems).toMatchObject([{ project: 'acme/shop', outcome: 'gone', expected: false }]);
      expect(await next(config)).toMatchObject({ projects: 1, problems: [] });
      expect(await given.ids('mr-')).toEqual(['mr-acme/shop-1']);
      if (shop) shop.role = 'reporter';
      shop?.openMergeRequest({ title: 'y' });
      expect(await next(config)).toMatchObject({ projects: 2, stored: 1, problems: [] });
      expect(api?.id).toBeDefined();
    });

    test('a project that is no longer asked for is left alone, and asked about once', async () => {
      const [shop] = ['acme/shop', 'acme/api'].map((path) => given.world.addProject(path));
      await given.sync({ projectLimit: 0 });
      if (shop) shop.isMember = false;
      expect(await next({ projectLimit: 0 })).toMatchObject({ projects: 1, problems: [] });
      given.fake.seen.length = 0;
      await next({ projectLimit: 0 });
      expect(given.fake.seen.map(({ operation }) => operation)).toEqual(['ProjectChanges']);
    });
  });

  test('of two passes at once over one connection the second reads nothing, and says so', async () => {
    given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
    let others: Promise<unknown> | undefined;
    given.fake.intercept = async () => {
      others ??= given.run();
      await others;
      return undefined;
    };
    expect(await given.sync()).toMatchObject({ stored: 1 });
    expect(await others).toEqual({
      error: `Another pass over connection ${given.connectionId} is running: this pass read nothing`,
      code: 'busy',
    });
    given.fake.intercept = undefined;
    expect(await given.sync()).toMatchObject({ problems: [] });
  });
});
