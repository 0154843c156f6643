import { globSync, readFileSync } from 'node:fs';
import { buildSchema, concatAST, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { sliceSchema } from '../../scripts/schema-slice.ts';
import { batchSizes } from '../../src/gitlab/batch.ts';
import { measure } from '../fake-gitlab/graphql/complexity.ts';
import { limits } from '../fake-gitlab/graphql/execute.ts';

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
  const page = { first: 100, after: 'x', updatedAfter: '2026-11-23T00:00:00Z', ref: 'main', targetBranches: ['main'], sort: 'UPDATED_ASC' };
  const batch = {
    ...page,
    mergeRequestSort: 'UPDATED_ASC',
    projects: batchSizes.projects,
    pageSize: batchSizes.pageSize,
    releasePageSize: batchSizes.pageSize,
  };

  test.each(operations.map((operation) => [operation.name?.value ?? '', operation] as const))(
    '%s stays within its limits',
    (_, operation) => {
      const { complexity, depth } = measure({ schema, document, operation, variables: batch });
      expect(complexity).toBeLessThanOrEqual(limits.complexity);
      expect(depth).toBeLessThanOrEqual(limits.depth);
    },
  );

  test('for a batch is known', () => {
    const operation = operations.find(({ name }) => name?.value === 'ProjectChanges');
    // The same figure as GitLab's own formula gives over a whole schema.
    expect(operation && measure({ schema, document, operation, variables: batch })).toMatchObject({ complexity: 227 });
  });
});
