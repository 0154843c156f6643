import type { World } from '../world/world.ts';
import { forbidden, notFound, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

/** A webhook as it is set up, with GitLab's names. Versions before 15 have no `alert_status`, and versions before 13.7 no `releases_events`. */
export interface FakeWebhook {
  /** Parts in braces stand for what GitLab hides. */
  readonly url: string;
  readonly push_events?: boolean;
  readonly tag_push_events?: boolean;
  readonly merge_requests_events?: boolean;
  readonly pipeline_events?: boolean;
  readonly releases_events?: boolean;
  readonly deployment_events?: boolean;
  readonly alert_status?: 'executable' | 'disabled' | 'temporarily_disabled';
}

/** `GET /projects/:id/hooks` and `GET /groups/:id/hooks`: for a maintainer of the project, an owner of the group. The Community Edition has none of groups. */
export function listWebhooks({ webhooks, version }: World, of: 'project' | 'group', { path, url }: { path: string; url: URL }): RestReply {
  if (of === 'group' && !version.endsWith('-ee')) return { status: 404, body: { error: '404 Not Found' } };
  const rows = webhooks.get(path);
  if (!rows) return forbidden;
  return offsetPage(url, rows, { counts: true, toBody: (row) => ({ id: rows.indexOf(row) + 1, ...row, url_variables: [] }) });
}

/** `GET /groups/:id/hooks`, where the group may be none. */
export function listGroupWebhooks(world: World, url: URL, group: string): RestReply {
  const isGroup = world.visibleProjects.some(({ fullPath }) => fullPath.startsWith(`${group}/`));
  return isGroup ? listWebhooks(world, 'group', { path: group, url }) : notFound('Group ');
}
