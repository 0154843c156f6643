import { byUpdate } from '../graphql/nodes.ts';
import { inOrder } from '../graphql/connections.ts';
import type { FakeProject } from '../world/project.ts';
import type { FakeFile, FakeMergeRequest } from '../world/records.ts';
import { restTime } from '../world/time.ts';
import type { Micros } from '../world/time.ts';
import { subjectOf } from '../world/subjects.ts';
import { forbidden, notFound, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** `GET /projects/:id/merge_requests`, last changed first. Other orders are not implemented. */
export function listMergeRequests(project: FakeProject, url: URL, projectUrl: string): RestReply {
  if (project.role !== 'reporter' || !project.features.mergeRequests) return forbidden;
  const rows = inOrder({ rows: project.mergeRequests, order: byUpdate('desc'), revision: project.revision });
  const visible = rows.some(({ isHidden }) => isHidden) ? rows.filter(({ isHidden }) => !isHidden) : rows;
  return offsetPage(url, visible, {
    counts: true,
    toBody: (row) => mergeRequestBody(row, project, projectUrl),
    faults: { poisons: project.poisons, toSubject: subjectOf(project).mergeRequest },
  });
}

/** `GET /projects/:id/merge_requests/:iid/diffs` */
export function listDiffs(project: FakeProject, iid: string, url: URL): RestReply {
  const found = readable(project, iid);
  const toBody = ({ path, additions, deletions }: FakeFile) => ({
    old_path: path,
    new_path: path,
    diff: `@@ -1,${deletions} +1,${additions} @@\n${'-old\n'.repeat(deletions)}${'+new\n'.repeat(additions)}`,
    new_file: false,
    renamed_file: false,
    deleted_file: false,
  });
  return 'status' in found ? found : offsetPage(url, found.files, { counts: true, toBody });
}

/** `GET /projects/:id/merge_requests/:iid/approvals` */
export function showApprovals(project: FakeProject, iid: string): RestReply {
  const found = readable(project, iid);
  if ('status' in found) return found;
  return {
    status: 200,
    body: { iid: found.iid, approved: found.approvedBy.length > 0, approved_by: found.approvedBy.map((name) => ({ user: user(name) })) },
  };
}

function readable(project: FakeProject, iid: string): FakeMergeRequest | RestReply {
  if (project.role !== 'reporter' || !project.features.mergeRequests) return forbidden;
  return project.mergeRequests.find((row) => String(row.iid) === iid && !row.isHidden) ?? notFound('');
}

const user = (username: string | null) => username && { username, name: username };
const time = (at: Micros | null) => (at === null ? null : restTime(at));

function mergeRequestBody(row: FakeMergeRequest, project: FakeProject, projectUrl: string) {
  return {
    id: row.id,
    iid: row.iid,
    project_id: project.id,
    title: row.title,
    description: row.description,
    state: row.state,
    created_at: restTime(row.createdAt),
    updated_at: restTime(row.updatedAt),
    merged_at: time(row.mergedAt),
    merge_user: user(row.mergeUser),
    target_branch: row.targetBranch,
    source_branch: row.sourceBranch,
    user_notes_count: row.notes,
    upvotes: row.upvotes,
    downvotes: row.downvotes,
    author: user(row.author),
    labels: row.labels,
    draft: row.draft,
    merge_status: row.mergeStatus.toLowerCase(),
    sha: row.headSha,
    merge_commit_sha: row.mergeCommitSha,
    web_url: `${projectUrl}/-/merge_requests/${row.iid}`,
  };
}
