import { globSync, readFileSync } from 'node:fs';
import { buildSchema, concatAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { sliceSchema } from '../../scripts/schema-slice.ts';
import { batchSizes } from '../../src/gitlab/batch.ts';
import { measure } from '../../fake-gitlab/graphql/complexity.ts';
import { limits } from '../../fake-gitlab/graphql/execute.ts';
import { notEmpty } from '../support/not-empty.ts';

const sdl = readFileSync('schema/gitlab.graphql', 'utf8');
const schema = buildSchema(sdl);
const files = globSync('queries/*.graphql');
const document = concatAST(files.map((file) => parse(readFileSync(file, 'utf8'))));
const operations = document.definitions.flatMap((node) => (node.kind === 'OperationDefinition' ? [node] : []));

test('the slice holds what the queries use, and nothing else', () => {
  expect(sdl).toBe(sliceSchema(schema, document));
  expect(sdl).not.toContain('"""');
});

test('a file of queries/ holds one operation or fragment, of its own name', () => {
  for (const file of files) {
    const { definitions } = parse(readFileSync(file, 'utf8'));
    expect(definitions).toHaveLength(1);
    const [definition] = definitions;
    const name = definition && 'name' in definition ? (definition.name?.value ?? '') : '';
    expect(file).toBe(`queries/${name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}.graphql`);
  }
});

test('no query selects a field that only Enterprise Edition has', () => {
  const enterpriseOnly = /approvalsRequired|approvalsLeft|approvalState|changeRequesters|securityReport/;
  expect(files.filter((file) => enterpriseOnly.test(readFileSync(file, 'utf8')))).toEqual([]);
});

describe('what GitLab charges, with every filter and the largest pages in use', () => {
  const moment = '2026-11-23T00:00:00Z';
  const filters = {
    after: 'x',
    updatedAfter: moment,
    updatedBefore: moment,
    createdAfter: moment,
    pipelinesUpdatedAfter: moment,
    ref: 'main',
    targetBranches: ['main'],
    mergeRequestState: 'opened',
    mergeRequestSort: 'UPDATED_ASC',
    sort: 'UPDATED_ASC',
    membership: true,
  };
  const asks = Object.entries(batchSizes);
  const cases = operations.flatMap((operation) =>
    asks.map(([ask, sizes]) => [operation.name?.value ?? '', ask, operation, sizes] as const),
  );

  test.each(notEmpty(cases))('%s stays within its limits (%s)', (name, _, operation, sizes) => {
    // Memberships and groups are only asked for changes.
    const size = name === 'GroupChanges' ? batchSizes.changes : sizes;
    // The question for the score, which only a plan asks, may be too much: GitLab then names the score as well.
    const variables = { ...filters, ...size, first: 100, askCost: false };
    const { complexity, depth } = measure({ schema, document, operation, variables });
    expect(complexity).toBeLessThanOrEqual(limits.complexity);
    expect(depth).toBeLessThanOrEqual(limits.depth);
  });

  test.each([
    ['changes', 234],
    ['newest', 237],
    ['reconcile', 237],
  ] as const)('for a batch is known (%s)', (ask, expected) => {
    const operation = operations.find(({ name }) => name?.value === 'ProjectChanges');
    // The same figure as GitLab's own formula gives over a whole schema.
    expect(operation && measure({ schema, document, operation, variables: { ...filters, ...batchSizes[ask] } })).toMatchObject({
      complexity: expected,
    });
  });
});
