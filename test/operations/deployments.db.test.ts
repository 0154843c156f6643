import { expect, test } from 'vitest';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakeEnvironment } from '../../fake-gitlab/world/records.ts';
import { hours, minutes } from '../../fake-gitlab/world/time.ts';
import { readTimeline } from '../../src/index.ts';
import { toneOf } from '../../src/service/page/kinds.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('deployments', (kind) => {
  const given = useSync(kind);
  const sha = (letter: string) => letter.repeat(40);
  const asked = (from: number) =>
    given.fake.seen.slice(from).flatMap(({ operation }) => (/^(Environment|Deployment)/.test(operation) ? [operation] : []));
  /** A pass, and what it has asked for deployments. */
  const pass = async (config: Readonly<Record<string, unknown>> = {}, options = {}) => {
    given.world.pass(minutes(5));
    const from = given.fake.seen.length;
    const report = await given.sync(config, options);
    return { asked: asked(from), report };
  };
  /** The deployments that are stored: number, status, what was there before, and marks. */
  const stored = async () =>
    [...(await given.rows()).values()]
      .filter(({ title }) => title.startsWith('[Deployment]'))
      .toSorted((a, b) => Number(a.metadata.deployment_iid) - Number(b.metadata.deployment_iid))
      .map(({ status, metadata: { deployment_iid: iid, previous_sha: previous, is_current: isCurrent, rollback } }) =>
        [
          String(iid as number),
          status,
          typeof previous === 'string' ? previous.slice(0, 1) : '',
          isCurrent ? 'current' : '',
          rollback ? 'rollback' : '',
        ]
          .join(' ')
          .trim(),
      );
  const rest = async () => {
    await pass();
    return (await pass()).asked;
  };
  /** A pipeline that deploys. */
  const deploy = (project: FakeProject, environment: FakeEnvironment, of: string, status: 'SUCCESS' | 'FAILED' = 'SUCCESS') => {
    const pipeline = project.startPipeline({ ref: 'main', sha: sha(of) });
    const deployment = project.deployments.deploy(environment, { pipeline }, status);
    project.finishPipeline(pipeline, 'SUCCESS');
    return deployment;
  };
  const begin = () => {
    const project = given.world.addProject('acme/shop');
    const production = project.deployments.addEnvironment('production');
    return { project, production, world: project.deployments };
  };

  test('are rows with what they are of, linked with their commit, pipeline, release, merge request and image', async () => {
    const { project, production, world } = begin();
    const commit = project.git.commit('main', { title: 'Begin' });
    const tagged = project.startPipeline({ ref: 'v1.2.0', isTag: true, sha: commit.sha, user: 'grace' });
    project.createRelease({ tag: 'v1.2.0', sha: sha('9') });
    project.pushTag(project.addImageRepository('server'), '1.2.0');
    const deployment = world.create(production, { pipeline: tagged, job: { id: 77, name: 'deploy-prod' } });
    given.world.pass(minutes(1));
    world.move(deployment, 'RUNNING');
    given.world.pass(minutes(2));
    world.move(deployment, 'SUCCESS');
    const review = world.addEnvironment('review/7');
    const mergeRequest = project.openMergeRequest({ title: 'Checkout' });
    world.deploy(review, { pipeline: project.startPipeline({ ref: `refs/merge-requests/${mergeRequest.iid}/head` }) });
    await given.sync({ branches: '' });
    const rows = await given.rows();
    expect(rows.get('deployment-acme/shop-1')).toMatchObject({
      title: `[Deployment] production: v1.2.0 ${commit.sha.slice(0, 8)}`,
      author: 'grace',
      status: 'success',
      timestamp: '2026-11-23T08:03:00.000Z',
      url: 'https://gitlab.example.com/acme/shop/-/jobs/77',
      description: { text: 'Deployment of v1.2.0 to production' },
      metadata: {
        project: 'acme/shop',
        deployment: 'production#1',
        deployment_iid: 1,
        environment: 'production',
        environment_id: production.id,
        tier: 'production',
        ref: 'v1.2.0',
        tag: 'v1.2.0',
        sha: commit.sha,
        job: 'deploy-prod',
        pipeline_id: tagged.id,
        created_at: '2026-11-23T08:00:00Z',
        finished_at: '2026-11-23T08:03:00Z',
        previous_sha: null,
        is_current: true,
        rollback: false,
      },
    });
    const related = (id: string) => ((rows.get(id)?.description.related_events ?? []) as string[]).map((other) => other.split('-')[0]);
    expect(related('deployment-acme/shop-1')).toEqual(['pipeline', 'registry', 'release']);
    expect(related('deployment-acme/shop-2')).toEqual(['mr', 'pipeline']);
    expect(rows.get('mr-acme/shop-1')?.description.related_events).toContain('deployment-acme/shop-2');
  });

  test('say what was there before, which one is current, and which one brought back what had been there', async () => {
    const { project, production, world } = begin();
    const staging = world.addEnvironment('staging');
    for (const [environment, of] of [
      [production, 'a'],
      [staging, 'b'],
      [production, 'b'],
    ] as const) {
      given.world.pass(minutes(1));
      deploy(project, environment, of);
    }
    await given.sync();
    expect(await stored()).toEqual(['1 success', '2 success  current', '3 success a current']);
    for (const [of, status] of [
      ['c', 'FAILED'],
      ['a', 'SUCCESS'],
      ['a', 'SUCCESS'],
    ] as const) {
      given.world.pass(minutes(1));
      deploy(project, production, of, status);
    }
    await pass();
    const after = ['1 success', '2 success  current', '3 success a', '4 failed b', '5 success b  rollback', '6 success a current'];
    expect(await stored()).toEqual(after);
    // Again, and from the beginning: nothing is written.
    const before = await given.rows();
    await pass({}, { reconcile: true });
    expect(await given.rows()).toEqual(before);
  });

  test('a manual job of an old pipeline is what runs now when it was played last', async () => {
    const { project, production, world } = begin();
    const old = project.startPipeline({ ref: 'main', sha: sha('a') });
    const waiting = world.create(production, { pipeline: old });
    world.move(waiting, 'BLOCKED');
    project.finishPipeline(old, 'SUCCESS');
    given.world.pass(minutes(1));
    deploy(project, production, 'b');
    await given.sync();
    expect(await stored()).toEqual(['1 blocked', '2 success  current']);
    expect(await rest()).toEqual([]);
    given.world.pass(hours(30));
    world.move(waiting, 'RUNNING');
    project.retryPipeline(old);
    await pass();
    expect(await stored()).toEqual(['1 running', '2 success  current']);
    world.move(waiting, 'SUCCESS');
    // Its pipeline goes on.
    await pass();
    expect(await stored()).toEqual(['1 success b current', '2 success']);
  });

  test('an idle pass asks nothing for them; a changed pipeline and a running deployment have the environments asked, and nothing else', async () => {
    const { project, production, world } = begin();
    deploy(project, production, 'a');
    given.world.addProject('acme/api').startPipeline({ ref: 'main' });
    await given.sync();
    expect(await rest()).toEqual([]);
    const pipeline = project.startPipeline({ ref: 'main', sha: sha('b') });
    expect((await pass()).asked).toEqual(['EnvironmentPage']);
    expect((await pass()).asked).toEqual([]);
    const deployment = world.create(production, { pipeline });
    project.finishPipeline(pipeline, 'SUCCESS');
    expect((await pass()).asked).toEqual(['EnvironmentPage', 'DeploymentPage']);
    // It waits.
    expect((await pass()).asked).toEqual(['EnvironmentPage']);
    world.move(deployment, 'RUNNING');
    await pass();
    world.move(deployment, 'SUCCESS');
    expect((await pass()).asked).toEqual(['EnvironmentPage', 'DeploymentPage']);
    expect((await pass()).asked).toEqual([]);
    expect(await stored()).toEqual(['1 success', '2 success a current']);
  });

  test('are lines of the timeline that say what went where, what was there before, and what came back; of one environment alone too', async () => {
    const { project, production, world } = begin();
    const staging = world.addEnvironment('staging');
    deploy(project, production, 'a');
    await given.sync();
    const pipeline = project.startPipeline({ ref: 'v2.0', isTag: true, sha: sha('b') });
    const next = world.create(production, { pipeline });
    await pass();
    world.move(next, 'RUNNING');
    await pass();
    world.move(next, 'SUCCESS');
    await pass();
    deploy(project, production, 'c', 'FAILED');
    deploy(project, staging, 'c');
    given.world.pass(minutes(1));
    deploy(project, production, 'a');
    await pass();
    const all = { from: new Date('2026-01-01'), to: new Date('2027-01-01'), connectionIds: [given.connectionId], types: ['Deployment'] };
    const lines = async (query: object) => (await readTimeline(given.database.em, { ...all, ...query })).changes;
    expect((await lines({ environments: ['PROD*'] })).map((change) => [change.headline, toneOf(change)])).toEqual([
      ['production ← main aaaaaaaa', 'good'],
      ['production ← v2.0 bbbbbbbb started', 'plain'],
      ['production ← v2.0 bbbbbbbb (was aaaaaaaa)', 'good'],
      ['production ← main cccccccc failed (still bbbbbbbb)', 'bad'],
      ['production rolled back ← main aaaaaaaa (was bbbbbbbb)', 'bad'],
    ]);
    expect((await lines({ environments: ['staging'] })).map(({ headline }) => headline)).toEqual(['staging ← main cccccccc']);
    const noise = await lines({ showNoise: true });
    expect(noise.filter(({ isNoise }) => isNoise).map(({ headline }) => headline)).toEqual(['production ← v2.0 bbbbbbbb created']);
  });

  test('are read at the first sight of a project whose pipelines are of another branch than the one that is read', async () => {
    const project = given.world.addProject('acme/shop');
    project.git.commit('main', { title: 'first' });
    const environment = project.deployments.addEnvironment('production');
    project.deployments.deploy(environment, { pipeline: project.startPipeline({ ref: 'develop' }) });
    given.world.pass(minutes(5));
    expect(await given.sync({ branches: 'main' })).toMatchObject({ problems: [] });
    expect(await given.ids('deployment-')).toEqual(['deployment-acme/shop-1']);
  });

  test('what left no trace in a pipeline is found by the reconcile', async () => {
    const { project, production, world } = begin();
    deploy(project, production, 'a');
    await given.sync();
    expect(await rest()).toEqual([]);
    for (const of of ['b', 'c']) {
      given.world.pass(minutes(1));
      world.deploy(production, { sha: sha(of) });
    }
    expect((await pass()).asked).toEqual([]);
    expect(await stored()).toEqual(['1 success  current']);
    await pass({}, { reconcile: true });
    expect(await stored()).toEqual(['1 success', '2 success a', '3 success b current']);
  });

  test('nothing runs in an environment that was stopped or deleted, and what runs is deleted with it', async () => {
    const { project, production, world } = begin();
    const review = world.addEnvironment('review/1');
    const staging = world.addEnvironment('staging');
    for (const environment of [production, review, staging]) deploy(project, environment, 'a');
    world.move(world.create(review), 'RUNNING');
    await given.sync();
    expect(await stored()).toEqual(['1 success  current', '2 success  current', '3 success  current', '4 running']);
    given.world.pass(minutes(1));
    world.stop(staging);
    project.startPipeline({ ref: 'main' });
    await pass();
    expect(await stored()).toEqual(['1 success  current', '2 success  current', '3 success', '4 running']);
    world.remove(review);
    await pass({}, { reconcile: true });
    expect(await stored()).toEqual(['1 success  current', '2 success', '3 success', '4 deleted']);
  });

  test('of very many environments those that were deployed last are read first, and others when they move', async () => {
    const { project, world } = begin();
    const reviews = Array.from({ length: 4 }, (_, index) => world.addEnvironment(`review/${index}`));
    for (const [index, review] of reviews.entries()) {
      given.world.pass(minutes(1));
      for (let count = 0; count <= index; count++) deploy(project, review, 'a');
    }
    await given.sync({ syncLimit: 2 });
    expect(await stored()).toEqual(['5 success', '6 success a current', '9 success', '10 success a current']);
    given.world.pass(minutes(1));
    if (reviews[0]) deploy(project, reviews[0], 'b');
    await pass({ syncLimit: 2 });
    expect((await stored()).at(-1)).toBe('11 success a current');
    await pass({ syncLimit: 2 }, { backfillTo: new Date('2026-11-01') });
    expect(await stored()).toHaveLength(11);
  });

  test('a role that may not read them is told apart from a project without any', async () => {
    const { project, production } = begin();
    deploy(project, production, 'a');
    project.role = 'guest';
    await given.sync();
    expect(await given.outcomes()).toMatchObject({ deployments: 'forbidden' });
    project.role = 'reporter';
    await pass();
    expect(await given.outcomes()).toMatchObject({ deployments: 'ok' });
    expect(await stored()).toEqual(['1 success  current']);
  });

  test('one that GitLab cannot answer is a gap, and is read when it can', async () => {
    const { project, production } = begin();
    for (const of of ['a', 'b', 'c']) {
      given.world.pass(minutes(1));
      deploy(project, production, of);
    }
    const heal = given.fake.poison({ type: 'deployment', iid: 2, how: 'error-500' });
    const report = await given.sync({ maxAttempts: 1 });
    expect(report.problems.filter(({ stream }) => stream === 'deployments')).toMatchObject([
      { outcome: 'partial', reason: expect.stringContaining('production#2: ') as string },
    ]);
    expect(await stored()).toEqual(['1 success', '3 success a current']);
    heal();
    given.world.pass(minutes(10));
    await pass();
    expect(await stored()).toEqual(['1 success', '2 success a', '3 success b current']);
  });

  test('requests that fail leave nothing out: the next pass asks again', async () => {
    const { project, production } = begin();
    await given.sync();
    const fails = { operation: '' };
    for (const of of ['a', 'b', 'c']) {
      given.world.pass(minutes(1));
      deploy(project, production, of);
    }
    given.fake.intercept = (_, { operation }) => (operation === fails.operation ? new Response('{}', { status: 500 }) : undefined);
    for (const operation of ['EnvironmentPage', 'DeploymentPage']) {
      fails.operation = operation;
      await pass({ maxAttempts: 1 });
    }
    given.fake.intercept = undefined;
    await pass();
    expect(await stored()).toEqual(['1 success', '2 success a', '3 success b current']);
  });

  test.each(['Project.environments', 'Environment.lastDeployment', 'Environment.deployments', 'Deployment.iid'])(
    'a GitLab without %s is told as not offering deployments, and all else is read',
    async (lacks) => {
      const { project, production } = begin();
      deploy(project, production, 'a');
      given.world.schema = { ...given.world.schema, lacks: [lacks] };
      const report = await given.sync();
      expect(report.problems.filter(({ expected }) => expected)).toMatchObject([
        { stream: 'deployments', outcome: 'disabled', reason: `this GitLab does not offer deployments: it has no ${lacks}` },
      ]);
      expect(await given.ids('pipeline')).toHaveLength(1);
    },
  );
});
