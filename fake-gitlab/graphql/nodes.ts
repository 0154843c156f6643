import { graphqlTime, parseTime } from '../world/time.ts';
import type { Micros } from '../world/time.ts';
import type { FakeProject } from '../world/project.ts';
import type { FakeImageRepository, FakeJob, FakeMergeRequest, FakePipeline, FakeRelease } from '../world/records.ts';
import type { FakeGit } from '../world/repository.ts';
import type { World } from '../world/world.ts';
import { arrayConnection, keysetConnection } from './connections.ts';
import type { OrderColumn, PageArgs } from './connections.ts';
import { environmentFields } from './environments.ts';
import { subject } from './poisoned.ts';
import { subjectOf } from '../world/subjects.ts';

const time = (at: Micros | null) => (at === null ? null : graphqlTime(at));
/** Returns whether a moment is in the window. Both ends are inclusive. */
function within(after: string | null | undefined, before?: string | null): (at: Micros) => boolean {
  const [from, to] = [after ? parseTime(after) : Number.NEGATIVE_INFINITY, before ? parseTime(before) : Number.POSITIVE_INFINITY];
  return (at) => at >= from && at <= to;
}
const user = (username: string | null) => (username === null ? null : { username });
/** Order by id. */
export const byId = <T extends { readonly id: number }>(direction: 'asc' | 'desc'): OrderColumn<T> => ({
  column: 'id',
  direction,
  type: 'id',
  value: (row) => row.id,
});

/** Merge requests by their last change. Of two that changed at the same time, the newer merge request comes first. */
export const byUpdate = (direction: 'asc' | 'desc'): Array<OrderColumn<FakeMergeRequest>> => [
  { column: 'updated_at', direction, type: 'time', value: (row) => row.updatedAt },
  byId('desc'),
];

interface MergeRequestArgs extends PageArgs {
  readonly iids?: readonly string[] | null;
  readonly sort?: 'UPDATED_ASC' | 'UPDATED_DESC' | null;
  readonly state?: string | null;
  readonly updatedAfter?: string | null;
  readonly createdAfter?: string | null;
  readonly targetBranches?: readonly string[] | null;
}

interface PipelineArgs extends PageArgs {
  readonly ref?: string | null;
  readonly source?: string | null;
  /** 18.8 and later. */
  readonly refType?: 'HEADS' | 'TAGS' | null;
  readonly updatedAfter?: string | null;
  readonly updatedBefore?: string | null;
}

interface JobArgs extends PageArgs {
  readonly statuses?: readonly string[] | null;
  readonly retried?: boolean | null;
}

/** A project in GraphQL, as the token may see it. */
export function projectNode(project: FakeProject, baseUrl: string, { emptyRepository }: World) {
  const { features, role, largestPage: maxPageSize } = project;
  const webUrl = `${baseUrl}/${project.fullPath}`;
  const isReporter = role === 'reporter';
  const readsCode = isReporter && features.repository;
  const readsPipelines = features.ci && (isReporter || project.publicPipelines);
  const pathPrefix = new URL(webUrl).pathname;
  const of = subjectOf(project);
  const jobOf = (job: FakeJob) => ({ [subject]: of.job(job), ...jobNode(job, pathPrefix) });
  const pipelineOf = (row: FakePipeline): object => ({
    [subject]: of.pipeline(row),
    ...pipelineNode(row, jobOf),
    upstream: () => {
      const parent = row.parentId === null ? undefined : project.pipelines.find(({ id }) => id === row.parentId);
      return parent ? pipelineOf(parent) : null;
    },
    downstream: (page: PageArgs) => {
      const rows = project.childPipelines(row.id);
      return keysetConnection({ rows, order: [byId('desc')], toNode: pipelineOf }, page);
    },
  });
  const mergeRequestOf = (row: FakeMergeRequest) => ({ [subject]: of.mergeRequest(row), ...mergeRequestNode(row, webUrl) });
  const releaseOf = (row: FakeRelease) => ({ [subject]: of.release(row), ...releaseNode(row, readsCode) });
  const imageRepositoryOf = (row: FakeImageRepository) => ({ [subject]: of.containerRepository(row), ...imageRepositoryNode(row) });
  return {
    [subject]: of.project(),
    id: `gid://gitlab/Project/${project.id}`,
    fullPath: project.fullPath,
    webUrl,
    mergeRequestsEnabled: features.mergeRequests,
    jobsEnabled: features.ci,
    containerRegistryEnabled: features.registry,
    userPermissions: { downloadCode: readsCode },
    repository: readsCode ? repositoryNode(project.git, emptyRepository) : null,
    containerRepositoriesCount: project.imageRepositories.length,
    mergeRequests: ({ iids, sort, state, updatedAfter, createdAfter, targetBranches, ...page }: MergeRequestArgs) => {
      // For an empty list as an argument, GitLab returns no rows without a query.
      const isEmptyArgument = targetBranches?.length === 0 || iids?.length === 0;
      const rows = readsCode && features.mergeRequests && !isEmptyArgument ? project.mergeRequests : [];
      const [isUpdatedThen, isCreatedThen] = [within(updatedAfter), within(createdAfter)];
      return keysetConnection(
        {
          rows,
          where: (row) =>
            (iids?.includes(String(row.iid)) ?? true) &&
            (!state || state === 'all' || row.state === state) &&
            isUpdatedThen(row.updatedAt) &&
            isCreatedThen(row.createdAt) &&
            (targetBranches?.includes(row.targetBranch) ?? true),
          order: byUpdate(sort === 'UPDATED_ASC' ? 'asc' : 'desc'),
          revision: project.revision,
          toNode: mergeRequestOf,
          isVisible: (row) => !row.isHidden,
          maxPageSize,
        },
        page,
      );
    },
    mergeRequest: ({ iid }: { readonly iid: string }) => {
      const found = project.mergeRequests.find((row) => String(row.iid) === iid && !row.isHidden);
      return found && readsCode && features.mergeRequests ? mergeRequestOf(found) : null;
    },
    pipelines: ({ ref, source, refType, updatedAfter, updatedBefore, ...page }: PipelineArgs) => {
      const rows = readsPipelines ? project.pipelines : [];
      const isUpdatedThen = within(updatedAfter, updatedBefore);
      const where = (row: FakePipeline) =>
        isUpdatedThen(row.updatedAt) &&
        // GitLab leaves child pipelines out, unless their source is asked for.
        (source ? row.source === source : row.parentId === null) &&
        (ref === undefined || ref === null || row.ref === ref) &&
        (!refType || row.isTag === (refType === 'TAGS'));
      return keysetConnection({ rows, where, order: [byId('desc')], revision: project.revision, toNode: pipelineOf, maxPageSize }, page);
    },
    pipeline: ({ iid }: { readonly iid: string }) => {
      const found = project.pipelines.find((row) => String(row.iid) === iid);
      return found && readsPipelines ? pipelineOf(found) : null;
    },
    releases: (page: PageArgs) => {
      // GitLab's batch loader has no default, so a project without releases is null.
      if (project.releases.length === 0 || features.releases === false) return null;
      const newestFirst = project.releases.toSorted((a, b) => b.createdAt - a.createdAt || b.id - a.id);
      return arrayConnection({ rows: newestFirst, toNode: releaseOf, maxPageSize }, page);
    },
    ...environmentFields(project, readsCode && features.ci && features.environments !== false, webUrl),
    release: ({ tagName }: { readonly tagName: string }) => {
      const found = project.releases.find((row) => row.tag === tagName);
      return found && features.releases !== false ? releaseOf(found) : null;
    },
    containerRepositories: (page: PageArgs) => {
      // Null, not empty, for a token that may not read them.
      if (!features.registry || !isReporter) return null;
      const rows = project.imageRepositories;
      const order: Array<OrderColumn<FakeImageRepository>> = [
        { column: 'created_at', direction: 'desc', type: 'time', value: (row) => row.createdAt },
        byId('desc'),
      ];
      return keysetConnection({ rows, order, toNode: imageRepositoryOf, maxPageSize }, page);
    },
  };
}

/** The repository of a project. A tag has priority over a branch with the same name, as in REST. */
function repositoryNode(git: FakeGit, emptyRepository: World['emptyRepository']) {
  const empty = git.commits.size === 0;
  const commitOf = ({ ref }: { readonly ref?: string | null }) => {
    const sha = git.resolve(ref ?? 'main');
    return sha === undefined ? null : { sha };
  };
  return {
    exists: git.exists && (!empty || emptyRepository === 'empty'),
    empty,
    tree: (args: { readonly ref?: string | null }) => ({ lastCommit: commitOf(args) }),
    commit: commitOf,
    lastCommit: commitOf,
  };
}

function mergeRequestNode(mergeRequest: FakeMergeRequest, projectUrl: string) {
  const { labels, approvedBy, files } = mergeRequest;
  const inOrder = (names: readonly string[]) => names.map((name, index) => ({ name, id: index + 1 }));
  return {
    iid: String(mergeRequest.iid),
    title: mergeRequest.title,
    description: mergeRequest.description,
    state: mergeRequest.state,
    draft: mergeRequest.draft,
    createdAt: graphqlTime(mergeRequest.createdAt),
    updatedAt: graphqlTime(mergeRequest.updatedAt),
    mergedAt: time(mergeRequest.mergedAt),
    closedAt: time(mergeRequest.closedAt),
    webUrl: `${projectUrl}/-/merge_requests/${mergeRequest.iid}`,
    sourceBranch: mergeRequest.sourceBranch,
    targetBranch: mergeRequest.targetBranch,
    mergeCommitSha: mergeRequest.mergeCommitSha,
    diffHeadSha: mergeRequest.headSha,
    mergeStatusEnum: mergeRequest.mergeStatus,
    author: user(mergeRequest.author),
    mergeUser: user(mergeRequest.mergeUser),
    labels: (page: PageArgs) =>
      keysetConnection({ rows: inOrder(labels), order: [byId('asc')], toNode: ({ name }) => ({ title: name }) }, page),
    approvedBy: (page: PageArgs) =>
      keysetConnection({ rows: inOrder(approvedBy), order: [byId('asc')], toNode: ({ name }) => ({ username: name }) }, page),
    diffStats: files,
    userNotesCount: mergeRequest.notes,
    upvotes: mergeRequest.upvotes,
    downvotes: mergeRequest.downvotes,
  };
}

function pipelineNode(pipeline: FakePipeline, jobOf: (job: FakeJob) => object) {
  return {
    id: `gid://gitlab/Ci::Pipeline/${pipeline.id}`,
    iid: String(pipeline.iid),
    status: pipeline.status,
    ref: pipeline.ref,
    refPath: /^refs\/(merge-requests|pipelines|environments)\//.test(pipeline.ref)
      ? pipeline.ref
      : `refs/${pipeline.isTag ? 'tags' : 'heads'}/${pipeline.ref}`,
    sha: pipeline.sha,
    source: pipeline.source,
    failureReason: pipeline.failureReason,
    createdAt: graphqlTime(pipeline.createdAt),
    updatedAt: graphqlTime(pipeline.updatedAt),
    startedAt: time(pipeline.startedAt),
    finishedAt: time(pipeline.finishedAt),
    duration: pipeline.duration,
    user: user(pipeline.user),
    jobs: ({ statuses, retried, ...page }: JobArgs) => {
      const rows = pipeline.jobs.filter(
        (job) => (statuses?.includes(job.status) ?? true) && (retried === undefined || retried === null || job.retried === retried),
      );
      return keysetConnection({ rows, order: [byId('desc')], toNode: jobOf }, page);
    },
  };
}

function jobNode(job: FakeJob, pathPrefix: string) {
  return {
    name: job.name,
    status: job.status,
    stage: { name: job.stage },
    startedAt: time(job.startedAt),
    finishedAt: time(job.finishedAt),
    allowFailure: job.allowFailure,
    failureMessage: job.failureMessage,
    webPath: job.isBridge ? null : `${pathPrefix}/-/jobs/${job.id}`,
  };
}

function releaseNode(release: FakeRelease, readsCode: boolean) {
  return {
    tagName: release.tag,
    name: release.name,
    description: release.description,
    createdAt: graphqlTime(release.createdAt),
    releasedAt: graphqlTime(release.releasedAt),
    author: user(release.author),
    commit: readsCode ? { sha: release.sha } : null,
    assets: { links: (page: PageArgs) => arrayConnection({ rows: release.links, toNode: (link) => link }, page) },
  };
}

function imageRepositoryNode(repository: FakeImageRepository) {
  const { id, name, path, location } = repository;
  return { id: `gid://gitlab/ContainerRepository/${id}`, name, path, location };
}
