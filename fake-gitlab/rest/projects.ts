import type { FakeProject } from '../world/project.ts';
import { restTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import { offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** `GET /projects`: by last activity or by id, newest first. */
export function listProjects({ visibleProjects }: World, url: URL, baseUrl: string): RestReply {
  const visible = visibleProjects.filter(({ isMember }) => isMember || url.searchParams.get('membership') !== 'true');
  const byActivity = url.searchParams.get('order_by') === 'last_activity_at';
  const rows = visible.toSorted((a, b) => (byActivity ? b.lastActivityAt - a.lastActivityAt : 0) || b.id - a.id);
  const toBody = ({ id, fullPath, createdAt, lastActivityAt }: FakeProject) => ({
    id,
    path_with_namespace: fullPath,
    web_url: `${baseUrl}/${fullPath}`,
    created_at: restTime(createdAt),
    last_activity_at: restTime(lastActivityAt),
  });
  return offsetPage(url, rows, { counts: true, toBody });
}
