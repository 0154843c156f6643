import { beforeEach, describe, expect, test } from 'vitest';
import { moment, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';

let { world, project, ask, fields, queryOf } = createAsking();

beforeEach(() => {
  ({ world, project, ask, fields, queryOf } = createAsking());
});

describe('lists', () => {
  test('keyset cursors hold the columns of the last row, and stay valid when rows move', async () => {
    const [first, second, third] = ['one', 'two', 'three'].map((title) => {
      world.pass();
      return project.openMergeRequest({ title });
    });
    const query = (after?: string) =>
      queryOf(
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
      const { body } = await fields(`mergeRequests(first: 9, sort: UPDATED_ASC, updatedAfter: "${after}") { nodes { updatedAt } }`);
      return body.data.projects.nodes[0].mergeRequests.nodes;
    };
    expect(await read('2026-11-23T08:00:10Z')).toEqual([{ updatedAt: '2026-11-23T08:00:10Z' }]);
    expect(await read(new Date(mergeRequest.updatedAt / 1000 + 1).toISOString())).toEqual([]);
  });

  test('rows that may not be read are removed after paging: an empty page may have a next one', async () => {
    for (const isHidden of [true, true, false]) project.openMergeRequest({ title: String(isHidden), isHidden });
    const { body } = await fields('mergeRequests(first: 2, sort: UPDATED_DESC) { nodes { title } pageInfo { hasNextPage } }');
    expect(body.data.projects.nodes[0].mergeRequests).toMatchObject({ nodes: [{ title: 'false' }], pageInfo: { hasNextPage: true } });
  });

  test('pipelines come by id, newest first, and releases are null where there are none', async () => {
    const first = project.startPipeline({ ref: 'main' });
    world.pass();
    project.startPipeline({ ref: 'main' });
    project.finishPipeline(first, 'SUCCESS');
    const { body } = await fields('pipelines(first: 5) { nodes { iid } } releases(first: 5, sort: CREATED_DESC) { nodes { tagName } }');
    expect(body.data.projects.nodes[0]).toEqual({ pipelines: { nodes: [{ iid: '2' }, { iid: '1' }] }, releases: null });
  });

  const connection = async (list: string) => {
    const { body } = await fields(`list: ${list}`);
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
    const { body } = await fields(
      'userPermissions { downloadCode } mergeRequests(first: 1, sort: UPDATED_ASC) { nodes { iid } } pipelines(first: 1) { nodes { iid } }',
    );
    expect(body).toEqual({
      data: { projects: { nodes: [{ userPermissions: { downloadCode: false }, mergeRequests: { nodes: [] }, pipelines: { nodes: [] } }] } },
    });
  });
});
