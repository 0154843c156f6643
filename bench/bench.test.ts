import { expect, inject, test } from 'vitest';
import { runCase } from './measure/run-case.ts';
import { readers } from './measure/run-case.ts';
import { middleOf, tableOf } from './table.ts';
import { targetsOf } from './targets.ts';
import type { Case } from './cases.ts';

const small: Case = {
  name: 'first-10',
  title: 'A small first sync',
  size: { projects: 3, mergeRequests: 30, pipelines: 30, releases: 12, commits: 20, registryEvery: 3, repositories: 1, tags: 6 },
  pass: 'first',
  changedProjects: 0,
  settings: { projectLimit: 0, branches: 'main' },
  part: 1,
  partOf: 'rows',
  rows: { mergeRequests: 50, pipelines: 50, releases: 50, commits: 50 },
};

/** Only targets of requests and rows: times depend on what else the machine does. */
test('everybody reads the same rows, and the connector with a fraction of the requests', async () => {
  const runs = await runCase(small, {
    runs: 1,
    latency: { roundTripMs: 0, perRowMs: 0 },
    concurrency: 4,
    postgresUrl: inject('postgresUrl'),
    readers,
    tell: () => {},
  });
  const rows = 3 * (30 + 30 + 12 + 20) + 6;
  expect(runs.map(({ reader, rowsRead }) => [reader, rowsRead])).toEqual(readers.map((reader) => [reader, rows]));
  expect(runs[0]).toMatchObject({ reader: 'connector', rowsWritten: rows });
  const middle = middleOf(runs);
  const ratios = targetsOf(middle).filter(({ what }) => what.includes('requests'));
  expect(ratios).toHaveLength(3);
  expect(ratios.filter(({ found, most }) => !(found <= most))).toEqual([]);
  const connector = runs.find(({ reader }) => reader === 'connector');
  const limit = runs.find(({ reader }) => reader === 'limit');
  // At most one more request, which finds the projects.
  expect((connector?.traffic.graphql ?? 0) - (limit?.traffic.graphql ?? 0)).toBeLessThanOrEqual(2);
  // The connector asks for the tip of each branch before it reads it.
  expect(connector?.traffic.rest).toBe((limit?.traffic.rest ?? 0) + small.size.projects);
  expect(tableOf([small], middle, 'markdown')).toContain('| connector |');
});
