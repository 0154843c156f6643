import { describe, expect, test } from 'vitest';
import { GraphqlError, InvalidResponseError, UnauthorizedError } from '../../src/errors.ts';
import { allNodes, connectionPages } from '../../src/gitlab/paging.ts';
import { createGitlab } from '../../src/gitlab/client.ts';
import { readBatch } from '../../src/gitlab/batch.ts';
import { memberProjects, projectsOf } from '../../src/gitlab/projects.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { fakeUrl, useFakeGitlab } from '../support/fake.ts';

const createFake = useFakeGitlab();
const gitlabAt = (url = fakeUrl, token = goodToken) =>
  createGitlab({ url, token, userAgent: 'test', concurrency: 4, timeoutMs: 5_000, retry: { attempts: 2, baseDelayMs: 1 } });

const answer = (body: unknown) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), { headers: { 'content-type': 'application/json' } });

describe('GraphQL answers', () => {
  test('with errors and no data are errors with GitLab’s messages', async () => {
    const { fake } = createFake();
    fake.intercept = () =>
      answer({ errors: [{ message: 'Query has complexity of 252, which exceeds max complexity of 250' }, { message: 'x' }] });
    await expect(memberProjects(gitlabAt().graphql, 10)).rejects.toBeInstanceOf(GraphqlError);
    await expect(memberProjects(gitlabAt().graphql, 10)).rejects.toThrow(
      'GitLab could not answer MemberProjects: Query has complexity of 252, which exceeds max complexity of 250 (and 1 more)',
    );
  });

  test('with data and errors do not count as complete', async () => {
    const { fake } = createFake();
    fake.intercept = () => answer({ data: { projects: null }, errors: [{ message: 'Timeout on Query.projects', path: ['projects'] }] });
    await expect(memberProjects(gitlabAt().graphql, 10)).rejects.toThrow('Timeout on Query.projects');
  });

  test('that are cut off or not GraphQL are errors that say so', async () => {
    const { fake } = createFake();
    fake.intercept = () => answer('{"data":{"proj');
    await expect(memberProjects(gitlabAt().graphql, 10)).rejects.toThrow(InvalidResponseError);
    fake.intercept = () => answer('[]');
    await expect(memberProjects(gitlabAt().graphql, 10)).rejects.toThrow(/MemberProjects/);
  });

  test('to a refused token are one error without the token', async () => {
    createFake();
    const error = await memberProjects(gitlabAt(fakeUrl, 'glpat-secret').graphql, 10).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnauthorizedError);
    expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain('glpat-secret');
  });

  test('come from the API below the path of GITLAB_URL, and every attempt is counted', async () => {
    const url = 'https://host.example.com/gitlab';
    const { fake, world } = createFake(url);
    world.addProject('acme/shop');
    let failures = 1;
    fake.intercept = () => (failures-- > 0 ? new Response('', { status: 503 }) : undefined);
    const gitlab = gitlabAt(url);
    expect(await memberProjects(gitlab.graphql, 10)).toEqual([{ id: 101, fullPath: 'acme/shop' }]);
    expect(gitlab.requests).toEqual({ graphql: 2, rest: 0 });
  });
});

describe('the pages of a list', () => {
  const page = (nodes: Array<number | null>, endCursor: string | null) => ({
    nodes,
    pageInfo: { hasNextPage: endCursor !== null, endCursor },
  });

  test('go on to the last page, over empty pages and removed rows', async () => {
    const pages = [page([], 'b'), page([2, null], null)];
    expect(await allNodes(page([1, null], 'a'), async () => pages.shift() ?? page([], null), 'Test')).toEqual([1, 2]);
  });

  test('end with an error when a cursor repeats or is missing', async () => {
    const drain = async (next: ReturnType<typeof page>) => {
      for await (const _ of connectionPages<number, typeof next>(page([1], 'same'), async () => next, 'Test'));
    };
    await expect(drain(page([1], 'same'))).rejects.toThrow(InvalidResponseError);
    await expect(drain({ nodes: [1], pageInfo: { hasNextPage: true, endCursor: null } })).rejects.toThrow('pages of Test do not move on');
  });

  test('are requested one at a time, when the reader asks for them', async () => {
    let asked = 0;
    const pages = connectionPages<number, ReturnType<typeof page>>(page([1], 'a'), async () => page([++asked], `c${asked}`), 'Test');
    await pages.next();
    await pages.next();
    expect(asked).toBe(1);
  });

  test('are requested while the page before is processed, when the reader surely needs them', async () => {
    const asked: string[] = [];
    const next = async (after: string) => {
      asked.push(after);
      return page([asked.length], `c${asked.length}`);
    };
    const pages = connectionPages<number, ReturnType<typeof page>>(page([0], 'c0'), next, 'Test', ({ nodes }) => nodes[0] !== 2);
    await pages.next();
    expect(asked).toEqual(['c0']);
    await pages.next();
    expect(asked).toEqual(['c0', 'c1']);
    await pages.next();
    expect(asked).toEqual(['c0', 'c1']);
    expect((await pages.next()).value?.nodes).toEqual([3]);
  });

  test('that fail are an error after the page before, and no unhandled rejection meanwhile', async () => {
    const fail = () => Promise.reject(new InvalidResponseError('gone', { operation: 'Test' }));
    const open = () => connectionPages<number, ReturnType<typeof page>>(page([0], 'c0'), fail, 'Test', () => true);
    const pages = open();
    expect((await pages.next()).value?.nodes).toEqual([0]);
    await expect(pages.next()).rejects.toThrow('gone');
    const left = open();
    await left.next();
    await expect(left.return(undefined)).resolves.toEqual({ done: true, value: undefined });
  });

  test('leave no request under way when the reader stops early', async () => {
    let isUnderWay = false;
    const next = async () => {
      isUnderWay = true;
      await new Promise((resolve) => setTimeout(resolve, 20));
      isUnderWay = false;
      return page([1], 'c1');
    };
    for await (const _ of connectionPages<number, ReturnType<typeof page>>(page([0], 'c0'), next, 'Test', () => true)) break;
    expect(isUnderWay).toBe(false);
  });
});

describe('the list of projects', () => {
  test('of the token’s user comes by activity up to a limit, or whole by id', async () => {
    const { world } = createFake();
    const names = Array.from({ length: 130 }, (_, index) => {
      world.pass();
      return world.addProject(`acme/p${index}`).fullPath;
    });
    world.addProject('other/not-mine').isMember = false;
    const { graphql, requests } = gitlabAt();
    expect((await memberProjects(graphql, 3)).map(({ fullPath }) => fullPath)).toEqual(names.slice(-3).toReversed());
    expect(requests.graphql).toBe(1);
    expect((await memberProjects(graphql, 0)).map(({ fullPath }) => fullPath)).toEqual(names);
    expect(requests.graphql).toBe(3);
  });

  test('accepts paths in any case, ids, and groups with their subgroups, and names what is missing', async () => {
    const { world } = createFake();
    for (const path of ['acme/shop', 'acme/web/site', 'other/one']) world.addProject(path);
    const found = await projectsOf(gitlabAt().graphql, ['ACME/Shop', '77', 'acme', 'nobody/knows', 'other/one']);
    expect(found.ids).toEqual([77]);
    expect(found.projects.map(({ fullPath }) => fullPath).toSorted()).toEqual(['acme/shop', 'acme/web/site', 'other/one']);
    expect(found.missing).toEqual(['nobody/knows']);
  });

  test('requests 50 paths at a time', async () => {
    const { world } = createFake();
    const paths = Array.from({ length: 120 }, (_, index) => world.addProject(`acme/p${index}`).fullPath);
    const { graphql, requests } = gitlabAt();
    expect((await projectsOf(graphql, paths)).projects).toHaveLength(120);
    expect(requests.graphql).toBe(3);
  });
});

describe('the answer for a batch of projects', () => {
  test('has errors only in the project and the list that they name', async () => {
    const { world, fake } = createFake();
    const projects = [world.addProject('acme/a'), world.addProject('acme/b')];
    for (const project of projects) project.openMergeRequest({ title: 'x' });
    fake.intercept = async (request, { operation }) => {
      if (operation !== 'ProjectChanges') return undefined;
      fake.intercept = undefined;
      const { data } = (await (await fake.handle(request)).json()) as { data: { projects: { nodes: Array<{ mergeRequests: null }> } } };
      const [first] = data.projects.nodes;
      if (first) first.mergeRequests = null;
      return answer({
        data,
        errors: [{ message: 'Timeout on Project.mergeRequests', path: ['projects', 'nodes', 0, 'mergeRequests', 'nodes'] }],
      });
    };
    const ids = projects.map(({ id }) => id);
    const batch = await readBatch(gitlabAt(), {
      source: { kind: 'ids', ids: [...ids, 999] },
      ask: { kind: 'newest', rows: 5 },
      branches: [],
    });
    const [first, second] = batch?.projects ?? [];
    expect(batch?.errors).toHaveLength(1);
    expect(first?.firstPage('mergeRequests')).toBeUndefined();
    expect(first?.firstPage('pipelines')?.nodes).toEqual([]);
    expect(second?.firstPage('mergeRequests')?.nodes).toHaveLength(1);
  });
});
