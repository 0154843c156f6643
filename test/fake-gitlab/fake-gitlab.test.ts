import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeGitlab } from './fake-gitlab.ts';
import type { FakeGitlab } from './fake-gitlab.ts';
import type { FakeProject } from './world/project.ts';
import { seconds } from './world/time.ts';
import { World, goodToken } from './world/world.ts';

let world: World;
let project: FakeProject;
let fake: FakeGitlab;

beforeEach(() => {
  world = new World();
  project = world.addProject('acme/shop');
  fake = createFakeGitlab(world);
});

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any -- any shape of answer
}

async function send(path: string, { token = goodToken, ...init }: RequestInit & { token?: string } = {}): Promise<Answered> {
  const response = await fake.handle(
    new Request(`https://gitlab.example.com${path}`, { ...init, headers: { authorization: `Bearer ${token}` } }),
  );
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('<') ? text : JSON.parse(text) };
}

const ask = (query: string, variables: object = {}, token = goodToken) =>
  send('/api/graphql', { method: 'POST', body: JSON.stringify({ query, variables }), token });

const one = (fields: string) => `{ projects(ids: ["gid://gitlab/Project/${project.id}"], first: 1) { nodes { ${fields} } } }`;

describe('limits', () => {
  test('the score is that of the worked example A of the facts, one project in a list of one', async () => {
    const example = `mergeRequests(first:50, sort:UPDATED_ASC){pageInfo{hasNextPage endCursor} nodes{iid title author{username}
      labels{nodes{title}} approvedBy{nodes{username}} diffStats{path additions deletions}}}
      pipelines(first:50){nodes{iid status jobs(statuses:[FAILED]){nodes{name}}}} releases(first:50, sort:CREATED_DESC){nodes{tagName}}`;
    // 59 of the example's 60 are the project's children; nodes, the list and its one percent make 61; four times is 244.
    expect((await ask(one(example))).body.data.projects.nodes).toHaveLength(1);
    const aliases = (count: number) =>
      `{ ${Array.from({ length: count }, (_, index) => `p${index}: ${one(example).slice(2, -2)}`).join(' ')} }`;
    expect((await ask(aliases(4))).body.data).toBeDefined();
    expect((await ask(aliases(5))).body).toEqual({
      errors: [{ message: 'Query has complexity of 305, which exceeds max complexity of 250' }],
    });
  });

  test('a query of over 10,000 characters is 422, whatever its variables', async () => {
    expect(await ask(one(`id # ${'x'.repeat(10_000)}\n`))).toMatchObject({
      status: 422,
      body: { errors: [{ message: 'Query too large' }] },
    });
    expect((await ask(one('id'), { unused: 'x'.repeat(20_000) })).status).toBe(200);
  });

  test('a page holds at most 100 rows, whatever is asked for', async () => {
    for (let i = 0; i < 120; i++) project.openMergeRequest({ title: `${i}` });
    const { body } = await ask(one('mergeRequests(first: 100, sort: UPDATED_ASC) { nodes { iid } pageInfo { hasNextPage } }'));
    expect(body.data.projects.nodes[0].mergeRequests.nodes).toHaveLength(100);
    expect(body.data.projects.nodes[0].mergeRequests.pageInfo.hasNextPage).toBe(true);
  });

  test('unknown fields and arguments are refused with their names, and nothing is answered', async () => {
    const { status, body } = await ask(one('id nope releases(nope: 1) { nodes { tagName } }'));
    expect(status).toBe(200);
    expect(body.data).toBeUndefined();
    expect(body.errors).toMatchObject([
      {
        message: "Field 'nope' doesn't exist on type 'Project'",
        extensions: { code: 'undefinedField', typeName: 'Project', fieldName: 'nope' },
      },
      { message: "Field 'releases' doesn't accept argument 'nope'", extensions: { code: 'argumentNotAccepted' } },
    ]);
  });

  test('more than 50 full paths are refused, and unknown ones dropped', async () => {
    const query = 'query($paths: [String!]) { projects(fullPaths: $paths, first: 100) { nodes { fullPath } } }';
    const refused = await ask(query, { paths: Array.from({ length: 51 }, (_, index) => `a/${index}`) });
    expect(refused.body.errors[0]).toMatchObject({ message: 'You cannot provide more than 50 full_paths', path: ['projects'] });
    const found = await ask(query, { paths: ['ACME/shop', 'acme/none'] });
    expect(found.body.data.projects.nodes).toEqual([{ fullPath: 'acme/shop' }]);
  });
});

describe('lists', () => {
  test('keyset cursors hold the columns of the last row, and stay valid when rows move', async () => {
    const [first, second, third] = ['one', 'two', 'three'].map((title) => {
      world.pass();
      return project.openMergeRequest({ title });
    });
    const query = (after?: string) =>
      one(
        `mergeRequests(first: 1, sort: UPDATED_ASC${after ? `, after: "${after}"` : ''}) { nodes { title } pageInfo { hasNextPage endCursor } }`,
      );
    const page = async (after?: string) => (await ask(query(after))).body.data.projects.nodes[0].mergeRequests;
    const { nodes, pageInfo } = await page();
    expect(nodes).toEqual([{ title: 'one' }]);
    expect(JSON.parse(Buffer.from(pageInfo.endCursor, 'base64').toString())).toEqual({
      updated_at: '2026-11-23 08:00:01.001237000 UTC',
      id: String(first?.id),
    });
    world.pass();
    if (second) project.editMergeRequest(second, { title: 'moved ahead' });
    const next = await page(pageInfo.endCursor);
    expect(next.nodes).toEqual([{ title: third?.title }]);
    expect((await page(next.pageInfo.endCursor)).nodes).toEqual([{ title: 'moved ahead' }]);
    expect((await ask(query('bm9uc2Vuc2U='))).body.errors[0].message).toBe('Please provide a valid cursor');
  });

  test('updatedAfter is inclusive, and a time in an answer has no fraction', async () => {
    world.pass(seconds(10));
    const mergeRequest = project.openMergeRequest({ title: 'at a fraction of a second' });
    const read = async (after: string) => {
      const { body } = await ask(one(`mergeRequests(first: 9, sort: UPDATED_ASC, updatedAfter: "${after}") { nodes { updatedAt } }`));
      return body.data.projects.nodes[0].mergeRequests.nodes;
    };
    expect(await read('2026-11-23T08:00:10Z')).toEqual([{ updatedAt: '2026-11-23T08:00:10Z' }]);
    expect(await read(new Date(mergeRequest.updatedAt / 1000 + 1).toISOString())).toEqual([]);
  });

  test('rows that may not be read are removed after paging: an empty page may have a next one', async () => {
    for (const isHidden of [true, true, false]) project.openMergeRequest({ title: String(isHidden), isHidden });
    const { body } = await ask(one('mergeRequests(first: 2, sort: UPDATED_DESC) { nodes { title } pageInfo { hasNextPage } }'));
    expect(body.data.projects.nodes[0].mergeRequests).toMatchObject({ nodes: [{ title: 'false' }], pageInfo: { hasNextPage: true } });
  });

  test('pipelines come by id, newest first, and releases are null where there are none', async () => {
    const first = project.startPipeline({ ref: 'main' });
    world.pass();
    project.startPipeline({ ref: 'main' });
    project.finishPipeline(first, 'SUCCESS');
    const { body } = await ask(one('pipelines(first: 5) { nodes { iid } } releases(first: 5, sort: CREATED_DESC) { nodes { tagName } }'));
    expect(body.data.projects.nodes[0]).toEqual({ pipelines: { nodes: [{ iid: '2' }, { iid: '1' }] }, releases: null });
  });

  test('a guest of a private project sees no merge requests, pipelines and images, and no error', async () => {
    project.openMergeRequest({ title: 'secret' });
    project.startPipeline({ ref: 'main' });
    project.role = 'guest';
    const { body } = await ask(
      one(
        'userPermissions { downloadCode } mergeRequests(first: 1, sort: UPDATED_ASC) { nodes { iid } } pipelines(first: 1) { nodes { iid } }',
      ),
    );
    expect(body).toEqual({
      data: { projects: { nodes: [{ userPermissions: { downloadCode: false }, mergeRequests: { nodes: [] }, pipelines: { nodes: [] } }] } },
    });
  });
});

describe('tokens', () => {
  test('an unknown, expired or narrow token is 401 in GraphQL', async () => {
    world.tokens.set('old', { state: 'expired', scopes: ['read_api'] });
    world.tokens.set('narrow', { state: 'active', scopes: ['read_repository'] });
    for (const token of ['nobody', 'old', 'narrow']) {
      expect(await ask(one('id'), {}, token)).toMatchObject({ status: 401, body: { errors: [{ message: 'Invalid token' }] } });
    }
  });

  test('REST tells a missing token from a narrow one', async () => {
    world.tokens.set('narrow', { state: 'active', scopes: ['read_user'] });
    const path = `/api/v4/projects/${project.id}/repository/commits`;
    expect(await send(path, { token: 'nobody' })).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
    expect(await send(path, { token: 'narrow' })).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
  });
});

describe('REST commits', () => {
  const list = (query: string) => send(`/api/v4/projects/${project.id}/repository/commits?${query}`);

  test('a range holds what the second end has and the first has not, with stats when asked', async () => {
    const base = project.git.commit('main', { title: 'base' });
    project.git.commit('feature', { title: 'late', parents: [base.sha], committedAt: base.committedAt - 1, additions: 3, deletions: 4 });
    const merge = project.git.merge('feature', 'main', 'merge');
    const { body } = await list(`ref_name=${base.sha}..${merge.sha}&with_stats=true`);
    expect(body.map(({ title, stats }: { title: string; stats: object }) => ({ title, stats }))).toEqual([
      { title: 'merge', stats: { additions: 0, deletions: 0, total: 0 } },
      { title: 'late', stats: { additions: 3, deletions: 4, total: 7 } },
    ]);
    expect((await list('ref_name=main')).body[0].stats).toBeUndefined();
  });

  test('pages are not counted, so a last full page is followed by an empty one', async () => {
    for (const title of ['a', 'b']) project.git.commit('main', { title });
    const last = await list('ref_name=main&per_page=2&page=1');
    expect(last.headers.get('x-next-page')).toBe('2');
    expect(last.headers.get('x-total')).toBeNull();
    const empty = await list('ref_name=main&per_page=2&page=2');
    expect(empty.body).toEqual([]);
    expect(empty.headers.get('x-next-page')).toBe('');
  });

  test('an empty repository, an unknown branch and a forbidden one differ as in GitLab', async () => {
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    project.git.commit('main', { title: 'a' });
    expect((await list('ref_name=nope')).status).toBe(404);
    world.unknownRef = 'empty';
    expect(await list('ref_name=nope')).toMatchObject({ status: 200, body: [] });
    project.role = 'guest';
    expect(await list('ref_name=main')).toMatchObject({ status: 403, body: { message: '403 Forbidden' } });
    project.role = 'none';
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Project Not Found' } });
  });
});

describe('REST registry', () => {
  test('the list of tags has names only; one tag has its digest', async () => {
    const repository = project.addImageRepository('web');
    const tag = project.pushTag(repository, 'v1');
    const path = `/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags`;
    expect((await send(path)).body).toEqual([{ name: 'v1', path: 'acme/shop/web:v1', location: 'registry.example.com/acme/shop/web:v1' }]);
    expect((await send(`${path}/v1`)).body).toMatchObject({
      digest: tag.digest,
      total_size: 12_345_678,
      created_at: '2026-11-23T08:00:00.000Z',
    });
    tag.isBroken = true;
    expect(await send(`${path}/v1`)).toMatchObject({ status: 404, body: { message: '404 Tag Not Found' } });
    project.features.registry = false;
    expect(await send(path)).toMatchObject({ status: 403, body: { message: '403 Forbidden' } });
  });

  test('keyset pages link to the next one, and need a metadata database', async () => {
    const repository = project.addImageRepository('');
    for (const name of ['a', 'b', 'c']) project.pushTag(repository, name);
    const path = `/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags?pagination=keyset&per_page=2`;
    const { headers } = await send(path);
    expect(headers.get('link')).toMatch(/<https:.*last=b.*>; rel="next"/);
    world.hasRegistryMetadata = false;
    expect((await send(path)).status).toBe(405);
  });
});
