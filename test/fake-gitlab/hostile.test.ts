import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { serve } from '../../fake-gitlab/serve.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

const deep = (depth: number) => `{ ${'a{'.repeat(depth)}a${'}'.repeat(depth)} }`;

describe('a request that cannot be read is 400, and the next one is answered', () => {
  test.each([
    ['no JSON', 'nonsense'],
    ['nothing', ''],
    ['JSON that ends too early', '{"query": "{ pro'],
    ['null', 'null'],
    ['a text', '"x"'],
    ['a list', '[]'],
    ['a number for a query', '{"query": 5}'],
    ['a list of variables', '{"query": "{ projects { nodes { id } } }", "variables": [1]}'],
    ['a number for an operation', '{"query": "{ projects { nodes { id } } }", "operationName": 1}'],
  ])('GraphQL: %s', async (_, body) => {
    expect(await gitlab.send('/api/graphql', { method: 'POST', body })).toMatchObject({ status: 400, body: { error: 'Bad Request' } });
    expect((await gitlab.fields('id')).body.data.projects.nodes).toHaveLength(1);
    expect(gitlab.fake.seen.map(({ status }) => status)).toEqual([400, 200]);
  });

  test.each(['projects/%E0%A4%A/releases', 'projects/%00/releases', 'projects/1/repository/commits/%FF', 'projects/%'])(
    'REST: %s',
    async (path) => {
      expect((await gitlab.send(`/api/v4/${path}`)).status).toBe(400);
      expect((await gitlab.rest('releases')).status).toBe(200);
    },
  );

  test.each(['since=yesterday', 'until=x'])('commits %s', async (query) => {
    gitlab.project.git.commit('main', { title: 'a' });
    const [name = ''] = query.split('=');
    expect(await gitlab.rest(`repository/commits?${query}`)).toMatchObject({ status: 400, body: { error: `${name} is invalid` } });
  });
});

test.each([
  ['nested without end', deep(2_400)],
  ['a fragment of itself', '{ projects { nodes { ...F } } } fragment F on Project { ...F }'],
  ['fragments of each other', '{ projects { nodes { ...F } } } fragment F on Project { ...G } fragment G on Project { ...F }'],
  ['a mutation', 'mutation { destroy { id } }'],
  ['nothing but a fragment', 'fragment F on Project { id }'],
  ['two operations and no name', 'query A { projects { nodes { id } } } query B { projects { nodes { id } } }'],
  ['bad cursor and id', '{ projects(after: "x", ids: ["y"]) { nodes { id } } }'],
])('a query that GitLab refuses does not end the fake: %s', async (_, query) => {
  const { status, body } = await gitlab.ask(query);
  expect([200, 400]).toContain(status);
  expect(body.errors ?? body.error).toBeDefined();
  expect((await gitlab.fields('id')).status).toBe(200);
});

test('what is no request of HTTP, or has no host, does not end a served fake', async () => {
  const served = await serve(gitlab.fake);
  try {
    const port = Number(new URL(served.url).port);
    const raw = async (request: string) => {
      const socket = connect(port, '127.0.0.1');
      socket.end(request);
      return (await text(socket)).split('\r\n')[0];
    };
    expect(await raw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw('GET /api/v4/version HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect(await raw('TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    const response = await fetch(`${served.url}/api/v4/version`, { headers: { authorization: `Bearer ${goodToken}` } });
    expect(response.status).toBe(200);
  } finally {
    await served.close();
  }
});
