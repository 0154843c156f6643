import { expect, test } from 'vitest';
import type { BatchProject } from '../../src/gitlab/batch.ts';
import { hasNewPipelines, seenOf } from '../../src/streams/deployments-seen.ts';

const batchOf = (names: ReadonlyArray<{ readonly iid: string }> | undefined) =>
  ({ firstPage: () => ({ nodes: [], pageInfo: { hasNextPage: false } }), names: () => names }) as unknown as BatchProject;

test('pipelines that a batch by name leaves out, because they are stored, may have deployments that are not', () => {
  expect(hasNewPipelines(batchOf([{ iid: '1' }]), seenOf(undefined))).toBe(true);
  expect(hasNewPipelines(batchOf([]), seenOf(undefined))).toBe(false);
  expect(hasNewPipelines(batchOf(undefined), seenOf(undefined))).toBe(false);
});
