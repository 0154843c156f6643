import type { FakeProject } from '../world/project.ts';
import type { FakeRelease } from '../world/records.ts';
import { restTime } from '../world/time.ts';
import { subjectOf } from '../world/subjects.ts';
import { forbidden, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** `GET /projects/:id/releases`, last released first. */
export function listReleases(project: FakeProject, url: URL): RestReply {
  if (project.role !== 'reporter' || project.features.releases === false) return forbidden;
  const rows = project.releases.toSorted((a, b) => b.releasedAt - a.releasedAt || b.id - a.id);
  return offsetPage(url, rows, {
    counts: true,
    toBody: releaseBody,
    faults: { poisons: project.poisons, toSubject: subjectOf(project).release },
  });
}

const releaseBody = ({ tag, name, description, createdAt, releasedAt, author, sha, links }: FakeRelease) => ({
  tag_name: tag,
  name,
  description,
  created_at: restTime(createdAt),
  released_at: restTime(releasedAt),
  author: author && { username: author, name: author },
  commit: { id: sha, short_id: sha.slice(0, 8) },
  assets: { count: links.length, sources: [], links },
});
