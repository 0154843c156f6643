import { getIntrospectionQuery } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import type { World } from '../../fake-gitlab/world/world.ts';
import { createAsking } from './asking.ts';

let { world, project, fake, ask, fields, queryOf } = createAsking();

beforeEach(() => {
  ({ world, project, fake, ask, fields, queryOf } = createAsking());
});

describe('limits', () => {
  test('the score is that of the worked example A of the facts, one project in a list of one', async () => {
    const example = `mergeRequests(first:50, sort:UPDATED_ASC){pageInfo{hasNextPage endCursor} nodes{iid title author{username}
      labels{nodes{title}} approvedBy{nodes{username}} diffStats{path additions deletions}}}
      pipelines(first:50){nodes{iid status jobs(statuses:[FAILED]){nodes{name}}}} releases(first:50, sort:CREATED_DESC){nodes{tagName}}`;
    // 59 of the example's 60 are the project's children; nodes, the list and its one percent make 61; four times is 244.
    expect((await fields(example)).body.data.projects.nodes).toHaveLength(1);
    const aliases = (count: number) =>
      `{ ${Array.from({ length: count }, (_, index) => `p${index}: ${queryOf(example).slice(2, -2)}`).join(' ')} }`;
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
    expect(await fields(`id # ${'x'.repeat(10_000)}\n`)).toMatchObject({
      status: 422,
      body: { errors: [{ message: 'Query too large' }] },
    });
    expect((await ask(queryOf('id'), { unused: 'x'.repeat(20_000) })).status).toBe(200);
  });

  test('a page holds at most 100 rows, whatever is asked for', async () => {
    for (let i = 0; i < 120; i++) project.openMergeRequest({ title: `${i}` });
    const { body } = await fields('mergeRequests(first: 100, sort: UPDATED_ASC) { nodes { iid } pageInfo { hasNextPage } }');
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
      const { body } = await fields(`mergeRequests(${args}) { count nodes { title } pageInfo { endCursor hasNextPage } }`);
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
    const { status, body } = await fields('id nope releases(nope: 1) { nodes { tagName } }');
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
    const lacks = async (schema: World['schema'], wanted: string) => {
      world.schema = schema;
      const { body } = await fields(wanted);
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
