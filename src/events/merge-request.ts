import type { MergeRequestFragment } from '../gitlab/generated/sdk.ts';
import type { ChangeEvent } from './change-event.ts';
import type { FieldUse } from './incomplete.ts';
import type { EventProject } from './event-project.ts';
import { mergeRequestKey, shaKeys } from './link-keys.ts';
import { boundedText, presentNodes, unknownAuthor } from './text.ts';

/** How many paths of changed files an event lists, as in PainChain's first connector. */
export const filesChangedLimit = 20;

/** The event id of a merge request. */
export const mergeRequestEventId = ({ eventPath }: Pick<EventProject, 'eventPath'>, iid: string): string => `mr-${eventPath}-${iid}`;

/** What the fields of a merge request give, where the name does not say it. */
export const mergeRequestFields: Readonly<Record<string, FieldUse>> = {
  author: { isAuthor: true },
  description: { metadata: ['truncated'], description: ['text'] },
  labels: { description: ['labels'] },
  approvedBy: { metadata: ['approved_by', 'approved_count'] },
  diffStats: { metadata: ['files_changed_total', 'additions', 'deletions'], description: ['files_changed'] },
  mergeStatusEnum: { metadata: ['mergeable'] },
  mergeUser: { metadata: ['merged_by'] },
  diffHeadSha: { metadata: ['head_sha'] },
};

/** A merge request with its approvals and changed files as an event. `[MR] {title}`, its state as status. */
export function mergeRequestToEvent(mergeRequest: MergeRequestFragment, project: EventProject): ChangeEvent {
  const { text, truncated } = boundedText(mergeRequest.description);
  const files = mergeRequest.diffStats ?? [];
  const approvedBy = presentNodes(mergeRequest.approvedBy).map(({ username }) => username);
  const isMerged = mergeRequest.state === 'merged';
  return {
    eventId: mergeRequestEventId(project, mergeRequest.iid),
    title: `[MR] ${mergeRequest.title}`,
    description: {
      text,
      labels: presentNodes(mergeRequest.labels).map(({ title }) => title),
      files_changed: files.slice(0, filesChangedLimit).map((file) => file.path),
      related_events: [],
    },
    author: mergeRequest.author?.username ?? unknownAuthor,
    timestamp: new Date(mergeRequest.updatedAt),
    statusSince: statusSince(mergeRequest),
    // Built from the stored path, not taken from the answer: when a project moves during a pass, all its events name the same path.
    url: `${project.webUrl}/-/merge_requests/${mergeRequest.iid}`,
    status: mergeRequest.state.toLowerCase(),
    metadata: {
      project: project.fullPath,
      mr_iid: Number(mergeRequest.iid),
      merged: isMerged,
      mergeable: mergeRequest.mergeStatusEnum === 'CAN_BE_MERGED',
      source_branch: mergeRequest.sourceBranch,
      target_branch: mergeRequest.targetBranch,
      approved_by: approvedBy,
      approved_count: approvedBy.length,
      user_notes_count: mergeRequest.userNotesCount ?? 0,
      upvotes: mergeRequest.upvotes,
      downvotes: mergeRequest.downvotes,
      draft: mergeRequest.draft,
      created_at: mergeRequest.createdAt,
      merged_at: mergeRequest.mergedAt,
      // For an open merge request GitLab names the user who enabled auto-merge.
      merged_by: isMerged ? (mergeRequest.mergeUser?.username ?? null) : null,
      merge_commit_sha: mergeRequest.mergeCommitSha,
      head_sha: mergeRequest.diffHeadSha,
      files_changed_total: files.length,
      additions: files.reduce((sum, file) => sum + file.additions, 0),
      deletions: files.reduce((sum, file) => sum + file.deletions, 0),
      truncated,
    },
    // Without a merge commit, the last commit of the source branch is on the target branch.
    linkKeys: [mergeRequestKey(mergeRequest.iid), ...(isMerged ? shaKeys(mergeRequest.mergeCommitSha ?? mergeRequest.diffHeadSha) : [])],
  };
}

/** GitLab says when a merge request was opened and merged, and from 17.5 on when it was closed, for which the stream asks. */
function statusSince({ state, createdAt, mergedAt }: MergeRequestFragment): Date | null {
  if (state === 'opened') return new Date(createdAt);
  return state === 'merged' && mergedAt ? new Date(mergedAt) : null;
}
