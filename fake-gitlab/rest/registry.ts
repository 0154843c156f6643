import type { FakeProject } from '../world/project.ts';
import type { FakeImageRepository } from '../world/records.ts';
import { restTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import { subjectOf } from '../world/subjects.ts';
import { poisonedObject } from './poisoned.ts';
import { forbidden, notFound, offsetOf, offsetPage } from './reply.ts';
import type { RestReply } from './reply.ts';

interface TagsRequest {
  readonly world: World;
  readonly project: FakeProject;
  readonly repositoryId: number;
  readonly url: URL;
}

/** `GET /projects/:id/registry/repositories` */
export function listImageRepositories(project: FakeProject, url: URL): RestReply {
  if (!project.features.registry || project.role !== 'reporter') return forbidden;
  const toBody = ({ id, name, path, location, createdAt }: FakeImageRepository) => ({
    id,
    name,
    path,
    project_id: project.id,
    location,
    created_at: restTime(createdAt),
  });
  const faults = { poisons: project.poisons, toSubject: subjectOf(project).containerRepository };
  return offsetPage(url, project.imageRepositories, { counts: true, toBody, faults });
}

/** `GET /projects/:id/registry/repositories/:repository_id/tags`: names only, by name. */
export function listTags({ world, project, repositoryId, url }: TagsRequest): RestReply {
  const repository = readable(project, repositoryId);
  if ('status' in repository) return repository;
  const names = [...repository.tags.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  if (url.searchParams.get('pagination') !== 'keyset')
    return offsetPage(url, names, { counts: true, largestPage: project.largestPage, toBody: (name) => tagBody(repository, name) });
  if (!world.hasRegistryMetadata)
    return { status: 405, body: { error: 'Keyset pagination is not yet available for this type of request' } };
  const after = url.searchParams.get('last') ?? '';
  const rest = names.filter((name) => name > after);
  const page = rest.slice(0, offsetOf(url, project.largestPage).perPage);
  const next = new URL(url);
  next.searchParams.set('last', page.at(-1) ?? '');
  const link = rest.length > page.length ? { link: `<${next.href}>; rel="next"` } : {};
  return { status: 200, body: page.map((name) => tagBody(repository, name)), headers: link };
}

/** `GET …/tags/:name` */
export function describeTag({ world, project, repositoryId }: Omit<TagsRequest, 'url'>, name: string): RestReply {
  const repository = readable(project, repositoryId);
  if ('status' in repository) return repository;
  const tag = world.hasRegistryMetadata && !isAmongFirstMatches(repository, name) ? undefined : repository.tags.get(name);
  if (!tag || tag.isBroken) return notFound('Tag ');
  if (tag.isMultiArch && world.multiArchDetails === 'not-found') return notFound('Tag ');
  if (tag.isMultiArch && world.multiArchDetails === 'error-500') return { status: 500, body: { message: '500 Internal Server Error' } };
  const body = {
    ...tagBody(repository, name),
    revision: tag.revision,
    short_revision: tag.revision.slice(0, 9),
    digest: tag.digest,
    created_at: tag.createdAt === null ? null : restTime(tag.createdAt),
    total_size: tag.totalSize,
  };
  return poisonedObject({ status: 200, body }, project.poisons, subjectOf(project).tag(repository, name));
}

const detailMatches = 100;

/** With a metadata database GitLab searches a tag only among the first 100 tags, by name, that contain the requested name. */
function isAmongFirstMatches({ tags }: FakeImageRepository, name: string): boolean {
  const matches = [...tags.keys()].filter((other) => other.includes(name)).toSorted((a, b) => (a < b ? -1 : 1));
  return matches.slice(0, detailMatches).includes(name);
}

function readable(project: FakeProject, repositoryId: number): FakeImageRepository | RestReply {
  if (!project.features.registry || project.role !== 'reporter') return forbidden;
  return project.imageRepositories.find(({ id }) => id === repositoryId) ?? notFound('');
}

const tagBody = (repository: FakeImageRepository, name: string) => ({
  name,
  path: `${repository.path}:${name}`,
  location: `${repository.location}:${name}`,
});
