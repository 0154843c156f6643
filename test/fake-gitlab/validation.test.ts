import { beforeEach, describe, expect, test } from 'vitest';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

const errorsOf = async (query: string, variables: object = {}) => (await gitlab.ask(query, variables)).body.errors;
const list = (args: string) => `{ projects { nodes { mergeRequests(${args}) { nodes { title } } } } }`;

describe('literals', () => {
  test.each([
    ['first: "x"', "Argument 'first' on Field 'mergeRequests' has an invalid value (\"x\"). Expected type 'Int'."],
    ['first: 4294967296', "Argument 'first' on Field 'mergeRequests' has an invalid value (4294967296). Expected type 'Int'."],
    ['sort: NOPE', "Argument 'sort' on Field 'mergeRequests' has an invalid value (NOPE). Expected type 'MergeRequestSort'."],
    [
      'sort: "UPDATED_ASC"',
      "Argument 'sort' on Field 'mergeRequests' has an invalid value (\"UPDATED_ASC\"). Expected type 'MergeRequestSort'.",
    ],
    ['targetBranches: [1]', "Argument 'targetBranches' on Field 'mergeRequests' has an invalid value ([1]). Expected type '[String!]'."],
    [
      'targetBranches: [null]',
      "Argument 'targetBranches' on Field 'mergeRequests' has an invalid value ([null]). Expected type '[String!]'.",
    ],
    ['updatedAfter: 5', "Argument 'updatedAfter' on Field 'mergeRequests' has an invalid value (5). Expected type 'Time'."],
    ['updatedAfter: "yesterday"', 'no time information in "yesterday"'],
  ])('%s', async (args, message) => {
    const [argumentName = ''] = args.split(':');
    expect(await errorsOf(list(args))).toEqual([
      {
        message,
        locations: [{ line: 1, column: 36 }],
        path: ['query', 'projects', 'nodes', 'mergeRequests', argumentName],
        extensions: { code: 'argumentLiteralsIncompatible', typeName: 'Field', argumentName },
      },
    ]);
  });

  test('one value is taken for a list of one, and null where it may be', async () => {
    expect(await errorsOf(list('targetBranches: "main", first: null, updatedAfter: "2026-11-23T08:00:00+01:00"'))).toBeUndefined();
  });
});

describe('variables', () => {
  const query = `query Q($ids: [ID!]!, $first: Int, $sort: MergeRequestSort, $after: Time) {
    projects(ids: $ids) { nodes { mergeRequests(first: $first, sort: $sort, updatedAfter: $after) { nodes { title } } } } }`;

  test.each<[object, string, object]>([
    [
      {},
      'Variable $ids of type [ID!]! was provided invalid value',
      { value: null, problems: [{ path: [], explanation: 'Expected value to not be null' }] },
    ],
    [
      { ids: [null] },
      'Variable $ids of type [ID!]! was provided invalid value for 0 (Expected value to not be null)',
      { value: [null], problems: [{ path: [0], explanation: 'Expected value to not be null' }] },
    ],
    [
      { ids: [], first: 'x' },
      'Variable $first of type Int was provided invalid value',
      { value: 'x', problems: [{ path: [], explanation: 'Could not coerce value "x" to Int' }] },
    ],
    [
      { ids: [], sort: 'NOPE' },
      'Variable $sort of type MergeRequestSort was provided invalid value',
      { value: 'NOPE', problems: [{ path: [], explanation: 'Expected "NOPE" to be one of: UPDATED_DESC, UPDATED_ASC' }] },
    ],
    [
      { ids: [], after: 'soon' },
      'Variable $after of type Time was provided invalid value',
      { value: 'soon', problems: [{ path: [], explanation: 'no time information in "soon"', message: 'no time information in "soon"' }] },
    ],
  ])('%j', async (variables, message, extensions) => {
    const [error] = await errorsOf(query, variables);
    expect(error).toMatchObject({ message, extensions, locations: [{ line: 1 }] });
    expect((await gitlab.ask(query, variables)).body.data).toBeUndefined();
  });

  test('good values pass: an id as a number, one value for a list, a variable that nobody declared', async () => {
    const { body } = await gitlab.ask(query, { ids: `gid://gitlab/Project/${gitlab.project.id}`, first: 3, nobody: true });
    expect(body).toEqual({ data: { projects: { nodes: [{ mergeRequests: { nodes: [] } }] } } });
  });

  test("a variable must be declared, and of its argument's type", async () => {
    const [unknown] = await errorsOf('query Q { projects(first: $first) { nodes { id } } }');
    expect(unknown).toMatchObject({
      message: 'Variable $first is used by Q but not declared',
      extensions: { code: 'variableNotDefined', variableName: 'first' },
    });
    const mismatch = async (type: string, argument: string) => {
      const errors = await errorsOf(`query Q($x: ${type}) { projects(first: 1) { nodes { ${argument} } } }`, { x: '1' });
      return errors?.map(({ message }: { message: string }) => message);
    };
    expect(await mismatch('String', 'mergeRequests(first: $x) { count }')).toEqual([
      'Type mismatch on variable $x and argument first (String / Int)',
    ]);
    expect(await mismatch('String', 'mergeRequest(iid: $x) { title }')).toEqual([
      'Nullability mismatch on variable $x and argument iid (String / String!)',
    ]);
    expect(await mismatch('[String!]', 'mergeRequest(iid: $x) { title }')).toEqual([
      'Nullability mismatch on variable $x and argument iid ([String!] / String!)',
    ]);
    expect(await mismatch('String', 'mergeRequests(targetBranches: $x) { count }')).toEqual([
      'List dimension mismatch on variable $x and argument targetBranches (String / [String!])',
    ]);
    expect(await mismatch('String = "1"', 'mergeRequest(iid: $x) { title }')).toBeUndefined();
    expect(await mismatch('String!', 'mergeRequests(targetBranches: [$x]) { count }')).toBeUndefined();
  });
});

describe('selections and fragments', () => {
  test('objects need a selection and scalars take none', async () => {
    expect(await errorsOf('{ projects }')).toEqual([
      {
        message:
          "Field must have selections (field 'projects' returns ProjectConnection but has no selections. Did you mean 'projects { ... }'?)",
        locations: [{ line: 1, column: 3 }],
        path: ['query', 'projects'],
        extensions: { code: 'selectionMismatch', nodeName: "field 'projects'", typeName: 'ProjectConnection' },
      },
    ]);
    const [scalar] = await errorsOf('{ projects { nodes { id { x } } } }');
    expect(scalar.message).toBe("Selections can't be made on scalars (field 'id' returns ID but has selections [\"x\"])");
  });

  test('a fragment must be defined', async () => {
    expect(await errorsOf('{ projects { nodes { ...F } } }')).toMatchObject([
      { message: 'Fragment F was used, but not defined', extensions: { code: 'useAndDefineFragment', fragmentName: 'F' } },
    ]);
  });
});
