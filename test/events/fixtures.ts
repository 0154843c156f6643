import type { EventProject } from '../../src/events/event-project.ts';
import type { MergeRequestFragment, PipelineFragment, ReleaseFragment } from '../../src/gitlab/generated/sdk.ts';
import type { RestCommit, RestTagDetail } from '../../src/gitlab/rest.ts';

const lastPage = { hasNextPage: false, endCursor: null };
const listOf = <T>(...nodes: T[]) => ({ nodes, pageInfo: lastPage });

/** A project that is still called what it was called at first. */
export const project: EventProject = {
  id: 42,
  eventPath: 'acme/shop',
  fullPath: 'acme/shop',
  webUrl: 'https://gitlab.example.com/acme/shop',
};

export const mergeRequest: MergeRequestFragment = {
  iid: '7',
  title: 'Add a cart',
  description: 'One cart for everybody',
  state: 'merged',
  draft: false,
  createdAt: '2026-11-20T08:00:00Z',
  updatedAt: '2026-11-23T08:00:00Z',
  mergedAt: '2026-11-23T07:59:00Z',
  sourceBranch: 'cart',
  targetBranch: 'main',
  mergeCommitSha: 'a'.repeat(40),
  diffHeadSha: 'b'.repeat(40),
  mergeStatusEnum: 'CAN_BE_MERGED',
  author: { username: 'ada' },
  mergeUser: { username: 'grace' },
  labels: listOf({ title: 'frontend' }, { title: 'shop' }),
  approvedBy: listOf({ username: 'bob' }, { username: 'eve' }),
  diffStats: [
    { path: 'src/cart.ts', additions: 10, deletions: 2 },
    { path: 'README.md', additions: 1, deletions: 0 },
  ],
  userNotesCount: 3,
  upvotes: 2,
  downvotes: 1,
};

export const pipeline: PipelineFragment = {
  id: 'gid://gitlab/Ci::Pipeline/9001',
  iid: '12',
  status: 'FAILED',
  ref: 'main',
  refPath: 'refs/heads/main',
  sha: '0123456789abcdef0123456789abcdef01234567',
  source: 'push',
  downstream: { nodes: [] },
  failureReason: null,
  createdAt: '2026-11-23T08:00:00Z',
  updatedAt: '2026-11-23T08:10:00Z',
  startedAt: '2026-11-23T08:00:05Z',
  finishedAt: '2026-11-23T08:10:00Z',
  duration: 595,
  user: { username: 'ada' },
  jobs: listOf(
    {
      name: 'unit',
      status: 'FAILED' as const,
      stage: { name: 'test' },
      startedAt: '2026-11-23T08:01:00Z',
      finishedAt: '2026-11-23T08:09:00Z',
      allowFailure: false,
      failureMessage: 'There has been a script failure',
      webPath: '/acme/shop/-/jobs/5',
    },
    {
      name: 'deploy',
      status: 'CANCELED' as const,
      stage: { name: 'deploy' },
      startedAt: null,
      finishedAt: null,
      allowFailure: true,
      failureMessage: null,
      webPath: null,
    },
  ),
};

export const release: ReleaseFragment = {
  tagName: 'v1.0',
  name: 'First',
  description: 'All of it',
  createdAt: '2026-11-22T08:00:00Z',
  releasedAt: '2026-11-23T08:00:00Z',
  author: { username: 'grace' },
  commit: { sha: 'c'.repeat(40) },
  assets: { links: listOf({ name: 'shop.zip', url: 'https://example.com/shop.zip' }) },
};

export const commit: RestCommit = {
  id: 'd'.repeat(40),
  title: 'Add a cart',
  message: 'Add a cart\n\nWith wheels\n',
  author_name: 'Ada Lovelace',
  authored_date: '2026-11-22T08:00:00.000+01:00',
  committed_date: '2026-11-23T08:00:00.500+01:00',
  parent_ids: ['e'.repeat(40)],
  stats: { additions: 5, deletions: 3, total: 8 },
};

export const tag: RestTagDetail = {
  name: 'v1',
  location: 'registry.example.com/acme/shop/web:v1',
  digest: `sha256:${'f'.repeat(64)}`,
  revision: '1'.repeat(64),
  created_at: '2026-11-23T08:00:00.000+00:00',
  total_size: 12_345_678,
};
