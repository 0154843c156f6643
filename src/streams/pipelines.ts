import { pipelineToEvent } from '../events/pipeline.ts';
import { required } from '../gitlab/answer.ts';
import { askProject } from '../gitlab/ask-project.ts';
import type { PipelineFragment } from '../gitlab/generated/sdk.ts';
import { allNodes } from '../gitlab/paging.ts';
import { refusal } from './access.ts';
import { newestNodes } from './newest.ts';
import { endPage } from './stream.ts';
import type { Page, Stream, StreamContext } from './stream.ts';

/** Pipelines with their failed and canceled jobs, the newest first. */
export const pipelines: Stream = {
  name: 'pipelines',
  label: 'pipelines',
  type: 'Pipeline',
  walks: (context) => [{ scope: '', pages: () => pages(context) }],
};

async function* pages(context: StreamContext): AsyncGenerator<Page> {
  const { batch, options, project } = context;
  const list = context.batch.firstPage('pipelines');
  const refused = refusal(context, { what: 'pipelines', enabled: batch.node.jobsEnabled, list });
  if (refused || !list) return yield endPage(refused ?? { outcome: 'ok' });
  for (const branch of options.branches.length > 0 ? options.branches : [undefined]) {
    const next = nextPage(context, branch);
    // The batch was filtered by the branch when there is one, and not at all when there are several.
    const first = options.branches.length <= 1 ? list : await next({ first: Math.min(options.limit, 100) });
    for await (const nodes of newestNodes({ first, next, limit: options.limit, operation: 'PipelinePage' })) {
      const complete = await Promise.all(nodes.map((pipeline) => withAllJobs(pipeline, context)));
      yield { events: complete.map((pipeline) => pipelineToEvent(pipeline, project)) };
    }
  }
  yield endPage({ outcome: 'ok' }, { watermark: context.watermark });
}

const nextPage =
  ({ gitlab, project }: StreamContext, ref: string | undefined) =>
  async (page: { readonly first: number; readonly after?: string }) => {
    const filter = ref === undefined ? {} : { ref };
    const answer = await askProject(gitlab.graphql, 'PipelinePage', { projectId: project.id, ...page, ...filter });
    return required(answer.pipelines, 'PipelinePage');
  };

/** Reads on where the failed jobs do not fit on their page. */
async function withAllJobs(pipeline: PipelineFragment, { gitlab, project }: StreamContext): Promise<PipelineFragment> {
  const { jobs, iid } = pipeline;
  if (!jobs?.pageInfo.hasNextPage) return pipeline;
  const next = async (after: string) => {
    const answer = await askProject(gitlab.graphql, 'PipelineJobs', { projectId: project.id, iid, after });
    return required(answer.pipeline?.jobs, 'PipelineJobs');
  };
  return { ...pipeline, jobs: { ...jobs, nodes: await allNodes(jobs, next, 'PipelineJobs') } };
}
