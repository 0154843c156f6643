import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakePipeline } from '../../fake-gitlab/world/records.ts';
import { restTime } from '../../fake-gitlab/world/time.ts';
import { fakeUrl } from './fake.ts';
import type { PainchainVersion } from './painchain.ts';

/** A row of change_events by column, as a connector of PainChain writes it. */
type Row = Readonly<Record<string, unknown>>;

const json = (value: unknown) => JSON.stringify(value);
const signs: Readonly<Record<string, string>> = { success: '✓', failed: '✗', canceled: '⊗' };

const failedJobs = ({ jobs, status }: FakePipeline, ended: readonly string[]) =>
  ended.includes(status) ? jobs.filter((job) => ended.includes(job.status)) : [];

/** What the connector of 0.1 stores of a project, with the branch main. GitLab's list of tags has neither digests nor times. */
function rowsOf01(project: FakeProject): Row[] {
  const { fullPath: path } = project;
  const url = `${fakeUrl}/${path}`;
  const row = (event_id: string, title: string, rest: Row): Row => ({ event_id, title, ...rest });
  return [
    ...project.mergeRequests.map((mr) =>
      row(`mr-${path}-${mr.iid}`, `[MR] ${mr.title}`, {
        description: json({
          text: mr.description ?? '',
          labels: mr.labels,
          files_changed: mr.files.map((file) => file.path),
          related_events: [],
        }),
        author: mr.author ?? 'unknown',
        timestamp: restTime(mr.updatedAt),
        url: `${url}/-/merge_requests/${mr.iid}`,
        status: mr.state,
        metadata: json({
          project: path,
          mr_iid: mr.iid,
          merged: mr.state === 'merged',
          mergeable: mr.mergeStatus === 'CAN_BE_MERGED',
          source_branch: mr.sourceBranch,
          target_branch: mr.targetBranch,
          approved_by: mr.approvedBy,
          approved_count: mr.approvedBy.length,
          user_notes_count: mr.notes,
          upvotes: mr.upvotes,
          downvotes: mr.downvotes,
        }),
      }),
    ),
    ...project.pipelines.map((pipeline) => {
      const jobs = failedJobs(pipeline, ['FAILED', 'CANCELED']);
      const status = pipeline.status.toLowerCase();
      return row(`pipeline-${path}-${pipeline.id}`, `[Pipeline] ${signs[status] ?? '•'} ${pipeline.ref}`, {
        description: json({
          text: `Pipeline for ${pipeline.ref}`,
          labels: [],
          failed_jobs: jobs.map((job) => ({ name: job.name, status: job.status.toLowerCase(), started_at: null, finished_at: null })),
          related_events: [],
        }),
        author: pipeline.user ?? 'unknown',
        timestamp: restTime(pipeline.updatedAt),
        url: `${url}/-/pipelines/${pipeline.id}`,
        status,
        metadata: json({
          project: path,
          pipeline_id: pipeline.id,
          ref: pipeline.ref,
          sha: pipeline.sha.slice(0, 7),
          source: pipeline.source.toLowerCase(),
          duration_seconds: pipeline.duration,
          failed_jobs_count: jobs.length,
        }),
      });
    }),
    ...project.releases.map((release) =>
      row(`release-${path}-${release.tag}`, `[Release] ${release.name}`, {
        description: json({ text: release.description, assets: release.links.map(({ name }) => name), related_events: [] }),
        author: release.author ?? 'unknown',
        timestamp: restTime(release.releasedAt),
        url: `${url}/-/releases/${release.tag}`,
        status: 'published',
        metadata: json({ project: path, tag_name: release.tag }),
      }),
    ),
    ...commitsOf(project).map((commit) =>
      row(`commit-${path}-${commit.sha}`, `[Commit] ${commit.title}`, {
        description: json({ text: commit.message, labels: [], files_changed: ['README.md'], related_events: [] }),
        author: commit.authorName,
        timestamp: restTime(commit.committedAt),
        url: `${url}/-/commit/${commit.sha}`,
        status: 'committed',
        metadata: json({
          project: path,
          branch: 'main',
          sha: commit.sha,
          additions: commit.additions,
          deletions: commit.deletions,
          total_changes: commit.additions + commit.deletions,
        }),
      }),
    ),
    ...imagesOf(project).map(({ repository, tag }) =>
      row(`registry-${repository.path}-${tag}-`, `[Image] ${repository.path}:${tag}`, {
        description: json({ text: `Image: ${repository.path}`, labels: [tag], metadata: { registry: 'gitlab' }, related_events: [] }),
        author: 'unknown',
        timestamp: new Date().toISOString(),
        url: `${repository.location}:${tag}`,
        status: 'published',
        metadata: json({
          registry: 'gitlab',
          repository_path: repository.path,
          repository_id: repository.id,
          image: repository.path,
          tag,
          tags: [tag],
          digest: '',
          revision: '',
          size_bytes: 0,
          project_id: String(project.id),
        }),
      }),
    ),
  ];
}

/** What the connector of 0.2 stores of a project, with the branch main. `typed`: what somebody has typed for the project. */
function rowsOf02(project: FakeProject, typed: string): Row[] {
  const url = `${fakeUrl}/${project.fullPath}`;
  const common = (author: string, more: object = {}) => json({ project_id: typed, author, ...more });
  const row = (event_type: string, external_id: string, rest: Row): Row => ({
    event_type,
    external_id,
    updated_at: new Date().toISOString(),
    ...rest,
  });
  return [
    ...project.mergeRequests.map((mr) =>
      row('MR', `mr-${typed}-${mr.iid}`, {
        title: `[MR] ${mr.title}`,
        description: mr.description ?? '',
        timestamp: restTime(mr.updatedAt),
        url: `${url}/-/merge_requests/${mr.iid}`,
        status: mr.state,
        metadata: common(mr.author ?? 'unknown', { labels: mr.labels, files_changed: mr.files.map((file) => file.path) }),
        event_metadata: json({
          mr_iid: mr.iid,
          merged: mr.mergedAt !== null,
          source_branch: mr.sourceBranch,
          target_branch: mr.targetBranch,
          approved_by: mr.approvedBy,
          approvals_count: mr.approvedBy.length,
          upvotes: mr.upvotes,
          downvotes: mr.downvotes,
          user_notes_count: mr.notes,
        }),
      }),
    ),
    ...project.pipelines.map((pipeline) => {
      const names = failedJobs(pipeline, ['FAILED']).map(({ name }) => name);
      return row('Pipeline', `pipeline-${typed}-${pipeline.id}`, {
        title: `[Pipeline] ${pipeline.ref}`,
        description: `Pipeline ${pipeline.status.toLowerCase()}`,
        timestamp: restTime(pipeline.updatedAt),
        url: `${url}/-/pipelines/${pipeline.id}`,
        status: pipeline.status.toLowerCase(),
        // GitLab's list of pipelines names no user and no duration.
        metadata: common('unknown'),
        event_metadata: json({
          pipeline_id: pipeline.id,
          ref: pipeline.ref,
          sha: pipeline.sha,
          source: pipeline.source.toLowerCase(),
          status: pipeline.status.toLowerCase(),
          duration: 0,
          failed_jobs_count: names.length,
          failed_jobs_detail: names,
        }),
      });
    }),
    ...commitsOf(project).map((commit) =>
      row('Commit', `commit-${typed}-${commit.sha}`, {
        title: `[Commit] ${commit.title}`,
        description: commit.message,
        timestamp: restTime(commit.committedAt),
        url: `${url}/-/commit/${commit.sha}`,
        status: 'committed',
        metadata: common(commit.authorName),
        event_metadata: json({
          sha: commit.sha,
          short_id: commit.sha.slice(0, 8),
          branch: 'main',
          stats: { additions: commit.additions, deletions: commit.deletions, total: commit.additions + commit.deletions },
        }),
      }),
    ),
    ...project.releases.map((release) =>
      row('Release', `release-${typed}-${release.tag}`, {
        title: `[Release] ${release.name}`,
        description: release.description,
        timestamp: restTime(release.releasedAt),
        url: `${fakeUrl}/api/v4/projects/${project.id}/releases/${release.tag}`,
        status: 'published',
        metadata: common(release.author ?? 'unknown', { assets: release.links.map(({ name }) => name) }),
        event_metadata: json({ tag_name: release.tag, upcoming_release: false }),
      }),
    ),
    ...imagesOf(project).map(({ repository, tag }) =>
      row('Image', `image-${typed}-${repository.id}-${tag}`, {
        title: `[Image] ${repository.path}:${tag}`,
        description: 'Container image published to GitLab Container Registry',
        timestamp: new Date().toISOString(),
        url: `${repository.location}:${tag}`,
        status: 'published',
        metadata: json({ registry: 'gitlab', author: 'unknown' }),
        event_metadata: json({
          image: repository.path,
          repository_id: repository.id,
          tag_name: tag,
          digest: '',
          revision: '',
          total_size: 0,
          location: `${repository.location}:${tag}`,
        }),
      }),
    ),
  ];
}

/** The commits of main, the first one first. */
function commitsOf({ git }: FakeProject) {
  const commits = [];
  for (let sha = git.branches.get('main'); sha; sha = git.commits.get(sha)?.parents[0]) {
    const commit = git.commits.get(sha);
    if (commit) commits.unshift(commit);
  }
  return commits;
}

const imagesOf = ({ imageRepositories }: FakeProject) =>
  imageRepositories.flatMap((repository) => [...repository.tags.keys()].map((tag) => ({ repository, tag })));

/** What PainChain's own connector reads. */
interface PainchainPass {
  /** Null: the stand-alone connector of 0.1. */
  readonly connectionId: number | null;
  readonly project: FakeProject;
  /** What somebody has typed for the project. 0.1 looks up the path. */
  readonly typed?: string;
  /** So many rows are stored already. */
  readonly after?: number;
}

/** Stores what PainChain's own connector stores of a project. Resolves to how many rows that is. */
export async function storeAsPainchain(
  em: SqlEntityManager,
  version: PainchainVersion,
  { connectionId, project, typed = project.fullPath, after = 0 }: PainchainPass,
): Promise<number> {
  const rows = version === '0.1' ? rowsOf01(project) : rowsOf02(project, typed);
  for (const row of rows.slice(after)) {
    const columns = Object.entries({ connection_id: connectionId, source: 'gitlab', ...row });
    await em.fork().execute(
      `insert into change_events (${columns.map(([name]) => `"${name}"`).join(', ')}) values (${columns.map(([name]) => (/timestamp|_at$/.test(name) ? `?::timestamptz at time zone 'UTC'` : '?')).join(', ')})`,
      columns.map(([, value]) => value),
    );
  }
  return rows.length - after;
}

/** The ids that PainChain's own connector looks for before it adds a row. */
export const painchainIds = (version: PainchainVersion, project: FakeProject, typed: string): string[] =>
  (version === '0.1' ? rowsOf01(project) : rowsOf02(project, typed)).map((row) => String(row['event_id'] ?? row['external_id']));

/** Adds a connection, as PainChain's form does. */
export async function addPainchainConnection(em: SqlEntityManager, type: string, config: object, tags = ''): Promise<number> {
  const [row] = await em
    .fork()
    .execute<Array<{ id: number }>>(
      `insert into connections (name, type, config, enabled, tags, updated_at) values (?, ?, ?, true, ?, now() at time zone 'UTC') returning id`,
      [`Company ${type}`, type, json(config), tags],
    );
  return row?.id ?? 0;
}
