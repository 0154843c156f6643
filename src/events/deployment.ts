import type { DeploymentFragment } from '../gitlab/generated/sdk.ts';
import type { ChangeEvent } from './change-event.ts';
import type { EventProject } from './event-project.ts';
import type { FieldUse } from './incomplete.ts';
import { environmentKey, mergeRequestKey, mergeRequestOfRef, pipelineKey, shaKeys, tagKeys } from './link-keys.ts';
import { unknownAuthor } from './text.ts';

/** An environment of a project, to which deployments go. */
export interface EventEnvironment {
  readonly id: number;
  readonly name: string;
  /** In lower case, such as `production`; null where GitLab does not say. */
  readonly tier: string | null;
}

/** Where a deployment went. */
export interface DeploymentPlace {
  readonly project: EventProject;
  readonly environment: EventEnvironment;
}

/** What a deployment's row needs to have. */
export type DeploymentNode = Pick<DeploymentFragment, 'ref' | 'tag' | 'createdAt' | 'finishedAt'> & {
  readonly iid: string;
  readonly status: NonNullable<DeploymentFragment['status']>;
  readonly updatedAt: string;
} & Partial<Pick<DeploymentFragment, 'sha' | 'triggerer' | 'job'>>;

/** Statuses with which a deployment is over. */
export const finishedStatuses = ['SUCCESS', 'FAILED', 'CANCELED'] as const;
const isFinished = (status: string): boolean => (finishedStatuses as readonly string[]).includes(status);

/** The event id of the deployment with this number in its project. */
export const deploymentEventId = ({ eventPath }: Pick<EventProject, 'eventPath'>, iid: string): string => `deployment-${eventPath}-${iid}`;

/** What names a deployment together with its environment. No name of an environment has a `#`. */
export const deploymentName = (environment: string, iid: string): string => `${environment}#${iid}`;

/** When a deployment ended, or changed last. */
export const deploymentTime = (row: { readonly status: string; readonly updatedAt: string; readonly finishedAt: string | null }): Date =>
  new Date(isFinished(row.status) && row.finishedAt !== null ? row.finishedAt : row.updatedAt);

/** What the fields of a deployment give, where the name does not say it. */
export const deploymentFields: Readonly<Record<string, FieldUse>> = {
  triggerer: { isAuthor: true },
  job: { metadata: ['job', 'pipeline_id'] },
};

/** Keys of `metadata` that follow from the other deployments of the environment. The store fills them in. */
const derived = { previous_sha: null, is_current: false, rollback: false } as const;

/** A deployment as an event: `[Deployment] {environment}: {ref} {sha, 8}`. */
export function deploymentToEvent(deployment: DeploymentNode, { project, environment }: DeploymentPlace): ChangeEvent {
  const { iid, createdAt, finishedAt, sha, job, triggerer } = deployment;
  const ref = deployment.ref ?? '';
  const isTag = deployment.tag === true;
  const pipelineId = job?.pipeline?.id?.slice(job.pipeline.id.lastIndexOf('/') + 1) ?? null;
  const mergeRequest = mergeRequestOfRef(ref);
  const isOver = isFinished(deployment.status);
  return {
    eventId: deploymentEventId(project, iid),
    title: `[Deployment] ${[`${environment.name}:`, ref, (sha ?? '').slice(0, 8)].filter((part) => part !== '').join(' ')}`,
    description: { text: `Deployment of ${ref} to ${environment.name}`, related_events: [] },
    author: triggerer?.username ?? unknownAuthor,
    timestamp: deploymentTime(deployment),
    statusSince: deployment.status === 'CREATED' && createdAt ? new Date(createdAt) : null,
    // GitLab returns the path of a job without the host. A deployment that was noted with the API has none.
    url: job?.webPath
      ? `${project.webUrl}${job.webPath.slice(job.webPath.indexOf('/-/'))}`
      : `${project.webUrl}/-/environments/${environment.id}`,
    status: deployment.status.toLowerCase(),
    metadata: {
      project: project.fullPath,
      deployment: deploymentName(environment.name, iid),
      deployment_iid: Number(iid),
      environment: environment.name,
      environment_id: environment.id,
      tier: environment.tier,
      ref,
      tag: isTag ? ref : null,
      sha: sha ?? null,
      job: job?.name ?? null,
      pipeline_id: pipelineId === null ? null : Number(pipelineId),
      created_at: createdAt,
      finished_at: isOver ? finishedAt : null,
      ...derived,
    },
    keep: Object.keys(derived),
    linkKeys: [
      environmentKey(environment.id),
      ...shaKeys(sha),
      ...(isTag ? tagKeys(ref) : []),
      ...(mergeRequest === undefined ? [] : [mergeRequestKey(mergeRequest)]),
      ...(pipelineId === null ? [] : [pipelineKey(pipelineId)]),
    ],
  };
}
