import type { FakeProject } from '../world/project.ts';
import type { FakeCommit } from '../world/repository.ts';
import { restTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import { forbidden, notFound, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** `GET /projects/:id/repository/commits` */
export function listCommits(world: World, project: FakeProject, url: URL, projectUrl: string): RestReply {
  if (!project.features.repository) return notFound('Repository ');
  if (project.role !== 'reporter') return forbidden;
  if (project.git.commits.size === 0) return notFound('Repository ');
  const commits = project.git.log(url.searchParams.get('ref_name') ?? 'main');
  if (!commits) return world.unknownRef === 'empty' ? offsetPage(url, [], { counts: false }) : notFound('');
  const withStats = url.searchParams.get('with_stats') === 'true';
  return offsetPage(
    url,
    commits.map((commit) => commitBody(commit, projectUrl, withStats)),
    { counts: false },
  );
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
