import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describeDatabases('when a version happened', (kind) => {
  const given = useSync(kind);

  /** Status, minute in GitLab at which it happened, and minute at which it was seen, of each version of an event. */
  const versions = async (eventId: string) => {
    const rows = await given.database.em.fork().execute<Array<{ status: string; happened: string | number; seen: string | number }>>(
      `select v.status, extract(epoch from v.happened_at) / 60 as happened, extract(epoch from v.seen_at) / 60 as seen
       from change_event_versions v join change_events e on e.id = v.change_event_id
       where e.connection_id = ? and e.event_id = ? order by v.version`,
      [given.connectionId, eventId],
    );
    const minute = (value: string | number) => Math.round(Number(value) - Date.parse('2026-11-23T08:00:00Z') / 60_000);
    return rows.map(({ status, happened, seen }) => [status, minute(happened), minute(seen)]);
  };

  test('a merge request is opened, merged, closed and opened again at GitLab’s time, whatever comes after it', async () => {
    const project = given.world.addProject('acme/shop');
    const [merged, closed] = [project.openMergeRequest({ title: 'Cart' }), project.openMergeRequest({ title: 'Basket' })];
    given.world.pass(minutes(5));
    project.editMergeRequest(merged, { notes: merged.notes + 1 });
    given.world.pass(minutes(5));
    // Read at minute 10, 5 minutes after a comment.
    await given.sync();
    given.world.pass(minutes(10));
    project.mergeMergeRequest(merged);
    project.closeMergeRequest(closed);
    given.world.pass(minutes(7));
    for (const each of [merged, closed]) project.editMergeRequest(each, { notes: each.notes + 1 });
    given.world.pass(minutes(3));
    await given.sync();
    project.reopenMergeRequest(closed);
    given.world.pass(minutes(10));
    await given.sync();
    expect(await versions('mr-acme/shop-1')).toEqual([
      ['opened', 0, 10],
      ['merged', 20, 30],
    ]);
    expect(await versions('mr-acme/shop-2')).toEqual([
      ['opened', 0, 10],
      ['closed', 20, 30],
      ['opened', 30, 40],
    ]);
    const rows = await given.rows();
    expect(rows.get('mr-acme/shop-1')?.timestamp).toBe('2026-11-23T08:27:00.000Z');
  });

  test('a closed merge request is asked for its time once, and a GitLab that does not tell it closes it at its last update', async () => {
    const project = given.world.addProject('acme/shop');
    const [first, second] = [project.openMergeRequest({ title: 'Cart' }), project.openMergeRequest({ title: 'Basket' })];
    const questions = () => given.fake.seen.filter(({ operation }) => operation === 'MergeRequestClosings').length;
    await given.sync();
    given.world.pass(minutes(10));
    project.closeMergeRequest(first);
    given.world.pass(minutes(10));
    project.editMergeRequest(first, { notes: 1 });
    for (let pass = 0; pass < 3; pass++) await given.sync();
    expect(questions()).toBe(1);
    expect((await versions('mr-acme/shop-1')).at(-1)).toEqual(['closed', 10, 20]);
    given.world.schema = { version: '16.2', edition: 'EE' };
    project.closeMergeRequest(second);
    given.world.pass(minutes(10));
    project.editMergeRequest(second, { notes: 1 });
    await given.sync();
    expect((await versions('mr-acme/shop-2')).at(-1)).toEqual(['closed', 30, 30]);
  });

  test('a pipeline fails when it has finished, and a job that runs again later moves nothing', async () => {
    const project = given.world.addProject('acme/shop');
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'test' }] });
    given.world.pass(minutes(5));
    await given.sync();
    given.world.pass(minutes(5));
    project.finishPipeline(pipeline, 'FAILED');
    given.world.pass(minutes(10));
    await given.sync();
    const all = await versions(`pipeline-acme/shop-${pipeline.id}`);
    expect(all.at(-1)).toEqual(['failed', 10, 20]);
    expect(all.map(([, happened]) => happened)).toEqual(all.map(([, happened]) => happened).toSorted((a, b) => Number(a) - Number(b)));
    project.retryPipeline(pipeline);
    given.world.pass(minutes(5));
    await given.sync();
    expect((await versions(`pipeline-acme/shop-${pipeline.id}`)).at(-1)).toEqual(['running', 20, 25]);
  });

  test('nothing happens later than it is seen, however fast the clock is that dates rows', async () => {
    const project = given.world.addProject('acme/shop');
    given.world.workerAhead = minutes(10);
    const pipeline = project.startPipeline({ ref: 'main' });
    project.openMergeRequest({ title: 'Cart' });
    await given.sync();
    for (const id of [`pipeline-acme/shop-${pipeline.id}`, 'mr-acme/shop-1']) {
      expect((await versions(id)).filter(([, happened, seen]) => Number(happened) > Number(seen))).toEqual([]);
    }
  });

  test('a release with a time in the future is upcoming until then, and published then, without a request for it', async () => {
    const project = given.world.addProject('acme/shop');
    for (let index = 0; index < 5; index++) {
      const release = project.createRelease({ tag: `v${index}` });
      if (index === 0) project.editRelease(release, { releasedAt: given.world.now + minutes(30) });
      given.world.pass(minutes(1));
    }
    await given.sync();
    given.world.pass(minutes(20));
    const { requests } = await given.sync();
    expect((await given.rows()).get('release-acme/shop-v0')?.status).toBe('upcoming');
    given.world.pass(minutes(10));
    expect(await given.sync()).toMatchObject({ requests });
    expect((await given.rows()).get('release-acme/shop-v0')?.status).toBe('published');
    expect(await versions('release-acme/shop-v0')).toEqual([
      ['upcoming', 5, 5],
      ['published', 30, 35],
    ]);
    await given.sync({ reconcileInterval: 0 });
    expect(await versions('release-acme/shop-v0')).toHaveLength(2);
  });

  test('a commit and an image arrive when they are seen, and those of the first reading are of their own date', async () => {
    const project = given.world.addProject('acme/shop');
    const days = (count: number) => given.world.now - minutes(24 * 60 * count);
    const [first] = [project.git.commit('main', { title: 'first', committedAt: days(3) })];
    const repository = project.addImageRepository('web');
    project.pushTag(repository, 'latest');
    const digest = () => repository.tags.get('latest')?.digest;
    const image = (of: string | undefined) => `registry-acme/shop/web-latest-${of}`;
    const before = digest();
    given.world.pass(minutes(10));
    const config = { branches: 'main', tagChecks: 10 };
    await given.sync(config);
    const pushed = project.git.commit('main', { title: 'made two days ago, pushed now', committedAt: days(2) });
    given.world.pass(minutes(10));
    project.pushTag(repository, 'latest');
    given.world.pass(minutes(10));
    await given.sync(config);
    expect(await versions(`commit-acme/shop-${first.sha}`)).toEqual([['committed', -3 * 24 * 60, 10]]);
    expect(await versions(`commit-acme/shop-${pushed.sha}`)).toEqual([['committed', 30, 30]]);
    // Replaced when the tag was pushed again, which GitLab says.
    expect(await versions(image(before))).toEqual([
      ['published', 0, 10],
      ['published', 20, 30],
    ]);
    expect(await versions(image(digest()))).toEqual([['published', 20, 30]]);
    expect((await given.rows()).get(`commit-acme/shop-${pushed.sha}`)?.timestamp).toMatch('2026-11-21T08:10:00');
  });

  test('a commit arrives with the merge or the push that brought it, whatever its date, and with no other', async () => {
    const project = given.world.addProject('acme/shop');
    project.git.commit('main', { title: 'first' });
    const config = { branches: 'main' };
    await given.sync(config);
    const happened = async (sha: string) => (await versions(`commit-acme/shop-${sha}`)).map((version) => version.slice(1));
    const ago = given.world.now - minutes(24 * 60);
    project.git.reset('feature', project.git.branches.get('main') ?? '');
    const onFeature = [1, 2].map((count) => project.git.commit('feature', { title: `feature ${count}`, committedAt: ago }));
    const merged = project.openMergeRequest({ title: 'Feature', sourceBranch: 'feature' });
    given.world.pass(minutes(10));
    project.mergeMergeRequest(merged);
    given.world.pass(minutes(5));
    // Dated before the merge, so GitLab lists it below the merge commit.
    const pushed = [1, 2].map((count) => project.git.commit('main', { title: `pushed ${count}`, committedAt: ago }));
    project.startPipeline({ ref: 'main' });
    given.world.pass(minutes(5));
    const unknown = project.git.commit('main', { title: 'without a pipeline', committedAt: ago });
    project.startPipeline({ ref: 'main', source: 'schedule' });
    given.world.pass(minutes(5));
    await given.sync(config);
    for (const { sha } of onFeature) expect(await happened(sha)).toEqual([[10, 25]]);
    expect(await happened(merged.mergeCommitSha ?? '')).toEqual([[10, 25]]);
    for (const { sha } of pushed) expect(await happened(sha)).toEqual([[15, 25]]);
    expect(await happened(unknown.sha)).toEqual([[25, 25]]);
  });
});
