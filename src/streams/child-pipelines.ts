import type { ChangeEvent } from '../events/change-event.ts';
import type { PipelineNode } from '../events/pipeline.ts';
import { presentNodes } from '../events/text.ts';
import { askProject } from '../gitlab/ask-project.ts';
import { required } from '../gitlab/graphql-response.ts';
import type { PipelineFragment } from '../gitlab/generated/sdk.ts';
import { connectionPages } from '../gitlab/paging.ts';
import type { PageAround, UnreadRow } from '../gitlab/read-around.ts';
import { salvagedOf } from '../gitlab/salvage.ts';
import { closed, throwIfClosed } from './access.ts';
import { largestPage } from './backfill.ts';
import type { Pages, Stream, StreamContext } from './stream.ts';

/** Statuses of a pipeline that ends by itself. One that waits for somebody, or for its time, may do so for ever. */
export const runningStatuses: ReadonlySet<string> = new Set([
  'created',
  'waiting_for_resource',
  'preparing',
  'pending',
  'running',
  'waiting_for_callback',
  'canceling',
]);

/** A child that runs is asked for again in each pass, for so long after its last change. Then the reconcile asks for it. */
const longestRunMs = 24 * 60 * 60_000;

/** Whether a pipeline has started others, children in its project or pipelines of other projects, or GitLab could not say so. */
const hasChildren = (pipeline: PipelineFragment): boolean =>
  presentNodes(pipeline.downstream).length > 0 || (salvagedOf(pipeline).unknownFields?.includes('downstream') ?? false);

/** Whether a page has a pipeline with children, or one that GitLab could not answer and that may have some. */
export const mayHaveChildren = (page: PageAround<PipelineFragment>): boolean =>
  (page.unread ?? []).length > 0 || presentNodes(page).some(hasChildren);

/** The moment since which children of a page of a backfill may have changed; null when no pipeline of it has any. `unread`: those that GitLab could not answer. */
export function earliestChild(nodes: readonly PipelineFragment[], unread: readonly UnreadRow[], seenAt: Date): Date | null {
  const parents = nodes.filter((node, index) => hasChildren(node) || (unread.length > 0 && index === nodes.length - 1));
  const moments = [
    ...parents.map(({ createdAt }) => Date.parse(createdAt)),
    // When it was created is not known. It may be older than every other one of the page.
    ...unread.map(({ changedAt }) => (changedAt ?? seenAt).getTime() - longestRunMs),
  ];
  return moments.length === 0 ? null : new Date(Math.min(...moments));
}

/**
 * Notes that child pipelines are to be read that changed since a moment, in the transaction of the page that found their parents: GitLab
 * leaves children out of its lists of pipelines. The state keeps the earliest such moment. Null: no parent was found.
 */
export function childrenDue({ state }: StreamContext, scope: string, since: Date | null): { readonly childrenSince?: Date } {
  const known = state(scope)?.childrenSince;
  return !since || (known && known <= since) ? {} : { childrenSince: since };
}

interface ReadsChildren {
  readonly stream: () => Stream;
  readonly toEvents: (nodes: readonly PipelineNode[], context: StreamContext) => Promise<readonly ChangeEvent[]>;
}

/** Child pipelines, where parents were found or children run. When it is stopped, the next pass reads them again. */
export async function* childPipelines(context: StreamContext, scope: string, { stream, toEvents }: ReadsChildren): Pages {
  const since = context.state(scope)?.childrenSince;
  if (!since || closed(context.batch.node, stream())) return;
  const read = async (after?: string) => {
    const ask = {
      projectId: context.project.id,
      first: largestPage,
      updatedAfter: since.toISOString(),
      ...(after === undefined ? {} : { after }),
    };
    const answer = await askProject(context.gitlab, 'ChildPipelinePage', ask);
    const page = required(answer.pipelines, 'ChildPipelinePage');
    throwIfClosed(stream(), { project: answer, list: page, operation: 'ChildPipelinePage' });
    return page;
  };
  const running: number[] = [];
  for await (const page of connectionPages(await read(), read, 'ChildPipelinePage', () => true)) {
    const nodes = presentNodes(page);
    for (const { status, updatedAt } of nodes) {
      const changedAt = Date.parse(updatedAt);
      if (runningStatuses.has(status.toLowerCase()) && context.seenAt.getTime() - changedAt < longestRunMs) running.push(changedAt);
    }
    yield { events: await toEvents(nodes, context) };
  }
  yield { events: [], progress: { childrenSince: running.length === 0 ? null : new Date(Math.min(...running)) } };
}
