import { createHash } from 'node:crypto';
import { mergeRequestToEvent } from '../../src/events/merge-request.ts';
import type { ChangeEvent } from '../../src/events/change-event.ts';

/** Merge requests as events, the same at every call. `round`: in each round every one of them differs. */
export function benchEvents(count: number, round: number): ChangeEvent[] {
  const project = { id: 101, fullPath: 'acme/service', eventPath: 'acme/service', webUrl: 'https://gitlab.example.com/acme/service' };
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString();
    return mergeRequestToEvent(
      {
        iid: String(index + 1),
        title: `Change ${index} of the service`,
        description: `Why change ${index} is needed, what it does, and how it was tested. ${'It was reviewed in two rounds. '.repeat(8)}`,
        state: 'merged',
        draft: false,
        createdAt: at,
        updatedAt: at,
        mergedAt: at,
        sourceBranch: `feature-${index}`,
        targetBranch: 'main',
        mergeCommitSha: sha(`merge ${index}`),
        diffHeadSha: sha(`head ${index}`),
        mergeStatusEnum: 'CAN_BE_MERGED',
        author: { username: `user-${index % 20}` },
        mergeUser: { username: `user-${index % 7}` },
        labels: { nodes: [{ title: 'backend' }, { title: 'bug' }], pageInfo },
        approvedBy: { nodes: [{ username: `user-${index % 5}` }], pageInfo },
        diffStats: [0, 1, 2].map((place) => ({
          path: `src/module-${index % 40}/file-${place}.ts`,
          additions: 3 + place,
          deletions: place,
        })),
        userNotesCount: round,
        upvotes: 0,
        downvotes: 0,
      },
      project,
    );
  });
}

const sha = (text: string) => createHash('sha1').update(text).digest('hex');
const pageInfo = { hasNextPage: false, endCursor: null };
