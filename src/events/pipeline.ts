import type { JobsFragment, PipelineFragment } from '../gitlab/generated/sdk.ts';
import type { ChangeEvent, JsonObject } from './change-event.ts';
import type { FieldUse } from './incomplete.ts';
import type { EventProject } from './event-project.ts';
import { mergeRequestKey, mergeRequestOfRef, pipelineKey, shaKeys } from './link-keys.ts';
import { presentNodes, unknownAuthor } from './text.ts';

/** The sign in a pipeline's title, as PainChain's dashboard shows it. */
const signs: Readonly<Record<string, string>> = { success: '✓', failed: '✗', canceled: '⊗', skipped: '⊘', manual: '⊙' };

/** A pipeline, and which one has started it, where that was asked for. */
export type PipelineNode = PipelineFragment & { readonly upstream?: { readonly id: string } | null };

type Job = NonNullable<NonNullable<JobsFragment['nodes']>[number]>;

/** The number in a pipeline's global id. */
const numberOf = (globalId: string): string => globalId.slice(globalId.lastIndexOf('/') + 1);

/** The event id of the pipeline with this global id. */
export const pipelineEventId = ({ eventPath }: Pick<EventProject, 'eventPath'>, globalId: string): string =>
  `pipeline-${eventPath}-${numberOf(globalId)}`;

/** What the fields of a pipeline give, where the name does not say it. */
export const pipelineFields: Readonly<Record<string, FieldUse>> = {
  user: { isAuthor: true },
  sha: { metadata: ['sha', 'commit_sha'] },
  duration: { metadata: ['duration_seconds'] },
  jobs: { metadata: ['failed_jobs_count', 'warnings'], description: ['failed_jobs'] },
  // It gives keys of links only.
  downstream: {},
};

/** A pipeline as an event: `[Pipeline] {sign} {ref}`. Failed and canceled pipelines list their failed and canceled jobs. */
export function pipelineToEvent(pipeline: PipelineNode, project: EventProject): ChangeEvent {
  const id = numberOf(pipeline.id);
  const status = pipeline.status.toLowerCase();
  const ref = pipeline.ref ?? '';
  const iid = mergeRequestOfRef(ref);
  const parent = parentOf(pipeline);
  const listsJobs = status === 'failed' || status === 'canceled';
  const failedJobs = listsJobs ? presentNodes(pipeline.jobs).map((job) => failedJob(job, project)) : [];
  return {
    eventId: pipelineEventId(project, pipeline.id),
    title: `[Pipeline] ${signs[status] ?? '•'} ${ref}`,
    description: { text: `Pipeline for ${ref}`, labels: [], failed_jobs: failedJobs, related_events: [] },
    author: pipeline.user?.username ?? unknownAuthor,
    timestamp: new Date(pipeline.updatedAt),
    statusSince: statusSince(pipeline),
    url: `${project.webUrl}/-/pipelines/${id}`,
    status,
    metadata: {
      project: project.fullPath,
      pipeline_id: Number(id),
      pipeline_iid: Number(pipeline.iid),
      ref,
      sha: (pipeline.sha ?? '').slice(0, 7),
      commit_sha: pipeline.sha,
      source: pipeline.source?.toLowerCase() ?? null,
      duration_seconds: pipeline.duration,
      failed_jobs_count: failedJobs.length,
      warnings: presentNodes(pipeline.jobs)
        .filter(isWarning)
        .map(({ name }) => name ?? ''),
      failure_reason: pipeline.failureReason ?? null,
      started_at: pipeline.startedAt,
      finished_at: pipeline.finishedAt,
      created_at: pipeline.createdAt,
      ...(parent === null ? {} : { parent_pipeline_id: Number(parent) }),
    },
    linkKeys: [
      ...shaKeys(pipeline.sha),
      ...(iid === undefined ? [] : [mergeRequestKey(iid)]),
      pipelineKey(id),
      ...(parent === null ? [] : [pipelineKey(parent)]),
    ],
  };
}

/** The number of the pipeline that has started a child pipeline; null for any other. A GitLab before 17.5 does not say the source. */
const parentOf = ({ source, upstream }: PipelineNode): string | null =>
  upstream && (source?.toLowerCase() ?? 'parent_pipeline') === 'parent_pipeline' ? numberOf(upstream.id) : null;

/** GitLab says when a pipeline was created, started and finished. */
function statusSince({ status, createdAt, startedAt, finishedAt }: PipelineFragment): Date | null {
  if (status === 'CREATED') return new Date(createdAt);
  const since = status === 'RUNNING' ? startedAt : ended.has(status) ? finishedAt : null;
  return since ? new Date(since) : null;
}

const ended: ReadonlySet<string> = new Set(['SUCCESS', 'FAILED', 'CANCELED', 'SKIPPED']);

/** A job that failed and was allowed to: its pipeline passes with warnings. */
const isWarning = ({ status, allowFailure }: Job): boolean => status === 'FAILED' && allowFailure === true;

function failedJob(job: Job, project: EventProject): JsonObject {
  return {
    name: job.name ?? '',
    status: (job.status ?? 'failed').toLowerCase(),
    started_at: job.startedAt,
    finished_at: job.finishedAt,
    stage: job.stage?.name ?? null,
    allow_failure: job.allowFailure,
    failure_reason: job.failureMessage ?? null,
    // GitLab returns a path without the host, and null for a job that triggers another pipeline.
    url: job.webPath ? `${project.webUrl}${job.webPath.slice(job.webPath.indexOf('/-/'))}` : null,
  };
}
