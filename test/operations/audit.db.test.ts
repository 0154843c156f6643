import { expect, test } from 'vitest';
import { auditGitlab, planAudit } from '../../src/index.ts';
import type { AuditReport } from '../../src/index.ts';
import { json } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describePasses('an audit', (kind) => {
  const given = useSync(kind);

  const configOf = (config: object) => ({ token: given.token, url: fakeUrl, ...config });
  const audit = async (config = {}): Promise<AuditReport> => {
    const report = await auditGitlab(given.database.em, configOf(config), given.connectionId);
    if ('error' in report) throw new Error(report.error);
    return report;
  };
  const resultOf = ({ entries }: AuditReport, stream: string) => entries.find((entry) => entry.stream === stream);
  /** Results by stream: those of commits and images are always `unknown`. */
  const resultsOf = ({ entries }: AuditReport) =>
    Object.fromEntries(
      entries
        .filter(({ project, stream }) => project === 'acme/shop' && /requests|pipelines|releases/.test(stream))
        .map((entry) => [entry.stream, entry.result]),
    );
  /** A row of another project that is dated later: it moves the watermarks past all that is there. */
  const later = () => {
    given.world.pass(minutes(5));
    const zoo = given.world.projects.find(({ fullPath }) => fullPath === 'acme/zoo') ?? given.world.addProject('acme/zoo');
    zoo.openMergeRequest({ title: 'later' });
  };
  const fill = (count: number): FakeProject => {
    const project = given.world.addProject('acme/shop');
    for (let i = 0; i < count; i++) {
      given.world.pass(minutes(60));
      project.openMergeRequest({ title: `${i}` });
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: `v${i}` });
    }
    later();
    return project;
  };
  const change = (statement: string) => given.database.em.fork().execute(`${statement} and connection_id = ?`, [given.connectionId]);
  const complete = { 'merge-requests': 'complete', pipelines: 'complete', releases: 'complete' };

  test('finds the rows that are missing while as many were deleted in GitLab', async () => {
    const shop = fill(11);
    await given.sync({ syncLimit: 'all' });
    for (const mergeRequest of shop.mergeRequests.slice(0, 3)) shop.deleteMergeRequest(mergeRequest);
    for (const pipeline of shop.pipelines.slice(0, 3)) shop.deletePipeline(pipeline);
    for (const tag of ['v0', 'v1', 'v2']) shop.deleteRelease(tag);
    const [fourth] = shop.pipelines;
    const lost = `'mr-acme/shop-5', 'mr-acme/shop-6', 'mr-acme/shop-7', 'pipeline-acme/shop-${fourth?.id}', 'release-acme/shop-v9'`;
    await change(`delete from change_events where event_id in (${lost})`);
    const report = await audit();
    const createdAt = new Date((shop.mergeRequests[1]?.createdAt ?? 0) / 1000).toISOString();
    expect(resultOf(report, 'merge-requests')).toMatchObject({
      result: 'missing',
      inGitlab: 8,
      inTable: 8,
      missing: { count: 3, first: ['mr-acme/shop-5', 'mr-acme/shop-6', 'mr-acme/shop-7'] },
      gone: { count: 3, first: ['mr-acme/shop-1', 'mr-acme/shop-2', 'mr-acme/shop-3'] },
      stale: { count: 0, first: [] },
      missingSince: `${createdAt.slice(0, 19)}.000Z`,
      reason: expect.stringContaining("GitLab no longer shows 3 of the table's rows") as string,
    });
    expect(resultOf(report, 'pipelines')).toMatchObject({ result: 'missing', missing: { first: [`pipeline-acme/shop-${fourth?.id}`] } });
    expect(resultOf(report, 'releases')).toMatchObject({ result: 'missing', missing: { first: ['release-acme/shop-v9'] }, stale: null });
  });

  test('rows that GitLab no longer has are named, and are no failure', async () => {
    const shop = fill(2);
    await given.sync();
    for (const mergeRequest of shop.mergeRequests.slice(0, 2)) shop.deleteMergeRequest(mergeRequest);
    expect(resultOf(await audit(), 'merge-requests')).toMatchObject({ result: 'complete', inGitlab: 0, inTable: 2, gone: { count: 2 } });
  });

  test('names rows whose state is older than in GitLab; what changed since the last pass is not among them', async () => {
    const shop = fill(3);
    await given.sync({ syncLimit: 'all' });
    given.world.pass(minutes(5));
    for (const mergeRequest of shop.mergeRequests) shop.approve(mergeRequest, 'ada');
    shop.openMergeRequest({ title: 'new' });
    expect(resultsOf(await audit())).toEqual(complete);
    later();
    await given.sync({ syncLimit: 'all' });
    later();
    await given.sync({ syncLimit: 'all' });
    await change(`update change_events set "timestamp" = "timestamp" - interval '1 minute' where event_id = 'mr-acme/shop-2'`);
    expect(resultOf(await audit(), 'merge-requests')).toMatchObject({
      result: 'stale',
      stale: { count: 1, first: ['mr-acme/shop-2'] },
      missing: { count: 0 },
      gone: { count: 0 },
    });
  });

  test('names what is configured and was never read, and what is not to be found', async () => {
    fill(1);
    await given.sync();
    given.world.addProject('acme/new').openMergeRequest({ title: 'x' });
    const report = await audit({ repos: ['acme/shop', 'acme/new', 'acme/typo', '987654'] });
    expect(report.missing).toEqual(['acme/typo', 'project 987654']);
    const results = new Set(report.entries.filter(({ project }) => project === 'acme/new').map(({ result }) => result));
    expect([...results]).toEqual(['unread']);
    expect((await audit({ repos: ['acme/shop'] })).entries.map(({ project }) => project)).not.toContain('acme/new');
  });

  test('a project that GitLab no longer returns cannot be told', async () => {
    const shop = fill(1);
    await given.sync({ repos: [String(shop.id)] });
    given.world.deleteProject(shop);
    const { entries } = await audit({ repos: [String(shop.id)] });
    expect(entries[0]).toMatchObject({ project: 'acme/shop', result: 'unknown', reason: 'GitLab does not return the project any more' });
  });

  test('counts neither child pipelines, which GitLab lists nowhere, nor rows that are known to be deleted', async () => {
    const shop = fill(2);
    const [parent] = shop.pipelines;
    if (!parent) throw new Error('no pipeline');
    const child = shop.startChildPipeline(parent);
    const closed = shop.openMergeRequest({ title: 'to be deleted' });
    later();
    await given.sync({ syncLimit: 'all' });
    shop.deleteMergeRequest(closed);
    later();
    await given.sync({ syncLimit: 'all', reconcileInterval: 0 });
    const rows = await given.rows();
    expect(rows.has(`pipeline-acme/shop-${child.id}`)).toBe(true);
    expect(rows.get(`mr-acme/shop-${closed.iid}`)).toMatchObject({ status: 'deleted' });
    const report = await audit();
    expect(resultOf(report, 'pipelines')).toMatchObject({ result: 'complete', inGitlab: 2, inTable: 2, gone: { count: 0 } });
    expect(resultOf(report, 'merge-requests')).toMatchObject({ result: 'complete', inGitlab: 2, inTable: 2, gone: { count: 0 } });
  });

  test('goes down to the depth of each stream', async () => {
    const shop = fill(30);
    await given.sync({ syncLimit: 5 });
    const report = await audit();
    expect(resultsOf(report)).toEqual(complete);
    // The second that the depth lies in is left out.
    expect(resultOf(report, 'merge-requests')).toMatchObject({ inGitlab: 4, inTable: 4 });
    // GitLab lists all releases: those of that second are compared where the table has them.
    expect(resultOf(report, 'releases')).toMatchObject({ inGitlab: 5, inTable: 5 });
    // It is older than the depth, and changes after the last pass.
    const [oldest] = shop.mergeRequests;
    if (oldest) shop.approve(oldest, 'ada');
    expect(resultsOf(await audit())).toEqual(complete);
    await change(`delete from change_events where event_id in ('mr-acme/shop-28', 'release-acme/shop-v27')`);
    expect(resultsOf(await audit())).toEqual({ ...complete, 'merge-requests': 'missing', releases: 'missing' });
    shop.features = { ...shop.features, ci: false };
    await given.sync({ syncLimit: 5 });
    expect(resultOf(await audit(), 'pipelines')).toMatchObject({
      result: 'unknown',
      reason: expect.stringContaining('switched off') as string,
    });
  });

  test('looks at the branches that are configured', async () => {
    const shop = given.world.addProject('acme/shop');
    for (const branch of ['main', 'develop', 'other']) {
      given.world.pass(minutes(60));
      shop.git.commit(branch, { title: branch });
      shop.openMergeRequest({ title: branch, targetBranch: branch });
      shop.startPipeline({ ref: branch });
    }
    later();
    const branches = { branches: ['main', 'develop'], syncLimit: 'all' };
    await given.sync({ syncLimit: 'all' });
    await given.sync(branches);
    const report = await audit(branches);
    expect(resultsOf(report)).toEqual(complete);
    expect(resultOf(report, 'pipelines')).toMatchObject({ inGitlab: 2, inTable: 2, gone: { count: 0 } });
    expect(resultOf(report, 'merge-requests')).toMatchObject({ inGitlab: 2, inTable: 2, gone: { count: 0 } });
    await change(`delete from change_events where title like '[Pipeline]%develop'`);
    expect(resultsOf(await audit(branches))).toEqual({ ...complete, pipelines: 'missing' });
  });

  test('compares the pipelines of several branches, each of which is read backwards on its own', async () => {
    const shop = given.world.addProject('acme/shop');
    for (const branch of ['main', 'develop']) {
      shop.git.commit(branch, { title: branch });
      shop.startPipeline({ ref: branch });
    }
    later();
    const branches = { branches: ['main', 'develop'], syncLimit: 'all' };
    await given.sync(branches);
    expect(resultOf(await audit(branches), 'pipelines')).toMatchObject({ result: 'complete', inGitlab: 2, inTable: 2 });
  });

  test('says where GitLab counts rows that it hides from the token', async () => {
    const shop = fill(3);
    const [first] = shop.mergeRequests;
    if (first) first.isHidden = true;
    await given.sync({ syncLimit: 'all' });
    expect(resultOf(await audit(), 'merge-requests')).toMatchObject({
      result: 'unknown',
      inGitlab: 2,
      inTable: 2,
      reason: 'GitLab counts 1 more that it hides from this token',
    });
  });

  test('a list that GitLab cannot answer fails alone', async () => {
    fill(2);
    await given.sync({ syncLimit: 'all' });
    given.fake.intercept = (_, { operation }) =>
      operation === 'PipelineIdentities' ? json(given.world, 200, { errors: [{ message: 'Something broke' }] }) : undefined;
    const report = await audit();
    expect(resultsOf(report)).toEqual({ ...complete, pipelines: 'failed' });
    expect(resultOf(report, 'pipelines')?.reason).toContain('Something broke');
  });

  test('reads every page, and its plan says how many requests that takes without listing a row', async () => {
    fill(3);
    for (let i = 0; i < 60; i++) given.world.addProject(`acme/p${i}`).openMergeRequest({ title: 'x' });
    const shop = given.world.projects[0];
    for (let i = 0; i < 105; i++) shop?.openMergeRequest({ title: `more ${i}` });
    later();
    const config = { projectLimit: 0, syncLimit: 'all' };
    await given.sync(config);
    const before = given.fake.seen.length;
    const plan = await planAudit(given.database.em, configOf(config), given.connectionId);
    if ('error' in plan) throw new Error(plan.error);
    const asked = given.fake.seen.slice(before).map(({ operation }) => operation);
    expect(asked).toEqual(['MemberProjects', 'ProjectCounts', 'ProjectCounts']);
    expect(plan).toMatchObject({
      steps: [
        { stream: 'merge-requests', projects: 62, rows: 170, requests: 63 },
        { stream: 'pipelines', projects: 62, rows: 3, requests: 1 },
        { stream: 'releases', projects: 62, rows: 3, requests: 1 },
      ],
      asked: 3,
      requests: 68,
    });
    const report = await audit(config);
    expect(report.requests.graphql).toBe(plan.requests);
    expect(new Set(report.entries.filter(({ stream }) => stream === 'merge-requests').map(({ result }) => result))).toEqual(
      new Set(['complete']),
    );
    expect(resultOf(report, 'registry-images')).toMatchObject({
      result: 'unknown',
      reason: 'GitLab counts the tags of now, not the images that they pointed to',
    });
  });
});
