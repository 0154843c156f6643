import { afterEach, describe, expect, test, vi } from 'vitest';
import { syncGitlab } from '../../src/index.ts';
import { html, json } from '../../fake-gitlab/fake-gitlab.ts';
import { describePasses } from '../support/databases.ts';
import { fakeUrl } from '../support/fake.ts';
import { useSync } from './fixture.ts';

describePasses('what fails', (kind) => {
  const given = useSync(kind);

  describe('what cannot be read', () => {
    test('is disabled, where it is switched off', async () => {
      const project = given.world.addProject('acme/shop');
      project.features = { mergeRequests: false, ci: false, registry: false, repository: true };
      const report = await given.sync();
      expect(report.problems.map(({ stream, outcome, expected }) => [stream, outcome, expected])).toEqual([
        ['deployments', 'disabled', true],
        ['merge-requests', 'disabled', true],
        ['pipelines', 'disabled', true],
        ['registry-images', 'disabled', true],
      ]);
    });

    test('is forbidden, and never empty, where the role is too low', async () => {
      const project = given.world.addProject('acme/shop');
      project.openMergeRequest({ title: 'secret' });
      project.git.commit('main', { title: 'secret' });
      project.role = 'guest';
      const report = await given.sync({ branches: 'main' });
      expect(report.fetched).toBe(0);
      expect(report.problems.map(({ stream, outcome, expected }) => [stream, outcome, expected])).toEqual([
        ['commits', 'forbidden', false],
        ['deployments', 'forbidden', false],
        ['merge-requests', 'forbidden', false],
        ['pipelines', 'forbidden', false],
        ['registry-images', 'forbidden', false],
      ]);
      expect(await given.outcomes()).toEqual({
        'commits main': 'forbidden',
        deployments: 'forbidden',
        'merge-requests': 'forbidden',
        pipelines: 'forbidden',
        releases: 'ok',
        'registry-images': 'forbidden',
      });
    });

    test('does not stop, delay or hide another project or stream', async () => {
      const [first] = ['acme/one', 'acme/two'].map((path) => {
        const project = given.world.addProject(path);
        project.openMergeRequest({ title: path });
        project.pushTag(project.addImageRepository(''), 'v1');
        return project;
      });
      given.fake.intercept = (_, { operation }) =>
        operation.startsWith(`projects/${first?.id}/registry`) ? html(given.world, 200, 'A proxy') : undefined;
      const report = await given.sync();
      expect(report.problems).toMatchObject([
        { project: 'acme/one', stream: 'registry-images', scope: 'acme/one', outcome: 'failed', errorCode: 'gitlab_invalid_response' },
      ]);
      expect(report.problems[0]?.reason).toMatch(/answers GET projects\/\d+\/registry\/repositories\/\d+\/tags .*text\/html and not JSON/);
      expect(await given.ids()).toHaveLength(3);
      given.fake.intercept = undefined;
      expect(await given.sync()).toMatchObject({ stored: 1, problems: [] });
    });

    test('in an answer with errors is that part alone, which is asked for again', async () => {
      const project = given.world.addProject('acme/shop');
      project.openMergeRequest({ title: 'x' });
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: 'v1' });
      project.pushTag(project.addImageRepository(''), 'v1');
      const parts = ['mergeRequests', 'pipelines', 'releases', 'containerRepositories'];
      given.fake.intercept = async (request, { operation }) => {
        if (operation !== 'ProjectChanges') return undefined;
        const body = (await (await given.fake.answer(request)).json()) as { data: { projects: { nodes: Array<Record<string, unknown>> } } };
        const [node = {}] = body.data.projects.nodes;
        const errors = parts.map((part) => ({ message: `Timeout on Project.${part}`, path: ['projects', 'nodes', 0, part] }));
        for (const part of parts) node[part] = null;
        return json(given.world, 200, { ...body, errors });
      };
      for (const options of [{}, { reconcile: true }, {}]) {
        expect(await given.sync({}, options)).toMatchObject({ problems: [] });
        expect(await given.ids()).toHaveLength(4);
        project.openMergeRequest({ title: 'next' }).labels = [];
        project.deleteMergeRequest(project.mergeRequests.at(-1) as never);
      }
    });

    test('of a project that breaks every answer that it is in is that project alone', async () => {
      const projects = Array.from({ length: 12 }, (_, index) => given.world.addProject(`acme/p${index}`));
      for (const project of projects) project.openMergeRequest({ title: 'x' });
      const broken = projects[4]?.id ?? 0;
      given.fake.intercept = (_, { operation, variables }) => {
        const ids = (variables.ids ?? variables.project ?? '') as string | string[];
        return operation !== 'ProjectsById' && [ids].flat().some((id) => id.endsWith(`/${broken}`))
          ? json(given.world, 200, { errors: [{ message: 'Timeout on Project.mergeRequests' }] })
          : undefined;
      };
      const { problems } = await given.sync({ projectLimit: 0 });
      expect(problems).toMatchObject([{ project: `project ${broken}`, outcome: 'failed', errorCode: 'gitlab_graphql_error' }]);
      expect(problems[0]?.reason).toContain('Timeout on Project.mergeRequests');
      expect(await given.ids()).toHaveLength(11);
      given.fake.intercept = undefined;
      expect(await given.sync({ projectLimit: 0 })).toMatchObject({ stored: 1, problems: [] });
    });

    test('because it is too complex for this GitLab is asked for in smaller parts', async () => {
      for (let i = 0; i < 12; i++) given.world.addProject(`acme/p${i}`).openMergeRequest({ title: 'x' });
      given.world.complexityLimit = 180;
      expect(await given.sync({ projectLimit: 0 })).toMatchObject({ stored: 12, problems: [] });
      for (const project of given.world.projects) project.openMergeRequest({ title: 'y' });
      given.world.pass(60_000_000);
      expect(await given.sync({ projectLimit: 0 })).toMatchObject({ stored: 12, problems: [] });
    });
  });

  describe('a pass that cannot run', () => {
    test('says so without a token', async () => {
      expect(await given.fail({ token: '' })).toEqual({ error: 'No GitLab token configured', code: 'configuration' });
    });

    test('names every wrong setting', async () => {
      expect(await given.fail({ syncLimit: 'many', url: 'gitlab' })).toMatchObject({
        error:
          'Invalid configuration: url must be an http:// or https:// URL, such as https://gitlab.example.com, not "gitlab"; syncLimit must be a whole number of at least 1, or all, not "many"',
        code: 'configuration',
      });
    });

    test('says that GitLab refuses the token, without it', async () => {
      const result = await given.fail({ token: 'glpat-wrong' });
      expect(result).toMatchObject({
        code: 'gitlab',
        errorCode: 'gitlab_unauthorized',
        error: expect.stringMatching(
          /^Failed to connect to GitLab: GitLab refused the token \(401 on MemberProjects: Invalid token\)/,
        ) as unknown,
      });
      expect(result.error).not.toContain('glpat-wrong');
      expect(await given.fail({ token: 'glpat-wrong', repos: '1' })).toMatchObject({ code: 'gitlab' });
    });

    test('says that the URL is no GitLab', async () => {
      given.fake.intercept = () => html(given.world, 200, 'A wiki');
      expect(await given.fail()).toMatchObject({
        code: 'gitlab',
        error: expect.stringContaining('(200, text/html and not JSON)') as unknown,
      });
      expect(await given.fail({ repos: '1,2,3' })).toMatchObject({ code: 'gitlab' });
    });

    test('says that there is no such connection', async () => {
      expect(await syncGitlab(given.database.em, { token: given.token, url: fakeUrl }, 999_999)).toMatchObject({
        error: 'Failed to store: there is no connection 999999 in the table connections',
        code: 'database',
      });
    });

    test('is ended by its signal, and keeps what is stored', async () => {
      const project = given.world.addProject('acme/shop');
      for (let i = 0; i < 300; i++) project.openMergeRequest({ title: `${i}` });
      const stop = new AbortController();
      const onProgress = ({ stored }: { stored: number }) => {
        if (stored > 0) stop.abort();
      };
      expect(await given.fail({ syncLimit: 'all' }, { signal: stop.signal, onProgress })).toEqual({
        error: 'Stopped before the end',
        code: 'aborted',
      });
      expect((await given.ids()).length).toBeGreaterThan(0);
      expect((await given.ids()).length).toBeLessThan(300);
      await given.sync({ syncLimit: 'all' });
      expect(await given.ids()).toHaveLength(300);
    });
  });

  describe('as a guest in a host', () => {
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('writes nothing to the console, and tells its progress when asked', async () => {
      const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) => vi.spyOn(console, method));
      const written = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
      given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
      const seen: Array<{ projects: number; projectsDone: number; stored: number }> = [];
      await given.sync({}, { onProgress: (progress) => seen.push(progress) });
      await given.run({ token: 'wrong' });
      for (const spy of [...spies, ...written]) expect(spy).not.toHaveBeenCalled();
      expect(seen[0]).toMatchObject({ projects: 1, projectsDone: 0, stored: 0 });
      expect(seen.at(-1)).toMatchObject({ projects: 1, projectsDone: 1, stored: 1 });
    });

    test('has no more requests under way than the settings say', async () => {
      given.world.hasRegistryMetadata = false;
      const repository = given.world.addProject('acme/shop').addImageRepository('');
      for (let i = 0; i < 40; i++) given.world.projects[0]?.pushTag(repository, `t${i}`);
      let underWay = 0;
      let most = 0;
      const counted: typeof fetch = async (...args) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return fetch(...args).finally(() => underWay--);
      };
      await given.sync({ concurrency: 3 }, { fetch: counted });
      expect(most).toBe(3);
    });

    test('leaves no trace of the token in the database', async () => {
      given.world.addProject('acme/shop').openMergeRequest({ title: 'x' });
      await given.sync();
      await given.run({ token: 'glpat-another-secret' });
      for (const table of ['connections', 'change_events', 'gitlab_projects', 'gitlab_stream_state']) {
        const dump = JSON.stringify(await given.database.em.fork().execute(`select * from ${table}`));
        expect(dump).not.toContain(given.token);
        expect(dump).not.toContain('glpat-another-secret');
      }
    });
  });
});
