import { getIntrospectionQuery } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes, moment, seconds } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import type { Answered } from './asking.ts';

let world: World;
let project: FakeProject;
let fake: FakeGitlab;

beforeEach(() => {
  world = new World();
  project = world.addProject('acme/shop');
  fake = createFakeGitlab(world);
});

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

  test('a ref makes pipelines cost two more, and a sort of projects one more, before the page counts', async () => {
    const score = async (list: string) => {
      const aliases = Array.from({ length: 100 }, (_, index) => `p${index}: ${list}`).join(' ');
      return (await ask(`{ ${aliases} }`)).body.errors[0].message.match(/complexity of (\d+)/)[1] / 100;
    };
    // (count 1 + resolver 1 + Gitaly 1) twice for 100 rows, and one for the project's nodes in a list of one.
    const pipelines = (args: string) => `projects(first: 1) { nodes { pipelines${args} { count } } }`;
    expect(await score(pipelines(''))).toBe(8);
    expect(await score(pipelines('(ref: "main")'))).toBe(12);
    expect(await score('projects(first: 100) { nodes { id } }')).toBe(6);
    expect(await score('projects(first: 100, sort: "id_asc") { nodes { id } }')).toBe(8);
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

  test('a page follows its cursor whatever has changed since the page before', async () => {
    const [, b, c] = ['a', 'b', 'c'].map((title) => {
      world.pass();
      return project.openMergeRequest({ title });
    });
    const page = async (after: string | null) => {
      const args = `first: 1, sort: UPDATED_ASC${after === null ? '' : `, after: "${after}"`}`;
      const { body } = await ask(one(`mergeRequests(${args}) { count nodes { title } pageInfo { endCursor hasNextPage } }`));
      return body.data.projects.nodes[0].mergeRequests;
    };
    const first = await page(null);
    expect(first).toMatchObject({ count: 3, nodes: [{ title: 'a' }], pageInfo: { hasNextPage: true } });
    world.pass();
    if (b) project.editMergeRequest(b, { title: 'b again' });
    const second = await page(first.pageInfo.endCursor);
    expect(second).toMatchObject({ nodes: [{ title: 'c' }], pageInfo: { hasNextPage: true } });
    if (c) project.deleteMergeRequest(c);
    expect(await page(second.pageInfo.endCursor)).toMatchObject({
      count: 2,
      nodes: [{ title: 'b again' }],
      pageInfo: { hasNextPage: false },
    });
  });

  test('unknown fields and arguments are refused with their names and places, and nothing is answered', async () => {
    const { status, body } = await ask(one('id nope releases(nope: 1) { nodes { tagName } }'));
    expect(status).toBe(200);
    expect(body).toEqual({
      errors: [
        {
          message: "Field 'nope' doesn't exist on type 'Project'",
          locations: [{ line: 1, column: 70 }],
          path: ['query', 'projects', 'nodes', 'nope'],
          extensions: { code: 'undefinedField', typeName: 'Project', fieldName: 'nope' },
        },
        {
          message: "Field 'releases' doesn't accept argument 'nope'",
          locations: [{ line: 1, column: 84 }],
          path: ['query', 'projects', 'nodes', 'releases', 'nope'],
          extensions: { code: 'argumentNotAccepted', name: 'releases', typeName: 'Field', argumentName: 'nope' },
        },
      ],
    });
  });

  test('what only unknown things use is refused as unused, after them; five errors at most', async () => {
    const query = `query Q($a: Int, $b: Nope) { nope(a: $a) { ...F } projects(b: $b) { ...G } }
      fragment F on Project { id } fragment G on Nope { id } fragment H on Project { id }`;
    const messages = [
      "Nope isn't a defined input type (on $b)",
      "Field 'nope' doesn't exist on type 'Query'",
      "Field 'projects' doesn't accept argument 'b'",
      "No such type Nope, so it can't be a fragment condition",
      'Variable $a is declared by Q but not used',
    ];
    const { body } = await ask(query);
    expect(body.errors.map(({ message }: { message: string }) => message)).toEqual(messages);
    expect(body.errors.map(({ path }: { path: string[] }) => path[0])).toEqual(['query Q', 'query Q', 'query Q', 'fragment G', 'query Q']);
    const unused = await ask('{ projects { nodes { id } } } fragment H on Project { id }');
    expect(unused.body.errors[0]).toMatchObject({
      message: 'Fragment H was defined, but not used',
      extensions: { code: 'useAndDefineFragment', fragmentName: 'H' },
    });
  });

  test('an older version and Community Edition lack what came later, or never', async () => {
    const lacks = async (schema: World['schema'], fields: string) => {
      world.schema = schema;
      const { body } = await ask(one(fields));
      return (body.errors ?? []).map(({ message }: { message: string }) => message);
    };
    const pipelines = 'pipelines { nodes { ref source } }';
    expect(await lacks({ version: '17.5', edition: 'EE' }, pipelines)).toEqual([]);
    expect(await lacks({ version: '16.2', edition: 'EE' }, pipelines)).toEqual(["Field 'source' doesn't exist on type 'Pipeline'"]);
    expect(await lacks({ version: '13.12', edition: 'EE' }, pipelines)).toHaveLength(2);
    const edit = (sdl: string) => sdl.replace('  upvotes:', '  approvalsLeft: Int\n  upvotes:');
    const approvals = 'mergeRequests { nodes { approvalsLeft } }';
    expect(await lacks({ version: '18.8', edition: 'EE', edit }, approvals)).toEqual([]);
    expect(await lacks({ version: '18.8', edition: 'CE', edit }, approvals)).toEqual([
      "Field 'approvalsLeft' doesn't exist on type 'MergeRequest'",
    ]);
    expect(await lacks({ version: '18.8', edition: 'EE', lacks: ['Project.pipelines(ref:)'] }, 'pipelines(ref: "x") { count }')).toEqual([
      "Field 'pipelines' doesn't accept argument 'ref'",
    ]);
  });

  test('introspection is answered and costs like any other query: as a whole too much for a guest', async () => {
    const guest = async (query: string) => {
      const request = new Request('https://gitlab.example.com/api/graphql', { method: 'POST', body: JSON.stringify({ query }) });
      return (await (await fake.handle(request)).json()) as { data?: unknown; errors?: Array<{ message: string }> };
    };
    // Under another name: GitLab lets its own pages' query of this kind pass.
    const whole = getIntrospectionQuery({ descriptions: false }).replace('IntrospectionQuery', 'Whole');
    expect((await ask(whole)).body.data.__schema.queryType.name).toBe('Query');
    expect(await guest(whole)).toEqual({ errors: [{ message: 'Query has complexity of 213, which exceeds max complexity of 200' }] });
    expect(await guest('{ __type(name: "Label") { kind fields { name } } projects { nodes { id } } }')).toEqual({
      data: { __type: { kind: 'OBJECT', fields: [{ name: 'title' }] }, projects: { nodes: [] } },
    });
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

  const connection = async (list: string) => {
    const { body } = await ask(one(`list: ${list}`));
    return body.data.projects.nodes[0].list;
  };

  test('merge requests are picked by state, target branch and time of creation, which is inclusive', async () => {
    for (const [title, targetBranch] of [
      ['at 0', 'main'],
      ['at 1', 'develop'],
      ['at 2', 'main'],
      ['at 3', 'main'],
    ] as const) {
      const createdAt = moment('2026-11-23T08:00:00Z') + seconds(Number(title.slice(3)));
      project.openMergeRequest({ title, targetBranch, createdAt });
    }
    const [, , closed] = project.mergeRequests;
    if (closed) project.closeMergeRequest(closed);
    const titles = async (args: string) => {
      const { nodes } = await connection(`mergeRequests(${args}, sort: UPDATED_ASC, first: 9) { nodes { title } }`);
      return nodes.map(({ title }: { title: string }) => title).toSorted();
    };
    expect(await titles('createdAfter: "2026-11-23T08:00:01Z"')).toEqual(['at 1', 'at 2', 'at 3']);
    expect(await titles('targetBranches: ["develop", "none"]')).toEqual(['at 1']);
    expect(await titles('state: closed')).toEqual(['at 2']);
    expect(await titles('state: all, targetBranches: ["main"]')).toEqual(['at 0', 'at 2', 'at 3']);
    expect(await titles('targetBranches: []')).toEqual([]);
  });

  test('pipelines are picked by ref and time of change, both ends inclusive', async () => {
    for (const [index, ref] of ['main', 'main', 'develop', 'main'].entries()) {
      project.startPipeline({ ref, updatedAt: moment('2026-11-23T08:00:00Z') + seconds(index) });
    }
    const list = await connection(
      'pipelines(ref: "main", updatedAfter: "2026-11-23T08:00:01Z", updatedBefore: "2026-11-23T08:00:03Z", first: 9) { count nodes { iid } }',
    );
    expect(list).toEqual({ count: 2, nodes: [{ iid: '4' }, { iid: '2' }] });
  });

  test('a count is of everything that matches, on other pages and hidden too', async () => {
    for (const isHidden of [true, false, false]) project.openMergeRequest({ title: 'a', isHidden });
    for (const tag of ['v1', 'v2']) project.createRelease({ tag });
    expect(await connection('mergeRequests(first: 1) { count }')).toEqual({ count: 3 });
    expect(await connection('mergeRequests(first: 1, state: merged) { count }')).toEqual({ count: 0 });
    expect(await connection('releases(first: 1) { count }')).toEqual({ count: 2 });
  });

  test('projects are picked by id and membership at once, in the order and pages asked for', async () => {
    const [api, web, docs] = ['api', 'web', 'docs'].map((name) => world.addProject(`acme/${name}`));
    if (web) web.isMember = false;
    const query = `query($ids: [ID!], $after: String) { projects(ids: $ids, membership: true, sort: "id_asc", after: $after, first: 1) {
      nodes { fullPath } pageInfo { hasNextPage endCursor } } }`;
    const ids = [docs, web, api].map((row) => `gid://gitlab/Project/${row?.id}`);
    const first = (await ask(query, { ids })).body.data.projects;
    expect(first).toMatchObject({ nodes: [{ fullPath: 'acme/api' }], pageInfo: { hasNextPage: true } });
    const second = (await ask(query, { ids, after: first.pageInfo.endCursor })).body.data.projects;
    expect(second).toMatchObject({ nodes: [{ fullPath: 'acme/docs' }], pageInfo: { hasNextPage: false } });
  });

  test('projects of a group come in pages, with those of its subgroups when asked', async () => {
    world.addProject('acme/web/site');
    const query = `query($after: String, $deep: Boolean) { group(fullPath: "acme") { projects(includeSubgroups: $deep, after: $after, first: 1) {
      nodes { fullPath } pageInfo { hasNextPage endCursor } } } }`;
    const page = async (variables: object) => (await ask(query, variables)).body.data.group.projects;
    const first = await page({ deep: true });
    expect(first).toMatchObject({ nodes: [{ fullPath: 'acme/web/site' }], pageInfo: { hasNextPage: true } });
    expect((await page({ deep: true, after: first.pageInfo.endCursor })).nodes).toEqual([{ fullPath: 'acme/shop' }]);
    expect((await page({ deep: false })).pageInfo.hasNextPage).toBe(false);
  });

  test('a guest of a private project sees no merge requests, pipelines and images, and no error', async () => {
    project.openMergeRequest({ title: 'secret' });
    project.startPipeline({ ref: 'main' });
    project.role = 'guest';
    project.publicPipelines = false;
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

describe('what GitLab says of itself and of tokens', () => {
  const self = (token: string) => send('/api/v4/personal_access_tokens/self', { token });
  const info = (token: string) => send('/oauth/token/info', { token });

  test('version, edition and user are asked together, and the price of a query is its own', async () => {
    world.version = '17.5.0';
    world.tokens.set('glpat-admin', { state: 'active', scopes: ['api'], isAdmin: true, username: 'root' });
    const query = '{ metadata { version enterprise } currentUser { username } queryComplexity { score limit } }';
    expect((await ask(query)).body.data).toEqual({
      metadata: { version: '17.5.0', enterprise: false },
      currentUser: { username: 'ada' },
      queryComplexity: { score: 8, limit: 250 },
    });
    const { currentUser, queryComplexity } = (await ask(query, {}, 'glpat-admin')).body.data;
    expect([currentUser.username, queryComplexity.limit]).toEqual(['root', 300]);
    expect((await send('/api/v4/version')).body).toMatchObject({ version: '17.5.0' });
  });

  test('fields that are left out cost nothing', async () => {
    const query = 'query ($is: Boolean! = false) { queryComplexity { score } metadata @include(if: $is) { version enterprise } }';
    expect((await ask(query)).body.data).toEqual({ queryComplexity: { score: 2 } });
    expect((await ask(query, { is: true })).body.data.queryComplexity.score).toBe(5);
    expect((await ask(query.replace('include', 'skip'), { is: true })).body.data.queryComplexity.score).toBe(2);
  });

  test('a token of any scope may be asked about itself, as long as it is good', async () => {
    world.tokens.set('glpat-narrow', { state: 'active', scopes: ['read_user'], name: 'narrow', expiresOn: '2026-12-31' });
    expect(await self('glpat-narrow')).toMatchObject({
      status: 200,
      body: { name: 'narrow', scopes: ['read_user'], expires_at: '2026-12-31', active: true, revoked: false },
    });
    world.tokens.set('glpat-ended', { state: 'expired', scopes: ['api'] });
    world.tokens.set('glpat-revoked', { state: 'revoked', scopes: ['api'] });
    expect(await self('glpat-ended')).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('Token is expired') },
    });
    expect(await self('glpat-revoked')).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('Token was revoked') },
    });
    expect(await self('glpat-unknown')).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
  });

  test('an OAuth token is described elsewhere, and no other token is', async () => {
    world.tokens.set('oauth', { state: 'active', scopes: ['read_api'], kind: 'oauth', expiresInSeconds: 90 });
    expect(await self('oauth')).toMatchObject({ status: 400 });
    expect(await info('oauth')).toMatchObject({ status: 200, body: { scope: ['read_api'], expires_in: 90 } });
    expect(await info(goodToken)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await ask(one('id'), {}, 'oauth')).status).toBe(200);
  });

  test('a fine-grained token gets nothing of GraphQL, and REST as far as it has leave', async () => {
    world.tokens.set('fine', { state: 'active', scopes: ['granular'] });
    const { status, body } = await ask(one('id'), {}, 'fine');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      data: { projects: null },
      errors: [{ message: expect.stringContaining('fine-grained'), path: ['projects'] }],
    });
    expect(await self('fine')).toMatchObject({ status: 403, body: { error: 'insufficient_granular_scope' } });
    world.tokens.set('fine', { state: 'active', scopes: ['granular'], readsItself: true });
    expect(await self('fine')).toMatchObject({ status: 200, body: { scopes: ['granular'] } });
    expect((await send('/api/v4/version', { token: 'fine' })).status).toBe(403);
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

  test('since and until go by committer date, both ends inclusive', async () => {
    const at = moment('2026-11-23T08:00:00Z');
    for (const [index, title] of ['a', 'b', 'c', 'd'].entries()) {
      project.git.commit('main', { title, committedAt: at + seconds(index), authoredAt: at - seconds(500) });
    }
    const { body } = await list('ref_name=main&since=2026-11-23T08:00:01Z&until=2026-11-23T08:00:02Z');
    expect(body.map(({ title }: { title: string }) => title)).toEqual(['c', 'b']);
  });

  test('one commit has stats unless told, and is found off every branch until it is pruned', async () => {
    const base = project.git.commit('main', { title: 'base' });
    const lost = project.git.commit('main', { title: 'lost', additions: 3, deletions: 4 });
    project.git.reset('main', base.sha);
    const tip = project.git.commit('main', { title: 'instead' });
    const describe = (sha: string, query = '') => send(`/api/v4/projects/${project.id}/repository/commits/${sha}${query}`);
    expect((await describe(lost.sha)).body).toMatchObject({ id: lost.sha, stats: { additions: 3, deletions: 4, total: 7 } });
    expect((await describe(lost.sha, '?stats=false')).body.stats).toBeUndefined();
    expect((await list(`ref_name=${lost.sha}..${tip.sha}`)).body).toMatchObject([{ title: 'instead' }]);
    project.git.prune();
    expect(await describe(lost.sha)).toMatchObject({ status: 404, body: { message: '404 Commit Not Found' } });
    expect((await list(`ref_name=${lost.sha}..${tip.sha}`)).status).toBe(404);
    world.unknownRef = 'empty';
    expect(await list(`ref_name=${lost.sha}..${tip.sha}`)).toMatchObject({ status: 200, body: [] });
    expect((await list(`ref_name=${base.sha}..${tip.sha}`)).body).toMatchObject([{ title: 'instead' }]);
    project.features.repository = false;
    expect(await describe(tip.sha)).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    project.features.repository = true;
    project.role = 'guest';
    expect((await describe(tip.sha)).status).toBe(403);
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

describe('REST lists of a project', () => {
  const at = (path: string) => send(`/api/v4/projects/${project.id}/${path}`);

  test('merge requests come by their last change; files and approvers are asked for one by one', async () => {
    const first = project.openMergeRequest({ title: 'a', labels: ['bug'], files: [{ path: 'x.ts', additions: 2, deletions: 1 }] });
    world.pass();
    const second = project.openMergeRequest({ title: 'b', author: null });
    const iids = async () => (await at('merge_requests?order_by=updated_at')).body.map(({ iid }: { iid: number }) => iid);
    expect(await iids()).toEqual([second.iid, first.iid]);
    world.pass();
    project.approve(first, 'grace');
    expect(await iids()).toEqual([first.iid, second.iid]);
    const { headers, body } = await at('merge_requests?per_page=1');
    expect(headers.get('link')).toMatch(/<https:.*page=2>; rel="next"/);
    expect(body).toMatchObject([{ iid: first.iid, labels: ['bug'], state: 'opened', author: { username: 'ada' } }]);
    expect((await at(`merge_requests/${first.iid}/diffs`)).body).toMatchObject([{ new_path: 'x.ts' }]);
    expect((await at(`merge_requests/${first.iid}/approvals`)).body).toMatchObject({ approved_by: [{ user: { username: 'grace' } }] });
    expect((await at('merge_requests/99/approvals')).status).toBe(404);
  });

  test('a list of pipelines has neither user nor duration; one has, and its jobs are a list', async () => {
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'lint' }, { name: 'unit' }] });
    world.pass(minutes(1));
    project.finishPipeline(pipeline, 'FAILED', ['unit']);
    const { body } = await at('pipelines');
    expect(body).toMatchObject([{ id: pipeline.id, status: 'failed' }]);
    expect(body[0]).not.toHaveProperty('user');
    expect((await at(`pipelines/${pipeline.id}`)).body).toMatchObject({ user: { username: 'ada' }, duration: 60 });
    expect((await at(`pipelines/${pipeline.id}/jobs?scope[]=failed`)).body).toMatchObject([{ name: 'unit', status: 'failed' }]);
    expect((await at('pipelines/1/jobs')).status).toBe(404);
  });

  test('releases, image repositories and projects are lists of whole rows', async () => {
    project.createRelease({ tag: 'v1', links: [{ name: 'a.zip', url: 'https://example.com/a.zip' }] });
    const repository = project.addImageRepository('web');
    expect((await at('releases')).body).toMatchObject([{ tag_name: 'v1', assets: { links: [{ name: 'a.zip' }] } }]);
    expect((await at('registry/repositories')).body).toMatchObject([{ id: repository.id, path: 'acme/shop/web' }]);
    const other = world.addProject('acme/other');
    const { body } = await send('/api/v4/projects?membership=true&order_by=id');
    expect(body.map(({ id }: { id: number }) => id)).toEqual([other.id, project.id]);
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

describe('changes of a world', () => {
  test('what is committed late notes an earlier time, while the clock stands', () => {
    world.pass(minutes(5));
    const before = world.now;
    const late = world.commitLate(seconds(40), () => project.openMergeRequest({ title: 'late' }));
    expect(late.updatedAt).toBe(before - seconds(40));
    expect(world.commitLate(seconds(40), () => project.git.commit('main', { title: 'late' })).committedAt).toBe(before - seconds(40));
    expect(world.now).toBe(before);
    expect(project.openMergeRequest({ title: 'in time' }).updatedAt).toBe(before);
  });

  test('numbers of what was deleted are not given again', () => {
    project.deleteMergeRequest(project.openMergeRequest({ title: 'a' }));
    project.deletePipeline(project.startPipeline({ ref: 'main' }));
    project.createRelease({ tag: 'v1' });
    const [gone] = project.releases;
    project.deleteRelease('v1');
    expect(project.openMergeRequest({ title: 'b' }).iid).toBe(2);
    expect(project.startPipeline({ ref: 'main' }).iid).toBe(2);
    expect(project.createRelease({ tag: 'v1' }).id).not.toBe(gone?.id);
  });

  test('closing and reopening move the time of a merge request; a push, its votes and a check of its merge do not', () => {
    const mergeRequest = project.openMergeRequest({ title: 'a' });
    const { createdAt, headSha } = mergeRequest;
    world.pass();
    project.pushSilently(mergeRequest, []);
    project.recomputeSilently(mergeRequest, { mergeStatus: 'CANNOT_BE_MERGED', upvotes: 2 });
    expect(mergeRequest).toMatchObject({ updatedAt: createdAt, files: [], mergeStatus: 'CANNOT_BE_MERGED', upvotes: 2 });
    expect(mergeRequest.headSha).not.toBe(headSha);
    project.closeMergeRequest(mergeRequest);
    expect(mergeRequest).toMatchObject({ state: 'closed', updatedAt: world.now });
    world.pass();
    project.reopenMergeRequest(mergeRequest);
    expect(mergeRequest).toMatchObject({ state: 'opened', updatedAt: world.now });
  });

  test('a job that is retried alone leaves its pipeline as it was', () => {
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'lint', allowFailure: true }] });
    project.finishPipeline(pipeline, 'FAILED');
    const { updatedAt } = pipeline;
    world.pass();
    project.retryJobSilently(pipeline, 'FAILED');
    project.retryJobSilently(pipeline, 'SUCCESS');
    expect(pipeline).toMatchObject({ status: 'FAILED', updatedAt });
    expect(pipeline.jobs.map(({ name, status, retried, allowFailure }) => ({ name, status, retried, allowFailure }))).toEqual([
      { name: 'lint', status: 'FAILED', retried: true, allowFailure: true },
      { name: 'lint', status: 'FAILED', retried: true, allowFailure: true },
      { name: 'lint', status: 'SUCCESS', retried: false, allowFailure: true },
    ]);
  });

  test('an edited release keeps its time', () => {
    const release = project.createRelease({ tag: 'v1' });
    const { createdAt } = release;
    world.pass();
    project.editRelease(release, { name: 'One' });
    project.addAssetLink(release, { name: 'setup.exe', url: 'https://example.com/setup.exe' });
    expect(release).toMatchObject({ name: 'One', createdAt, links: [{ name: 'setup.exe' }] });
  });

  test('a project that moves takes its images along', async () => {
    const root = project.addImageRepository('');
    const web = project.addImageRepository('web');
    project.pushTag(web, 'v1');
    project.moveTo('acme/Store');
    expect([root.path, web.path, web.location]).toEqual(['acme/store', 'acme/store/web', 'registry.example.com/acme/store/web']);
    const { body } = await send(`/api/v4/projects/${project.id}/registry/repositories/${web.id}/tags`);
    expect(body).toMatchObject([{ path: 'acme/store/web:v1' }]);
  });

  test('a tag moves to a new digest within a moment, and is deleted alone or with its repository', async () => {
    const repository = project.addImageRepository('web');
    const first = project.pushTag(repository, 'latest');
    expect(project.pushTag(repository, 'latest').digest).not.toBe(first.digest);
    project.pushTag(repository, 'v1');
    project.deleteTag(repository, 'latest');
    expect([...repository.tags.keys()]).toEqual(['v1']);
    project.deleteImageRepository(repository);
    expect((await send(`/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags`)).status).toBe(404);
  });
});
