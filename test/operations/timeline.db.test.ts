import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { readCoverage, readTimeline } from '../../src/index.ts';
import type { TimelineQuery } from '../../src/index.ts';
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
      ['commits', 'merge-requests', 'pipelines', 'registry-images', 'releases'].map((stream) => [stream, 'ok', 0]),
    );
    expect(coverage.every(({ readUntil }) => readUntil === at(60).toISOString())).toBe(true);
  });
});
