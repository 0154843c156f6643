import type { TagDetail } from '../gitlab/registry-tags.ts';
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

/** Since when a tag points to its image, and to which one it pointed before. Null: not known. */
export interface TagPush {
  readonly pushedAt: Date | null;
  readonly previousDigest: string | null;
  /** When GitLab was asked, by its clock. */
  readonly seenAt: Date;
}

/** Where a tag of a container repository is. */
interface TagPlace {
  readonly repository: ImageRepository;
  readonly project: EventProject;
}

/** A tag of a container repository with the image it points to as an event: `[Image] {repository path}:{tag}`. Each push is an event. */
export function registryImageToEvent(tag: TagDetail, { repository, project }: TagPlace, push: TagPush): ChangeEvent {
  const { pushedAt, previousDigest, seenAt } = push;
  const digest = tag.digest ?? '';
  // The registry's clock may be ahead of GitLab's.
  const publishedAt = new Date(tag.published_at ?? 0);
  const createdAt = buildTime(tag.created_at, publishedAt > seenAt ? publishedAt : seenAt);
  const size = tag.total_size ? { size: readableSize(tag.total_size) } : {};
  const id = (suffix: string) => `registry-${eventRepositoryPath(repository, project)}-${tag.name}-${suffix}`;
  const lines = ['Container image pushed to GitLab Container Registry', `Image: ${repository.path}`, `Tag: ${tag.name}`];
  if (size.size) lines.push(`Size: ${size.size}`);
  if (digest) lines.push(`Digest: ${digest}`);
  return {
    eventId: id(digest),
    // PainChain 0.1 put no digest into the id (in practice always), or the first 12 characters of the digest; 0.2 has one row for each tag.
    formerEventIds: [...(digest ? [id(''), id(digest.slice(0, 12))] : []), `image-${project.eventPath}-${repository.id}-${tag.name}`],
    title: `[Image] ${repository.path}:${tag.name}`,
    description: {
      text: lines.join('\n'),
      labels: [tag.name],
      metadata: { registry: 'gitlab', image: repository.path, digest_short: shortDigest(digest), ...size },
      related_events: [],
    },
    author: unknownAuthor,
    timestamp: pushedAt ?? createdAt,
    statusSince: pushedAt,
    // A browser cannot open the location. The page of the repository lists its tags.
    url: `${project.webUrl}/-/container_registry/${repository.id}`,
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
      location: tag.location ?? `${repository.location}:${tag.name}`,
      image_created_at: createdAt?.toISOString() ?? null,
      pushed_at: pushedAt?.toISOString() ?? null,
      previous_digest: previousDigest,
      is_current: true,
    },
    identifiedBy: ['tag', 'pushed_at'],
    linkKeys: tagKeys(tag.name),
  };
}

/** Reproducible builds date their images to the beginning of a clock: of Unix, or of the ZIP format on 1980-01-01. */
const earliestBuild = Date.UTC(1980, 0, 2);
/** GitLab's clock, by which it is seen, shows whole seconds, and a builder's clock may be ahead. */
const tolerance = 60_000;

/** When an image was built, in whole seconds as GraphQL has it; null when that time is impossible. */
function buildTime(text: string | null | undefined, now: Date): Date | null {
  const time = new Date(Math.floor(new Date(text ?? Number.NaN).getTime() / 1000) * 1000);
  return time.getTime() >= earliestBuild && time.getTime() <= now.getTime() + tolerance ? time : null;
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
