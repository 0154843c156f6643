import { mergeRequestToEvent } from '../events/merge-request.ts';
import { required } from '../gitlab/answer.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { MergeRequestFragment } from '../gitlab/generated/sdk.ts';
import { allNodes } from '../gitlab/paging.ts';
import { refusal } from './access.ts';
import { newestNodes } from './newest.ts';
import { endPage } from './stream.ts';
import type { Page, Stream, StreamContext } from './stream.ts';

/** Merge requests with approvals and changed files, the last updated first. */
export const mergeRequests: Stream = {
  name: 'merge-requests',
  label: 'merge requests',
  type: 'MR',
  walks: (context) => [{ scope: '', pages: () => pages(context) }],
};

async function* pages(context: StreamContext): AsyncGenerator<Page> {
  const { batch, options, project } = context;
  const list = context.batch.firstPage('mergeRequests');
  const refused = refusal(context, { what: 'merge requests', enabled: batch.node.mergeRequestsEnabled, list });
  if (refused || !list) return yield endPage(refused ?? { outcome: 'ok' });
  for await (const nodes of newestNodes({ first: list, next: nextPage(context), limit: options.limit, operation: 'MergeRequestPage' })) {
    const complete = await Promise.all(nodes.map((mergeRequest) => withWholeLists(mergeRequest, context)));
    yield { events: complete.map((mergeRequest) => mergeRequestToEvent(mergeRequest, project)) };
  }
  yield endPage({ outcome: 'ok' }, { watermark: context.watermark });
}

const nextPage =
  ({ gitlab, project, options }: StreamContext) =>
  async (page: { readonly first: number; readonly after: string }) => {
    const targetBranches = options.branches.length > 0 ? { targetBranches: options.branches } : {};
    const answer = await askProject(gitlab.graphql, 'MergeRequestPage', {
      projectId: project.id,
      ...page,
      sort: 'UPDATED_DESC',
      ...targetBranches,
    });
    return required(answer.mergeRequests, 'MergeRequestPage');
  };

/** Reads on where the labels or the approvers do not fit on their page. */
async function withWholeLists(mergeRequest: MergeRequestFragment, { gitlab, project }: StreamContext): Promise<MergeRequestFragment> {
  const { labels, approvedBy, iid } = mergeRequest;
  if (!labels?.pageInfo.hasNextPage && !approvedBy?.pageInfo.hasNextPage) return mergeRequest;
  const lists = async (after: { readonly labelsAfter: string } | { readonly approversAfter: string }) =>
    (await askProject(gitlab.graphql, 'MergeRequestLists', { projectId: project.id, iid, ...after })).mergeRequest;
  const moreLabels = async (labelsAfter: string) => required((await lists({ labelsAfter }))?.labels, 'MergeRequestLists');
  const moreApprovers = async (approversAfter: string) => required((await lists({ approversAfter }))?.approvedBy, 'MergeRequestLists');
  const allLabels = labels && (await allNodes(labels, moreLabels, 'MergeRequestLists'));
  const allApprovers = approvedBy && (await allNodes(approvedBy, moreApprovers, 'MergeRequestLists'));
  return {
    ...mergeRequest,
    labels: labels && allLabels && { ...labels, nodes: allLabels },
    approvedBy: approvedBy && allApprovers && { ...approvedBy, nodes: allApprovers },
  };
}
