import { expect, test } from 'vitest';
import { auditGitlab, prune, readCoverage, readTimeline } from '../../src/index.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { pruneEvents } from '../../src/store/events/prune-events.ts';
import { describeDatabases } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { openLockedStore } from '../support/locked-store.ts';
import { useSync } from './fixture.ts';

describeDatabases('pruning', (kind) => {
  const given = useSync(kind);
  const begin = Date.parse('2026-11-23T08:00:00Z');
  const at = (minute: number) => new Date(begin + minute * 60_000);
  const config = { branches: '', reconcileInterval: 0, syncLimit: 'all' };
  const pruned = (events: boolean, before = at(120)) =>
    pruneEvents(given.database.em, { before, events, connectionId: given.connectionId });
  const lines = async (from: Date, to: Date) =>
    (await readTimeline(given.database.em, { from, to, connectionIds: [given.connectionId], showNoise: true })).changes.map(
      ({ headline }) => headline,
    );
  const coverage = () => readCoverage(given.database.em, { connectionIds: [given.connectionId] });

  /** Two hours with a merged and an open merge request, a pipeline and a release; then another merge request. */
  const fill = async (): Promise<FakeProject> => {
    const project = given.world.addProject('acme/shop');
    const merged = project.openMergeRequest({ title: 'Refunds' });
    const open = project.openMergeRequest({ title: 'Stays open' });
    project.pushTag(project.addImageRepository('web'), 'prod');
    const pipeline = project.startPipeline({ ref: `refs/merge-requests/${open.iid}/head`, sha: open.headSha });
    await given.sync(config);
    given.world.pass(minutes(10));
    project.approve(merged, 'ada');
    project.finishPipeline(pipeline, 'SUCCESS');
    await given.sync(config);
    given.world.pass(minutes(10));
    project.mergeMergeRequest(merged);
    project.createRelease({ tag: 'v1' });
    await given.sync(config);
    given.world.pass(minutes(120));
    project.openMergeRequest({ title: 'Carts' });
    await given.sync(config);
    return project;
  };

  test('deletes versions that others follow, and says of windows that begin before that they are not complete', async () => {
    await fill();
    const late = await lines(at(120), at(1000));
    expect(await lines(at(0), at(120))).toHaveLength(8);
    expect((await coverage()).every(({ prunedBefore }) => prunedBefore === null)).toBe(true);
    expect(await pruned(false)).toEqual({ versions: 3, events: 0, gaps: 0 });
    expect(await lines(at(0), at(120))).toEqual([
      'opened !2 Stays open',
      expect.stringMatching(/^web:prod → /),
      'pipeline #101 passed on refs/merge-requests/2/head',
      'merged !1 into main by grace',
      'released v1',
    ]);
    expect(await lines(at(120), at(1000))).toEqual(late);
    expect((await coverage()).every(({ prunedBefore }) => prunedBefore === at(120).toISOString())).toBe(true);
    expect(await pruned(false)).toEqual({ versions: 0, events: 0, gaps: 0 });
    expect(await given.sync(config)).toMatchObject({ stored: 0, problems: [] });
  });

  test('goes on with the history of an event that changes again', async () => {
    const project = await fill();
    await pruned(false);
    given.world.pass(minutes(5));
    const [merged] = project.mergeRequests;
    if (merged) project.editMergeRequest(merged, { title: 'Refunds, again' });
    await given.sync(config);
    expect(await lines(at(144), at(1000))).toEqual(['retitled !1: Refunds, again']);
  });

  test('deletes events that have ended, whose kin is linked again, and no pass stores them again', async () => {
    const project = await fill();
    const related = async () => (await given.rows()).get('mr-acme/shop-2')?.description['related_events'];
    expect(await related()).toHaveLength(1);
    expect(await pruned(true)).toMatchObject({ events: 3 });
    const left = ['mr-acme/shop-2', expect.stringMatching(/^registry-web-prod-|^registry-.*web-prod-/), 'mr-acme/shop-3'];
    expect(await given.ids()).toEqual(left);
    for (let pass = 0; pass < 2; pass++) {
      given.world.pass(minutes(5));
      expect(await given.sync(config)).toMatchObject({ stored: 0, problems: [] });
    }
    expect(await given.ids()).toEqual(left);
    expect(await related()).toEqual([]);
    const report = await auditGitlab(given.database.em, { token: given.token, url: fakeUrl }, given.connectionId);
    const entries = 'error' in report ? [] : report.entries.filter(({ stream }) => /requests|pipelines|releases/.test(stream));
    expect(entries.map(({ stream, result }) => [stream, result])).toEqual([
      ['merge-requests', 'complete'],
      ['pipelines', 'complete'],
      ['releases', 'complete'],
    ]);
    // What changes again is stored again.
    const [merged] = project.mergeRequests;
    if (merged) project.editMergeRequest(merged, { title: 'Refunds, again' });
    await given.sync(config);
    expect(await given.ids()).toEqual([...left, 'mr-acme/shop-1']);
  });

  test('keeps a list that returns an old event from storing it again', async () => {
    const project = await fill();
    await pruned(true);
    const opened = await openLockedStore(given.database.em, given.connectionId);
    const event = (eventId: string, minute: number) => ({
      eventId,
      title: '[Pipeline] • main',
      description: { related_events: [] },
      author: 'ada',
      timestamp: at(minute),
      url: 'https://gitlab.example.com/1',
      status: 'success',
      metadata: {},
    });
    const events = [event('pipeline-old', 119), event('pipeline-new', 120)];
    expect(await opened.store.savePage({ projectId: project.id, stream: 'pipelines', scope: '', events, seenAt: at(200) })).toEqual({
      inserted: 1,
      updated: 0,
    });
    await opened.close();
    expect(await given.ids('pipeline-')).toEqual(['pipeline-new']);
  });

  test('leaves other connections alone, and gaps of projects that are read', async () => {
    await fill();
    const { em } = given.database;
    const addGap = (key: string) =>
      em.fork().execute(
        `insert into gitlab_gaps (connection_id, project_id, stream, scope, key, is_missing, breaks_lists, since, last_tried_at, tries, reason)
         select connection_id, project_id, 'pipelines', '', ?, true, false, now(), now(), 1, 'x' from gitlab_projects where connection_id = ?`,
        [key, given.connectionId],
      );
    await addGap('7');
    expect(await pruneEvents(em, { before: at(120), events: true, connectionId: given.connectionId + 1 })).toEqual({
      versions: 0,
      events: 0,
      gaps: 0,
    });
    expect(await pruned(false)).toMatchObject({ gaps: 0 });
    await em.fork().execute('update gitlab_projects set unselected_at = ? where connection_id = ?', [at(100), given.connectionId]);
    expect(await pruned(false)).toMatchObject({ gaps: 1 });
  });

  test('keeps an old event of which something new was read', async () => {
    const project = await fill();
    const [release] = project.releases;
    if (release) project.editRelease(release, { description: 'With notes' });
    await given.sync(config);
    await pruned(true);
    expect(await given.ids('release-')).toEqual(['release-acme/shop-v1']);
  });

  test('goes through any number of rows, and can be stopped and repeated', async () => {
    await fill();
    const { em } = given.database;
    await em.fork().execute(
      `insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
       select e.id, 1000 + i, e.status, '{}', ?, ?::timestamptz + (i % 3) * interval '1 second'
       from change_events e, generate_series(1, 6000) i where e.connection_id = ? and e.event_id in ('mr-acme/shop-1', 'mr-acme/shop-2')`,
      [at(1), at(1), given.connectionId],
    );
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(pruneEvents(em, { before: at(120), events: true, signal: stop.signal })).rejects.toThrow('stopped');
    expect(await pruned(false)).toEqual({ versions: 12_000 + 3, events: 0, gaps: 0 });
    const left = await em.fork().execute(
      `select e.event_id, v.version from change_event_versions v join change_events e on e.id = v.change_event_id
         where e.connection_id = ? and e.event_id in ('mr-acme/shop-1', 'mr-acme/shop-2')`,
      [given.connectionId],
    );
    expect(left).toHaveLength(2);
    expect(left).toEqual(
      expect.arrayContaining([
        { event_id: 'mr-acme/shop-1', version: 7000 },
        { event_id: 'mr-acme/shop-2', version: 7000 },
      ]),
    );
  });

  test('refuses what is less than a day old', async () => {
    await expect(prune(given.database.em, { before: new Date() })).rejects.toThrow('what is pruned must be at least a day old (1d)');
    await expect(prune(given.database.em, { before: new Date(Number.NaN) })).rejects.toThrow('must be at least a day old');
    expect(await prune(given.database.em, { before: new Date('2001-01-01'), connectionId: given.connectionId })).toEqual({
      versions: 0,
      events: 0,
      gaps: 0,
    });
  });
});
