import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type {
  FakeDeployment,
  FakeImageRepository,
  FakeMergeRequest,
  FakePipeline,
  FakeRelease,
  FakeTag,
} from '../../fake-gitlab/world/records.ts';
import type { FakeCommit } from '../../fake-gitlab/world/repository.ts';
import { graphqlTime, restTime } from '../../fake-gitlab/world/time.ts';
import type { Micros } from '../../fake-gitlab/world/time.ts';
import type { EventRow } from '../support/rows.ts';

/**
 * What the table must say of a world, written from PainChain's contract and the world alone: nothing of src/ is used, so
 * that a mistake there cannot hide here.
 */
export type ExpectedEvent = Omit<EventRow, 'xmin'>;

/** A project as the table knows it. */
export interface ExpectedProject {
  readonly project: FakeProject;
  /** The path under which it was first stored. */
  readonly eventPath: string;
  readonly baseUrl: string;
}

/** The one branch that convergence runs read. */
export const branch = 'main';

/** In place of the timestamp of what has none: the table keeps when it was first seen. */
export const firstSeen = 'first seen';

/** Every event of a project, by id. Merge requests that GitLab hides are left out. */
export function expectedEvents(of: ExpectedProject): Map<string, ExpectedEvent> {
  const { project } = of;
  const events = [
    ...project.mergeRequests.filter((row) => !row.isHidden && row.targetBranch === branch).map((row) => mergeRequest(of, row)),
    ...project.pipelines.filter(({ ref }) => ref === branch).map((row) => pipeline(of, row)),
    ...project.releases.map((row) => release(of, row)),
    ...project.deployments.rows.filter(({ status }) => status !== 'SKIPPED').map((row) => deployment(of, row)),
    ...(project.git.log(`refs/heads/${branch}`) ?? []).map((row) => commit(of, row)),
    ...project.imageRepositories.flatMap((repository) =>
      [...repository.tags].filter(([, tag]) => !tag.isBroken).map(([name, tag]) => image(of, { repository, name, tag })),
    ),
  ];
  return new Map(events.map((event) => [event.event_id, event]));
}

const pageOf = ({ project, baseUrl }: ExpectedProject) => `${baseUrl}/${project.fullPath}`;
const wholeSeconds = (at: Micros) => new Date(graphqlTime(at)).toISOString();
const optionalTime = (at: Micros | null) => (at === null ? null : graphqlTime(at));

function mergeRequest(of: ExpectedProject, row: FakeMergeRequest): ExpectedEvent {
  return {
    event_id: `mr-${of.eventPath}-${row.iid}`,
    title: `[MR] ${row.title}`,
    description: {
      text: row.description ?? '',
      labels: row.labels,
      files_changed: row.files.slice(0, 20).map(({ path }) => path),
      related_events: [],
    },
    author: row.author ?? 'unknown',
    timestamp: wholeSeconds(row.updatedAt),
    url: `${pageOf(of)}/-/merge_requests/${row.iid}`,
    status: row.state,
    metadata: {
      project: of.project.fullPath,
      mr_iid: row.iid,
      merged: row.state === 'merged',
      mergeable: row.mergeStatus === 'CAN_BE_MERGED',
      source_branch: row.sourceBranch,
      target_branch: row.targetBranch,
      approved_by: row.approvedBy,
      approved_count: row.approvedBy.length,
      user_notes_count: row.notes,
      upvotes: row.upvotes,
      downvotes: row.downvotes,
      draft: row.draft,
      created_at: graphqlTime(row.createdAt),
      merged_at: optionalTime(row.mergedAt),
      merged_by: row.state === 'merged' ? row.mergeUser : null,
      merge_commit_sha: row.mergeCommitSha,
      head_sha: row.headSha,
      files_changed_total: row.files.length,
      additions: row.files.reduce((sum, file) => sum + file.additions, 0),
      deletions: row.files.reduce((sum, file) => sum + file.deletions, 0),
      truncated: false,
    },
  };
}

const signs: Readonly<Record<string, string>> = { SUCCESS: '✓', FAILED: '✗', CANCELED: '⊗', SKIPPED: '⊘', MANUAL: '⊙' };

function pipeline(of: ExpectedProject, row: FakePipeline): ExpectedEvent {
  const isBad = row.status === 'FAILED' || row.status === 'CANCELED';
  const failed = row.jobs
    .filter(({ retried, status }) => isBad && !retried && (status === 'FAILED' || status === 'CANCELED'))
    .toSorted((a, b) => b.id - a.id);
  return {
    event_id: `pipeline-${of.eventPath}-${row.id}`,
    title: `[Pipeline] ${signs[row.status] ?? '•'} ${row.ref}`,
    description: {
      text: `Pipeline for ${row.ref}`,
      labels: [],
      failed_jobs: failed.map((job) => ({
        name: job.name,
        status: job.status.toLowerCase(),
        started_at: optionalTime(job.startedAt),
        finished_at: optionalTime(job.finishedAt),
        stage: job.stage,
        allow_failure: job.allowFailure,
        failure_reason: job.failureMessage,
        url: job.isBridge ? null : `${pageOf(of)}/-/jobs/${job.id}`,
      })),
      related_events: [],
    },
    author: row.user ?? 'unknown',
    timestamp: wholeSeconds(row.updatedAt),
    url: `${pageOf(of)}/-/pipelines/${row.id}`,
    status: row.status.toLowerCase(),
    metadata: {
      project: of.project.fullPath,
      pipeline_id: row.id,
      pipeline_iid: row.iid,
      ref: row.ref,
      sha: row.sha.slice(0, 7),
      commit_sha: row.sha,
      source: row.source,
      duration_seconds: row.duration,
      failed_jobs_count: failed.length,
      warnings: row.jobs
        .filter((job) => !job.retried && job.status === 'FAILED' && job.allowFailure)
        .toSorted((a, b) => b.id - a.id)
        .map(({ name }) => name),
      failure_reason: row.failureReason,
      started_at: optionalTime(row.startedAt),
      finished_at: optionalTime(row.finishedAt),
      created_at: graphqlTime(row.createdAt),
      ...(row.parentId === null ? {} : { parent_pipeline_id: row.parentId }),
    },
  };
}

function release(of: ExpectedProject, row: FakeRelease): ExpectedEvent {
  return {
    event_id: `release-${of.eventPath}-${row.tag}`,
    title: `[Release] ${row.name === '' ? row.tag : row.name}`,
    description: { text: row.description, assets: row.links.map(({ name }) => name), related_events: [] },
    author: row.author ?? 'unknown',
    timestamp: wholeSeconds(row.releasedAt),
    url: `${pageOf(of)}/-/releases/${row.tag}`,
    status: 'published',
    metadata: {
      project: of.project.fullPath,
      tag_name: row.tag,
      commit_sha: row.sha,
      created_at: graphqlTime(row.createdAt),
      asset_links: row.links.map(({ name, url }) => ({ name, url })),
      truncated: false,
    },
  };
}

/** Without what follows from the other deployments of its environment. */
function deployment(of: ExpectedProject, row: FakeDeployment): ExpectedEvent {
  const environment = of.project.deployments.environmentOf(row);
  const isOver = ['SUCCESS', 'FAILED', 'CANCELED'].includes(row.status);
  return {
    event_id: `deployment-${of.eventPath}-${row.iid}`,
    title: `[Deployment] ${environment?.name}: ${row.ref} ${row.sha.slice(0, 8)}`,
    description: { text: `Deployment of ${row.ref} to ${environment?.name}`, related_events: [] },
    author: row.user ?? 'unknown',
    timestamp: wholeSeconds(isOver && row.finishedAt !== null ? row.finishedAt : row.updatedAt),
    url: row.job ? `${pageOf(of)}/-/jobs/${row.job.id}` : `${pageOf(of)}/-/environments/${row.environmentId}`,
    status: row.status.toLowerCase(),
    metadata: {
      project: of.project.fullPath,
      deployment: `${environment?.name}#${row.iid}`,
      deployment_iid: row.iid,
      environment: environment?.name ?? '',
      environment_id: row.environmentId,
      tier: environment?.tier.toLowerCase() ?? null,
      ref: row.ref,
      tag: row.isTag ? row.ref : null,
      sha: row.sha,
      job: row.job?.name ?? null,
      pipeline_id: row.pipelineId,
      created_at: graphqlTime(row.createdAt),
      finished_at: isOver ? optionalTime(row.finishedAt) : null,
    },
  };
}

function commit(of: ExpectedProject, row: FakeCommit): ExpectedEvent {
  return {
    event_id: `commit-${of.eventPath}-${row.sha}`,
    title: `[Commit] ${row.title.slice(0, 100)}`,
    description: { text: row.message, labels: [], files_changed: [], related_events: [] },
    author: row.authorName,
    timestamp: restTime(row.committedAt),
    url: `${pageOf(of)}/-/commit/${row.sha}`,
    status: 'committed',
    metadata: {
      project: of.project.fullPath,
      branch,
      sha: row.sha,
      additions: row.additions,
      deletions: row.deletions,
      total_changes: row.additions + row.deletions,
      authored_at: restTime(row.authoredAt),
      parent_shas: [...row.parents],
      truncated: false,
    },
  };
}

interface ImageTag {
  readonly repository: FakeImageRepository;
  readonly name: string;
  readonly tag: FakeTag;
}

function image(of: ExpectedProject, { repository, name, tag }: ImageTag): ExpectedEvent {
  const firstPath = `${of.eventPath.toLowerCase()}${repository.path.slice(of.project.fullPath.length)}`;
  const megabytes = (tag.totalSize ?? 0) / 1024 ** 2;
  const size = megabytes === 0 ? undefined : `${Number(megabytes.toFixed(2))}MB`;
  const lines = ['Container image pushed to GitLab Container Registry', `Image: ${repository.path}`, `Tag: ${name}`];
  return {
    event_id: `registry-${firstPath}-${name}-${tag.digest}`,
    title: `[Image] ${repository.path}:${name}`,
    description: {
      text: [...lines, ...(size ? [`Size: ${size}`] : []), `Digest: ${tag.digest}`].join('\n'),
      labels: [name],
      metadata: {
        registry: 'gitlab',
        image: repository.path,
        digest_short: tag.digest.slice('sha256:'.length, 'sha256:'.length + 12),
        ...(size ? { size } : {}),
      },
      related_events: [],
    },
    author: 'unknown',
    // In whole seconds, as GraphQL has it.
    timestamp: tag.createdAt === null ? firstSeen : new Date(graphqlTime(tag.createdAt)).toISOString(),
    url: `${pageOf(of)}/-/container_registry/${repository.id}`,
    status: 'published',
    metadata: {
      project: of.project.fullPath,
      registry: 'gitlab',
      repository_path: repository.path,
      repository_id: repository.id,
      image: repository.path,
      tag: name,
      tags: [name],
      digest: tag.digest,
      revision: tag.revision,
      size_bytes: tag.totalSize ?? 0,
      project_id: String(of.project.id),
      location: `${repository.location}:${name}`,
    },
  };
}

/** Which events are related by what they say of themselves: a commit, a merge request's pipelines, a tag. Ids by id. */
export function expectedLinks(rows: readonly ExpectedEvent[]): Map<string, string[]> {
  const keyed = rows.map((row) => ({ id: row.event_id, kind: row.title.slice(0, row.title.indexOf(']')), keys: keysOf(row) }));
  const related = keyed.map(({ id, kind, keys }) => {
    // Pipelines are related to their children.
    const isCommon = (key: string, other: (typeof keyed)[number]) =>
      other.keys.has(key) && (other.kind !== kind || key.startsWith('pipeline '));
    const others = keyed.filter((other) => other.id !== id && [...keys].some((key) => isCommon(key, other)));
    return [id, others.map((other) => other.id).toSorted()] as const;
  });
  return new Map(related);
}

function keysOf({ title, metadata }: ExpectedEvent): Set<string> {
  const text = (key: string) => (typeof metadata[key] === 'string' ? metadata[key] : '');
  const commitKeys = (sha: string) => (sha ? [`commit ${sha}`, `abbreviated ${sha.slice(0, 8)}`] : []);
  const versionOf = (tag: string) => `version ${/^v\d/.test(tag) ? tag.slice(1) : tag}`;
  if (title.startsWith('[MR]')) {
    const merged = metadata.merged ? commitKeys(text('merge_commit_sha') || text('head_sha')) : [];
    return new Set([`mr ${JSON.stringify(metadata.mr_iid)}`, ...merged]);
  }
  if (title.startsWith('[Pipeline]')) {
    const numbers = [metadata.pipeline_id, metadata.parent_pipeline_id].filter((one) => typeof one === 'number');
    return new Set([...commitKeys(text('commit_sha')), ...numbers.map((one) => `pipeline ${one}`)]);
  }
  if (title.startsWith('[Deployment]')) {
    const mergeRequest = /^refs\/merge-requests\/(\d+)\//.exec(text('ref'))?.[1];
    return new Set([
      ...commitKeys(text('sha')),
      ...(text('tag') ? [versionOf(text('tag'))] : []),
      ...(mergeRequest ? [`mr ${mergeRequest}`] : []),
      ...(typeof metadata.pipeline_id === 'number' ? [`pipeline ${metadata.pipeline_id}`] : []),
    ]);
  }
  if (title.startsWith('[Release]')) return new Set([...commitKeys(text('commit_sha')), versionOf(text('tag_name'))]);
  if (title.startsWith('[Commit]')) return new Set(commitKeys(text('sha')));
  const tag = text('tag');
  return new Set([
    versionOf(tag),
    ...(/^[0-9a-f]{8}$/.test(tag) ? [`abbreviated ${tag}`] : []),
    ...(/^[0-9a-f]{40}$/.test(tag) ? commitKeys(tag).slice(0, 1) : []),
  ]);
}
