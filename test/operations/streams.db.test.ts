import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { auditGitlab, planSync, readCoverage } from '../../src/index.ts';
import { streams } from '../../src/streams/index.ts';
import { describePasses } from '../support/databases.ts';
import { fetchFrom } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describePasses('STREAMS', (kind) => {
  const given = useSync(kind);
  const fill = () => {
    const project = given.world.addProject('acme/shop');
    project.git.commit('main', { title: 'Begin' });
    project.openMergeRequest({ title: 'Checkout' });
    const pipeline = project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: 'v1' });
    project.pushTag(project.addImageRepository('server'), '1.0');
    project.deployments.deploy(project.deployments.addEnvironment('production'), { pipeline });
    return project;
  };
  const kinds = async () =>
    [...new Set([...(await given.rows()).keys()].map((id) => id.slice(0, id.indexOf('-'))))].toSorted((a, b) => a.localeCompare(b));
  const read = { branches: 'main' };

  test.each(streams.map(({ name, type }) => [name, type] as const))(
    '%s alone is read, and nothing else is asked for',
    async (name, type) => {
      fill();
      const report = await given.sync({ ...read, streams: name });
      expect([...(await given.rows()).values()].map(({ title }) => title.slice(1, title.indexOf(']')))).toEqual([type]);
      expect(Object.keys(report.streams)).toEqual([name]);
      expect(Object.keys(await given.outcomes()).every((walk) => walk.startsWith(name))).toBe(true);
      const asked = given.fake.seen.map(({ operation, kind: api, variables }) => ({ operation, api, variables }));
      const batch = asked.find(({ operation }) => operation === 'ProjectChanges')?.variables ?? {};
      expect({
        mergeRequests: batch['asksMergeRequests'] !== false,
        pipelines: batch['asksPipelines'] !== false,
        releases: batch['asksReleases'] !== false,
        images: batch['asksContainerRepositories'] !== false,
        environments: asked.some(({ operation }) => operation === 'EnvironmentPage'),
        rest: asked.some(({ api }) => api === 'rest'),
      }).toEqual({
        mergeRequests: name === 'merge-requests',
        // Deployments are asked for where a pipeline has changed.
        pipelines: name === 'pipelines' || name === 'deployments',
        releases: name === 'releases',
        images: name === 'registry-images',
        environments: name === 'deployments',
        rest: name === 'commits' || name === 'registry-images',
      });
      given.world.pass(minutes(5));
      expect(await given.sync({ ...read, streams: name }, { reconcile: true })).toMatchObject({ stored: 0, problems: [] });
    },
  );

  test('a stream that is switched off keeps its rows, is told as left out, and goes on where it was', async () => {
    const project = fill();
    await given.sync(read);
    expect(await kinds()).toEqual(['commit', 'deployment', 'mr', 'pipeline', 'registry', 'release']);
    const [mergeRequest] = project.mergeRequests;
    if (mergeRequest) project.deleteMergeRequest(mergeRequest);
    project.openMergeRequest({ title: 'Later' });
    project.deleteRelease('v1');
    given.world.pass(minutes(5));
    const some = { ...read, streams: 'pipelines, deployments' };
    const before = await given.rows();
    const report = await given.sync(some, { reconcile: true });
    expect(report).toMatchObject({ stored: 0, problems: [] });
    expect(await given.rows()).toEqual(before);
    expect(await given.outcomes()).toMatchObject({ 'merge-requests': 'off', releases: 'off', pipelines: 'ok', deployments: 'ok' });
    const { em } = given.database;
    const coverage = await readCoverage(em, { connectionIds: [given.connectionId] });
    expect(coverage.filter(({ outcome }) => outcome === 'off').map(({ stream }) => stream)).toEqual([
      'commits',
      'merge-requests',
      'registry-images',
      'releases',
    ]);
    const options = { fetch: fetchFrom(given.fake) };
    const config = { token: given.token, url: 'https://gitlab.example.com', ...some };
    const audit = await auditGitlab(em, config, given.connectionId, options);
    expect('entries' in audit && audit.entries.map(({ stream }) => stream)).toEqual(['pipelines', 'deployments']);
    const plan = await planSync(em, config, given.connectionId, options);
    expect('uncounted' in plan && plan.uncounted).toEqual(['deployments']);
    given.world.pass(minutes(5));
    await given.sync(read, { reconcile: true });
    expect(await given.outcomes()).toMatchObject({ 'merge-requests': 'ok', releases: 'ok' });
    const rows = await given.rows();
    expect([...rows.values()].find(({ title }) => title === '[MR] Later')).toBeDefined();
    expect(rows.get('mr-acme/shop-1')?.status).toBe('deleted');
  });

  test('deployments that come later, as in an upgrade, do not make a known project a new one', async () => {
    fill();
    const others = streams.map(({ name }) => name).filter((name) => name !== 'deployments');
    await given.sync({ streams: others.join(',') });
    given.world.pass(minutes(5));
    given.fake.seen.length = 0;
    expect(await given.sync()).toMatchObject({ stored: 1, streams: { deployments: { inserted: 1 } } });
    const batches = given.fake.seen.filter(({ operation }) => operation === 'ProjectChanges');
    expect(batches.map(({ variables }) => typeof variables['updatedAfter'])).toEqual(['string']);
  });

  test('a name that no stream has is one line, and nothing is read', async () => {
    fill();
    expect(await given.fail({ streams: 'pipelines,deploys' })).toMatchObject({
      code: 'configuration',
      error: `Invalid configuration: streams names deploys, and the streams are ${streams.map(({ name }) => name).join(', ')}, or all`,
    });
    expect(given.fake.seen).toEqual([]);
  });
});
