import type { RestTagDetail } from '../gitlab/rest.ts';
import type { ChangeEvent } from './change-event.ts';
import type { EventProject } from './event-project.ts';
import { tagKeys } from './link-keys.ts';
import { unknownAuthor } from './text.ts';

/** A container repository of a project. `path` is the image's name without host and tag, `name` its part below the project's path. */
export interface ImageRepository {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly location: string;
}

/** A tag of a container repository with the image it points to as an event: `[Image] {repository path}:{tag}`. */
export function registryImageToEvent(tag: RestTagDetail, repository: ImageRepository, project: EventProject): ChangeEvent {
  const digest = tag.digest ?? '';
  const size = tag.total_size ? { size: readableSize(tag.total_size) } : {};
  const id = (suffix: string) => `registry-${eventRepositoryPath(repository, project)}-${tag.name}-${suffix}`;
  const lines = ['Container image pushed to GitLab Container Registry', `Image: ${repository.path}`, `Tag: ${tag.name}`];
  if (size.size) lines.push(`Size: ${size.size}`);
  if (digest) lines.push(`Digest: ${digest}`);
  return {
    eventId: id(digest),
    // The older connector put no digest into the id (in practice always), or the first 12 characters of the digest.
    formerEventIds: digest ? [id(''), id(digest.slice(0, 12))] : [],
    title: `[Image] ${repository.path}:${tag.name}`,
    description: {
      text: lines.join('\n'),
      labels: [tag.name],
      metadata: { registry: 'gitlab', image: repository.path, digest_short: shortDigest(digest), ...size },
      related_events: [],
    },
    author: unknownAuthor,
    timestamp: tag.created_at ? new Date(tag.created_at) : null,
    url: tag.location ?? `${repository.location}:${tag.name}`,
    status: 'published',
    metadata: {
      project: project.fullPath,
      registry: 'gitlab',
      repository_path: repository.path,
      repository_id: repository.id,
      image: repository.path,
      tag: tag.name,
      tags: [tag.name],
      digest,
      revision: tag.revision ?? '',
      size_bytes: tag.total_size ?? 0,
      project_id: String(project.id),
    },
    identifiedBy: 'tag',
    linkKeys: tagKeys(tag.name),
  };
}

/** The path of a repository, in lower case as in GitLab, but with the first path of the project in place of the current path. */
function eventRepositoryPath({ name }: ImageRepository, { eventPath }: EventProject): string {
  return [eventPath, name]
    .filter((part) => part !== '')
    .join('/')
    .toLowerCase();
}

/** The first 12 hexadecimal digits, as `docker images` shows them. */
const shortDigest = (digest: string) => digest.slice(digest.indexOf(':') + 1).slice(0, 12) || 'N/A';

function readableSize(bytes: number): string {
  const megabytes = bytes / 1024 ** 2;
  return megabytes < 1024 ? `${Number(megabytes.toFixed(2))}MB` : `${Number((megabytes / 1024).toFixed(2))}GB`;
}
