import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { countTimeline, readCoverage, readTimeline } from '../../src/index.ts';
import type { TimelineQuery } from '../../src/index.ts';
import { readNewChanges } from '../../src/store/events/read-timeline.ts';
import type { SeenVersions } from '../../src/store/events/read-timeline.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describeDatabases('the timeline', (kind) => {
  const given = useSync(kind);
  const begin = Date.parse('2026-11-23T08:00:00Z');
  const at = (minute: number) => new Date(begin + minute * 60_000);
  const read = (query: Partial<TimelineQuery>) =>
    readTimeline(given.database.em, { from: at(0), to: at(1000), connectionIds: [given.connectionId], ...query });
  const lines = async (query: Partial<TimelineQuery>) =>
    (await read(query)).changes.map(({ happenedAt, headline }) => `${(Date.parse(happenedAt) - begin) / 60_000} ${headline}`);

  test('shows what changed in a window, in order, whatever came after', async () => {
    const project = given.world.addProject('acme/shop');
    const config = { branches: 'main', tagChecks: 5 };
    project.git.commit('main', { title: 'first' });
    project.git.reset('feature-2', project.git.branches.get('main') ?? '');
    const repository = project.addImageRepository('web');
    const old = project.pushTag(repository, 'prod').digest;
    given.world.pass(minutes(5));
    await given.sync(config);
    const bad = project.pushTag(repository, 'prod').digest;
    const merged = project.openMergeRequest({ title: 'Refunds', sourceBranch: 'feature-2' });
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'e2e' }] });
    await given.sync(config);
    given.world.pass(minutes(15));
    // The window: minutes 20 to 40.
    project.openMergeRequest({ title: 'Retry payments' });
    given.world.pass(minutes(2));
    project.mergeMergeRequest(merged);
    given.world.pass(minutes(2));
    project.finishPipeline(pipeline, 'FAILED');
    given.world.pass(minutes(2));
    project.pushTag(repository, 'prod', { digest: old, createdAt: given.world.now - minutes(600) });
    given.world.pass(minutes(2));
    const pushed = project.git.commit('main', { title: 'made long ago', committedAt: given.world.now - minutes(3000) });
    await given.sync(config);
    given.world.pass(minutes(32));
    project.editMergeRequest(merged, { notes: 3 });
    project.retryPipeline(pipeline);
    await given.sync(config);
    const short = (digest: string) => digest.slice(7, 15);
    const window = { from: at(20), to: at(40) };
    const expected = [
      '20 opened !2 Retry payments',
      '22 merged !1 into main by grace',
      `22 ${merged.mergeCommitSha?.slice(0, 8)} on main: Merge branch 'feature-2' into 'main'`,
      '24 pipeline #101 failed on main: e2e',
      `26 web:prod rolled back → ${short(old)} (was ${short(bad)})`,
      `28 ${pushed.sha.slice(0, 8)} on main: made long ago`,
    ];
    expect(await lines(window)).toEqual(expected.map((line) => line.replace('#101', `#${pipeline.id}`)));
    expect(await countTimeline(given.database.em, { from: at(20), to: at(40), connectionIds: [given.connectionId] })).toBe(6);
    const view = await given.database.em.fork().execute<Array<{ headline: string }>>(
      `select headline from gitlab_timeline where connection_id = ? and happened_at >= ? and happened_at < ? and not is_noise
         order by happened_at, version_id`,
      [given.connectionId, at(20).toISOString(), at(40).toISOString()],
    );
    expect(view.map(({ headline }) => headline)).toEqual((await read(window)).changes.map(({ headline }) => headline));
    // What the first pass found is no change of that moment.
    expect(await lines({ by: 'arrival', to: at(10) })).not.toContain(expect.stringContaining('first'));
    expect(
      (await read({ from: at(0), to: at(1) })).changes.map(({ isHistory, headline }) => [isHistory, headline.slice(-5)]),
    ).toContainEqual([true, 'first']);
    expect((await read(window)).changes.map(({ isHistory }) => isHistory)).not.toContain(true);
    expect(await lines({ from: at(59), to: at(61) })).toEqual([`60 pipeline #${pipeline.id} started on main`]);
    expect(await lines({ from: at(59), to: at(61), showNoise: true })).toContain('60 merge request !1: user_notes_count');
    expect(await lines({ ...window, by: 'arrival', types: ['Commit'] })).toHaveLength(2);
    expect(await lines({ ...window, projects: ['ACME'] })).toHaveLength(6);
    expect(await lines({ ...window, projects: ['acme/sho', 'acme/*hops'] })).toEqual([]);
    expect(await lines({ ...window, projects: ['nobody/*', '*CME/s*'] })).toHaveLength(6);
    expect(await lines({ ...window, types: ['MR', 'Image'] })).toHaveLength(3);
    expect(await lines({ ...window, statuses: ['merged', 'Failed'] })).toHaveLength(2);
    expect(await lines({ ...window, authors: ['a*', 'li*'] })).not.toHaveLength(0);
    expect(await lines({ ...window, authors: ['_da', 'a%', 'ad'] })).toEqual([]);
    expect(await lines({ ...window, text: 'RETRY' })).toEqual(['20 opened !2 Retry payments']);
    const pages: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await read({ ...window, limit: 2, after });
      pages.push(...page.changes.map(({ headline }) => headline));
      if (page.next === null) break;
      after = page.next;
    }
    expect(pages).toEqual((await read(window)).changes.map(({ headline }) => headline));
    const coverage = await readCoverage(given.database.em, { connectionIds: [given.connectionId], projects: ['acme/sh*'] });
    expect(coverage.map(({ stream, outcome, gaps }) => [stream, outcome, gaps])).toEqual(
      ['commits', 'deployments', 'merge-requests', 'pipelines', 'registry-images', 'releases'].map((stream) => [stream, 'ok', 0]),
    );
    expect(coverage.every(({ readUntil }) => readUntil === at(60).toISOString())).toBe(true);
  });

  test('says in one line what each kind of change is', async () => {
    const project = given.world.addProject('acme/shop');
    const config = { branches: '' };
    await given.sync(config);
    const after = async (change: () => void) => {
      given.world.pass(minutes(5));
      const from = new Date(given.world.now / 1000 - 1000);
      change();
      given.world.pass(minutes(1));
      await given.sync({ ...config, reconcileInterval: 0 });
      return (await read({ from, showNoise: true })).changes.map(({ headline, isNoise }) => (isNoise ? `(${headline})` : headline));
    };
    const mergeRequest = project.openMergeRequest({ title: 'Refunds' });
    expect(await after(() => project.openMergeRequest({ title: 'Stays' }))).toEqual(['opened !2 Stays']);
    expect(await after(() => project.approve(mergeRequest, 'ada'))).toEqual(['approved !1 by ada']);
    expect(await after(() => project.unapprove(mergeRequest, 'ada'))).toEqual(['approval of !1 withdrawn']);
    expect(await after(() => project.editMergeRequest(mergeRequest, { title: 'Draft: Refund', draft: true }))).toEqual([
      'retitled !1: Draft: Refund; made !1 a draft',
    ]);
    expect(await after(() => project.editMergeRequest(mergeRequest, { targetBranch: 'develop', draft: false }))).toEqual([
      'retargeted !1: main → develop; made !1 ready',
    ]);
    expect(await after(() => project.editMergeRequest(mergeRequest, { labels: ['bug'] }))).toEqual(['relabelled !1']);
    expect(await after(() => project.closeMergeRequest(mergeRequest))).toEqual(['closed !1']);
    expect(await after(() => project.reopenMergeRequest(mergeRequest))).toEqual(['reopened !1']);
    expect(await after(() => project.editMergeRequest(mergeRequest, { notes: 4 }))).toEqual(['(merge request !1: user_notes_count)']);
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'lint', allowFailure: true }] });
    expect(await after(() => project.finishPipeline(pipeline, 'CANCELED'))).toEqual([`pipeline #${pipeline.id} canceled on main`]);
    expect(await after(() => project.createRelease({ tag: 'v1', name: 'Orders' }))).toEqual(['released v1 Orders']);
    const [release] = project.releases;
    expect(await after(() => release && project.editRelease(release, { name: 'v1' }))).toEqual(['edited the release v1']);
    expect(await after(() => project.createRelease({ tag: 'v0', name: 'v0' }))).toEqual(['released v0']);
    expect(await after(() => project.deleteRelease('v1'))).toEqual(['deleted: release v1']);
    const later = () => project.createRelease({ tag: 'v2', name: 'v2', releasedAt: given.world.now + minutes(60) });
    expect(await after(later)).toEqual(['announced v2']);
    expect(await after(() => project.deleteMergeRequest(mergeRequest))).toEqual(['deleted: merge request !1']);
  });

  test('calls a change noise if, and only if, its line only names the fields', async () => {
    const project = given.world.addProject('acme/shop');
    project.openMergeRequest({ title: 'Refunds' });
    project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: 'v1' });
    await given.sync();
    const fields = ['status', 'target_branch', 'approved_count', 'head_sha', 'title', 'labels', 'draft', 'user_notes_count', 'failed_jobs'];
    const em = given.database.em.fork();
    for (const [index, field] of fields.entries()) {
      await em.execute(
        `insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
         select id, ?::int, status, jsonb_build_object(?::text, '{"old": 1, "new": 2}'::jsonb), now(), now() from change_events where connection_id = ?`,
        [100 + index, field, given.connectionId],
      );
    }
    const rows = await em.execute<Array<{ stream: string; field: string; is_noise: boolean; only_names: boolean }>>(
      `select stream, key as field, is_noise, headline like '%: ' || key as only_names
       from gitlab_timeline cross join lateral jsonb_object_keys(changes) as key where connection_id = ? and version >= 100`,
      [given.connectionId],
    );
    expect(rows).toHaveLength(3 * fields.length);
    expect(rows.filter(({ is_noise: isNoise, only_names: onlyNames }) => isNoise !== onlyNames)).toEqual([]);
    const noise = (stream: string) => rows.filter((row) => row.stream === stream && row.is_noise).length;
    expect(['merge-requests', 'pipelines', 'releases'].map(noise)).toEqual([2, fields.length - 1, 0]);
  });

  test('gives what was stored since the last look once, in whatever order', async () => {
    const project = given.world.addProject('acme/shop');
    await given.sync();
    const look = async (seen?: SeenVersions) => {
      const { changes, seen: next } = await readNewChanges(given.database.em, { connectionIds: [given.connectionId] }, seen);
      return { lines: changes.map(({ headline }) => headline), seen: next };
    };
    const begun = await look();
    expect(begun.lines).toEqual([]);
    given.world.pass(minutes(5));
    project.openMergeRequest({ title: 'Refunds' });
    await given.sync();
    const first = await look(begun.seen);
    expect(first.lines).toEqual(['opened !1 Refunds']);
    // Another transaction had taken its number before, and ends after that look.
    const { last, recent } = first.seen;
    const again = await look({ last: last + 10, recent: new Set() });
    expect(again.lines).toEqual(['opened !1 Refunds']);
    expect((await look({ last, recent })).lines).toEqual([]);
  });
});
