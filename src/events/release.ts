import type { ReleaseFragment } from '../gitlab/generated/sdk.ts';
import type { ChangeEvent } from './change-event.ts';
import type { FieldUse } from './incomplete.ts';
import type { EventProject } from './event-project.ts';
import { shaKeys, tagKeys } from './link-keys.ts';
import { boundedText, presentNodes, unknownAuthor } from './text.ts';

/** The event id of the release of this tag. */
export const releaseEventId = ({ eventPath }: Pick<EventProject, 'eventPath'>, tagName: string): string =>
  `release-${eventPath}-${tagName}`;

/** What the fields of a release give, where the name does not say it. */
export const releaseFields: Readonly<Record<string, FieldUse>> = {
  author: { isAuthor: true },
  description: { metadata: ['truncated'], description: ['text'] },
  commit: { metadata: ['commit_sha'] },
  assets: { metadata: ['asset_links'], description: ['assets'] },
};

/**
 * A release as an event: `[Release] {name or tag}`. It is `upcoming` where somebody has set a time for it that is after `seenAt`; GitLab dates others
 * by the clock of a worker, which may be fast. Null when the token may not see the tag of the release, because the event would have no id.
 */
export function releaseToEvent(release: ReleaseFragment, project: EventProject, seenAt: Date): ChangeEvent | null {
  const { tagName } = release;
  const releasedAt = release.releasedAt ?? release.createdAt;
  if (!tagName) return null;
  const isUpcoming = releasedAt !== null && releasedAt !== release.createdAt && new Date(releasedAt) > seenAt;
  const { text, truncated } = boundedText(release.description);
  const links = presentNodes(release.assets?.links);
  return {
    eventId: releaseEventId(project, tagName),
    title: `[Release] ${release.name || tagName}`,
    description: { text, assets: links.map(({ name }) => name ?? ''), related_events: [] },
    author: release.author?.username ?? unknownAuthor,
    timestamp: releasedAt ? new Date(releasedAt) : null,
    url: `${project.webUrl}/-/releases/${encodeURIComponent(tagName)}`,
    status: isUpcoming ? 'upcoming' : 'published',
    metadata: {
      project: project.fullPath,
      tag_name: tagName,
      commit_sha: release.commit?.sha ?? null,
      created_at: release.createdAt,
      asset_links: links.map(({ name, url }) => ({ name: name ?? '', url: url ?? '' })),
      truncated,
    },
    identifiedBy: ['tag_name'],
    linkKeys: [...shaKeys(release.commit?.sha), ...tagKeys(tagName)],
  };
}
