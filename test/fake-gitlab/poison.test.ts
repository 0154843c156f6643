import { print } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { ProjectChangesDocument } from '../../src/gitlab/generated/sdk.ts';
import type { Failure, ObjectType } from '../../fake-gitlab/world/poison.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

const whole: ReadonlyArray<readonly [Failure, number, unknown]> = [
  ['error-500', 500, { errors: [{ message: 'Internal server error' }] }],
  ['502-html', 502, expect.stringContaining('Whoops, GitLab is taking too much time to respond.')],
  [
    'statement-timeout-503',
    503,
    { errors: [{ message: 'Request timed out. Please try a less complex query or a smaller set of records.' }] },
  ],
  ['cut-off', 200, expect.stringMatching(/^\{"data":\{.*[^}]$/s)],
];

describe('a merge request that GitLab cannot answer, in GraphQL', () => {
  const page = (fields: string) =>
    gitlab.fields(`mergeRequests(first: 9, sort: UPDATED_ASC) { nodes { ${fields} } pageInfo { hasNextPage } }`);
  const listIn = ({ body }: Awaited<ReturnType<typeof page>>) => body.data.projects.nodes[0].mergeRequests;

  beforeEach(() => {
    for (const title of ['a', 'b', 'c']) gitlab.project.openMergeRequest({ title });
  });

  test.each(whole)('fails each request for it as a whole (%s), but not a page of ids', async (how, status, body) => {
    const heal = gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how });
    expect(await page('iid title')).toMatchObject({ status, body });
    expect((await gitlab.fields('mergeRequest(iid: "2") { title }')).status).toBe(status);
    expect((await gitlab.fields('mergeRequest(iid: "1") { title }')).body.errors).toBeUndefined();
    expect(listIn(await page('iid updatedAt')).nodes).toHaveLength(3);
    heal();
    expect(listIn(await page('iid title')).nodes).toHaveLength(3);
  });

  test('is null with an error at its place, in lists and alone', async () => {
    gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how: 'null-node' });
    const answer = await page('iid title');
    expect(listIn(answer)).toEqual({
      nodes: [{ iid: expect.any(String), title: expect.any(String) }, null, expect.any(Object)],
      pageInfo: { hasNextPage: false },
    });
    expect(answer.body.errors).toMatchObject([
      { message: expect.stringContaining('does not exist'), path: ['projects', 'nodes', 0, 'mergeRequests', 'nodes', 1] },
    ]);
    const alone = await gitlab.fields('mergeRequest(iid: "2") { title }');
    expect(alone.body).toMatchObject({
      data: { projects: { nodes: [{ mergeRequest: null }] } },
      errors: [{ path: ['projects', 'nodes', 0, 'mergeRequest'] }],
    });
    expect((await page('iid')).body.errors).toBeUndefined();
  });

  test('has a null in place of a field that timed out, and the rest of it', async () => {
    gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how: 'null-field' });
    const answer = await page('title diffStats { path }');
    expect(listIn(answer).nodes.map(({ diffStats }: { diffStats: unknown }) => diffStats !== null)).toEqual([true, false, true]);
    expect(answer.body.errors).toMatchObject([
      { message: 'Timeout on MergeRequest.diffStats', path: ['projects', 'nodes', 0, 'mergeRequests', 'nodes', 1, 'diffStats'] },
    ]);
    expect((await page('title')).body.errors).toBeUndefined();
  });

  test('uses up the 30 seconds: what comes after it fails as well, and takes what may not be null along', async () => {
    gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how: 'timeout', fields: ['diffStats'] });
    const query = 'mergeRequests(first: 9, sort: UPDATED_ASC) { nodes { title diffStats { path } draft } } releases { nodes { tagName } }';
    const { status, body } = await gitlab.fields(query);
    expect(status).toBe(200);
    expect(body.data.projects.nodes[0]).toEqual({
      // The order is that of ids from the newest, as all changed at once.
      mergeRequests: { nodes: [{ title: 'c', diffStats: expect.any(Array), draft: false }, null, null] },
      releases: null,
    });
    expect(body.errors.map(({ message }: { message: string }) => message)).toEqual([
      'Timeout on MergeRequest.diffStats',
      'Timeout on MergeRequest.draft',
      'Timeout on MergeRequest.title',
      'Timeout on Project.releases',
    ]);
    expect((await page('title draft')).body.errors).toBeUndefined();
  });

  test('fails a request for its costly field alone, or for anything of it', async () => {
    const heal = gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how: 'error-500', fields: ['diffStats'] });
    expect((await page('iid title')).status).toBe(200);
    expect((await page('iid diffStats { path }')).status).toBe(500);
    heal();
    gitlab.fake.poison({ type: 'mergeRequest', iid: 2, how: 'error-500', fields: 'all' });
    expect((await page('iid')).status).toBe(500);
  });

  test('is another one in another project', async () => {
    const other = gitlab.world.addProject('acme/other');
    other.openMergeRequest({ title: 'a' });
    gitlab.fake.poison({ type: 'mergeRequest', projectId: other.id, iid: 1, how: 'error-500' });
    expect((await page('title')).status).toBe(200);
    expect((await gitlab.ask('{ projects { nodes { mergeRequests(first: 1) { nodes { title } } } } }')).status).toBe(500);
  });
});

describe('any object', () => {
  interface Case {
    readonly type: ObjectType;
    readonly name?: string;
    readonly list: string;
    readonly light: string;
  }

  const cases: readonly Case[] = [
    { type: 'project', list: 'webUrl', light: 'id fullPath' },
    { type: 'mergeRequest', list: 'mergeRequests { nodes { title } }', light: 'mergeRequests { nodes { iid } }' },
    { type: 'pipeline', list: 'pipelines { nodes { status } }', light: 'pipelines { nodes { id } }' },
    { type: 'job', list: 'pipelines { nodes { jobs { nodes { status } } } }', light: 'pipelines { nodes { jobs { nodes { name } } } }' },
    { type: 'release', name: 'v1', list: 'releases { nodes { description } }', light: 'releases { nodes { tagName } }' },
    {
      type: 'containerRepository',
      name: 'acme/shop/web',
      list: 'containerRepositories { nodes { location } }',
      light: 'containerRepositories { nodes { id } }',
    },
  ];

  beforeEach(() => {
    gitlab.project.openMergeRequest({ title: 'a' });
    gitlab.project.startPipeline({ ref: 'main' });
    gitlab.project.createRelease({ tag: 'v1' });
    gitlab.project.addImageRepository('web');
  });

  test.each(cases)('in GraphQL: $type', async ({ type, name, list, light }) => {
    const heal = gitlab.fake.poison({ type, how: 'error-500', ...(name === undefined ? {} : { name }) });
    expect((await gitlab.fields(list)).status).toBe(500);
    expect(await gitlab.fields(light)).toMatchObject({ status: 200, body: { data: { projects: { nodes: [expect.any(Object)] } } } });
    heal();
    gitlab.fake.poison({ type, how: 'null-node', ...(name === undefined ? {} : { name }) });
    const { body } = await gitlab.fields(list);
    expect(JSON.stringify(body.data)).toContain('"nodes":[null]');
    expect(body.errors).toHaveLength(1);
  });

  test('fails the query that asks for many projects at once', async () => {
    gitlab.fake.poison({ type: 'release', name: 'v1', how: '502-html' });
    const variables = {
      ids: [`gid://gitlab/Project/${gitlab.project.id}`],
      projects: 1,
      pageSize: 10,
      releasePageSize: 10,
      mergeRequestSort: 'UPDATED_ASC',
    };
    const answer = await gitlab.ask(print(ProjectChangesDocument), variables);
    expect(answer.status).toBe(502);
  });
});

describe('an object that GitLab cannot answer, in REST', () => {
  const answers: ReadonlyArray<readonly [Failure, number, unknown]> = [
    ['error-500', 500, { message: '500 Internal Server Error' }],
    ['502-html', 502, expect.stringContaining('Whoops')],
    ['statement-timeout-503', 503, { message: '503 Service Unavailable' }],
    ['timeout', 504, expect.stringContaining('504 Gateway Time-out')],
    ['cut-off', 200, expect.stringMatching(/^[[{].*[^\]}]$/s)],
  ];

  test.each(answers)('a commit fails the list with stats (%s), and not the list without', async (how, status, body) => {
    const [bad] = ['a', 'b', 'c'].map((title) => gitlab.project.git.commit('main', { title }));
    gitlab.fake.poison({ type: 'commit', name: bad?.sha ?? '', how });
    const list = (query: string) => gitlab.rest(`repository/commits?ref_name=main${query}`);
    expect(await list('&with_stats=true')).toMatchObject({ status, body });
    expect((await list('&with_stats=true&per_page=2')).body).toHaveLength(2);
    expect((await list('')).body).toHaveLength(3);
    expect((await gitlab.rest(`repository/commits/${bad?.sha}`)).status).toBe(status);
    expect((await gitlab.rest(`repository/commits/${bad?.sha}?stats=false`)).status).toBe(200);
  });

  test.each(answers)('a tag is listed by name, and cannot be described (%s)', async (how, status, body) => {
    const repository = gitlab.project.addImageRepository('web');
    for (const name of ['v1', 'v2']) gitlab.project.pushTag(repository, name);
    gitlab.fake.poison({ type: 'tag', id: repository.id, name: 'v2', how });
    const tags = `registry/repositories/${repository.id}/tags`;
    expect((await gitlab.rest(tags)).body).toHaveLength(2);
    expect((await gitlab.rest(`${tags}/v1`)).status).toBe(200);
    expect(await gitlab.rest(`${tags}/v2`)).toMatchObject({ status, body });
  });

  test('a null object is 404 alone and 500 in a list; a null field is null', async () => {
    const repository = gitlab.project.addImageRepository('web');
    gitlab.project.pushTag(repository, 'v1');
    const commit = gitlab.project.git.commit('main', { title: 'a' });
    const tag = () => gitlab.rest(`registry/repositories/${repository.id}/tags/v1`);
    const commits = () => gitlab.rest('repository/commits?with_stats=true');
    const heal = [
      gitlab.fake.poison({ type: 'tag', name: 'v1', how: 'null-node' }),
      gitlab.fake.poison({ type: 'commit', name: commit.sha, how: 'null-node' }),
    ];
    expect(await tag()).toMatchObject({ status: 404, body: { message: '404 Tag Not Found' } });
    expect((await commits()).status).toBe(500);
    for (const cure of heal) cure();
    gitlab.fake.poison({ type: 'tag', name: 'v1', how: 'null-field', fields: ['totalSize'] });
    gitlab.fake.poison({ type: 'commit', name: commit.sha, how: 'null-field' });
    expect((await tag()).body).toMatchObject({ total_size: null, digest: expect.any(String) });
    expect((await commits()).body).toMatchObject([{ id: commit.sha, stats: null }]);
  });

  test('lists of merge requests, pipelines, jobs, releases and repositories fail with one of their rows', async () => {
    const { project, fake, rest } = gitlab;
    project.openMergeRequest({ title: 'a' });
    const pipeline = project.startPipeline({ ref: 'main' });
    project.createRelease({ tag: 'v1' });
    project.addImageRepository('web');
    for (const type of ['mergeRequest', 'pipeline', 'job', 'release', 'containerRepository'] as const)
      fake.poison({ type, how: 'error-500' });
    const paths = ['merge_requests', 'pipelines', `pipelines/${pipeline.id}/jobs`, 'releases', 'registry/repositories'];
    const statuses = await Promise.all(paths.map(async (path) => [path, (await rest(path)).status]));
    expect(statuses).toEqual(paths.map((path) => [path, 500]));
  });
});
