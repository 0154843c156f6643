import type { FakeProject } from '../world/project.ts';
import type { FakeCommit } from '../world/repository.ts';
import { parseTime, restTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import { subjectOf } from '../world/subjects.ts';
import { poisonedObject } from './poisoned.ts';
import { forbidden, notFound, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

interface CommitRequest {
  readonly url: URL;
  /** URL of the project's page. */
  readonly projectUrl: string;
}

/** `GET /projects/:id/repository/commits` */
export function listCommits(world: World, project: FakeProject, url: URL, projectUrl: string): RestReply {
  if (!project.features.repository || !project.git.exists) return notFound('Repository ');
  if (project.role !== 'reporter') return forbidden;
  const nothing = () => offsetPage(url, [], { counts: false, toBody: () => null });
  if (project.git.commits.size === 0) return world.emptyRepository === 'empty' ? nothing() : notFound('Repository ');
  const [since, until] = ['since', 'until'].map((name) => {
    const text = url.searchParams.get(name);
    return text ? parseTime(text) : undefined;
  });
  if (Number.isNaN(since)) return { status: 400, body: { error: 'since is invalid' } };
  if (Number.isNaN(until)) return { status: 400, body: { error: 'until is invalid' } };
  const commits = project.git.log(url.searchParams.get('ref_name') ?? 'main', { since, until });
  if (!commits) return world.unknownRef === 'empty' ? nothing() : notFound('');
  const withStats = url.searchParams.get('with_stats') === 'true';
  const toBody = (commit: FakeCommit) => commitBody(commit, projectUrl, withStats);
  const faults = { poisons: project.poisons, toSubject: subjectOf(project).commit };
  return offsetPage(url, commits, { counts: false, largestPage: project.largestPage, toBody, faults });
}

/** `GET /projects/:id/repository/commits/:sha`: any commit that the repository still has, on a branch or not. With stats by default. */
export function describeCommit(project: FakeProject, sha: string, { url, projectUrl }: CommitRequest): RestReply {
  if (!project.features.repository) return notFound('Repository ');
  if (project.role !== 'reporter') return forbidden;
  const commit = project.git.commits.get(project.git.resolve(sha) ?? '');
  if (!commit) return notFound('Commit ');
  const body = commitBody(commit, projectUrl, url.searchParams.get('stats') !== 'false');
  return poisonedObject({ status: 200, body }, project.poisons, subjectOf(project).commit(commit));
}

function commitBody(commit: FakeCommit, projectUrl: string, withStats: boolean) {
  const { additions, deletions } = commit;
  return {
    id: commit.sha,
    short_id: commit.sha.slice(0, 8),
    created_at: restTime(commit.committedAt),
    parent_ids: commit.parents,
    title: commit.title,
    message: commit.message,
    author_name: commit.authorName,
    author_email: 'someone@example.com',
    authored_date: restTime(commit.authoredAt),
    committer_name: commit.authorName,
    committer_email: 'someone@example.com',
    committed_date: restTime(commit.committedAt),
    trailers: {},
    web_url: `${projectUrl}/-/commit/${commit.sha}`,
    ...(withStats ? { stats: { additions, deletions, total: additions + deletions } } : {}),
  };
}
