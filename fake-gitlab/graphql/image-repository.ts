import type { FakeProject } from '../world/project.ts';
import type { FakeImageRepository, FakeTag } from '../world/records.ts';
import { subjectOf } from '../world/subjects.ts';
import { cursorTime, graphqlTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import type { PageArgs } from './connections.ts';
import { subject } from './poisoned.ts';

interface TagArgs extends PageArgs {
  readonly sort?: 'NAME_ASC' | 'NAME_DESC' | 'PUBLISHED_AT_ASC' | 'PUBLISHED_AT_DESC' | null;
  readonly name?: string | null;
}

const largestPage = 20;

type Row = readonly [name: string, tag: FakeTag];

/** `Query.containerRepository`: a repository with its tags, of which a page holds 20 at most. */
export function imageRepositoryDetails(world: World, project: FakeProject, repository: FakeImageRepository) {
  const { id, name, path, location, tags } = repository;
  const of = subjectOf(project);
  const toNode = ([tagName, tag]: Row) => ({ [subject]: of.tag(repository, tagName), ...tagNode(world, repository, [tagName, tag]) });
  return {
    [subject]: of.containerRepository(repository),
    id: `gid://gitlab/ContainerRepository/${id}`,
    name,
    path,
    location,
    tagsCount: tags.size,
    tags: ({ sort, name: part, first, after }: TagArgs) => {
      const matching = [...tags].filter(([tagName]) => !part || tagName.includes(part));
      const rows = inOrder(matching, sort);
      const start = after ? rows.findIndex((row) => isBehind(row, keyIn(after, sort), sort)) : 0;
      const page = start < 0 ? [] : rows.slice(start, start + Math.min(first ?? largestPage, largestPage, project.largestPage));
      const last = page.at(-1);
      const hasNextPage = start + page.length < rows.length && page.length > 0;
      // The registry has a cursor only where a page follows.
      return { nodes: page.map(toNode), pageInfo: { hasNextPage, endCursor: last && hasNextPage ? cursorOf(last, sort) : null } };
    },
  };
}

type Sort = TagArgs['sort'];

const isByTime = (sort: Sort): boolean => sort === 'PUBLISHED_AT_ASC' || sort === 'PUBLISHED_AT_DESC';
const isDescending = (sort: Sort): boolean => sort === 'NAME_DESC' || sort === 'PUBLISHED_AT_DESC';

/** What the registry sorts by: the name, or the time and then the name. */
const keyOf = ([name, { publishedAt }]: Row, sort: Sort): string => (isByTime(sort) ? `${cursorTime(publishedAt)}|${name}` : name);

function inOrder(rows: readonly Row[], sort: Sort): Row[] {
  const sorted = rows.toSorted((a, b) => (keyOf(a, sort) < keyOf(b, sort) ? -1 : 1));
  return isDescending(sort) ? sorted.toReversed() : sorted;
}

/** The registry's cursor: the name of the last tag, and in a list by time its time with it, encoded. A tag of this name need not exist. */
const cursorOf = (row: Row, sort: Sort): string => (isByTime(sort) ? Buffer.from(keyOf(row, sort)).toString('base64') : keyOf(row, sort));
const keyIn = (cursor: string, sort: Sort): string => (isByTime(sort) ? Buffer.from(cursor, 'base64').toString() : cursor);

const isBehind = (row: Row, key: string, sort: Sort): boolean => (isDescending(sort) ? keyOf(row, sort) < key : keyOf(row, sort) > key);

function tagNode({ hasRegistryMetadata }: World, { path, location }: FakeImageRepository, [name, tag]: Row) {
  const { digest, revision, createdAt, publishedAt, totalSize, isBroken } = tag;
  return {
    name,
    path: `${path}:${name}`,
    location: `${location}:${name}`,
    digest: isBroken ? null : digest,
    revision: isBroken ? null : revision,
    shortRevision: isBroken ? null : revision.slice(0, 9),
    createdAt: isBroken || createdAt === null ? null : graphqlTime(createdAt),
    // Only the metadata database has this time, in whole seconds.
    publishedAt: hasRegistryMetadata ? graphqlTime(publishedAt) : null,
    totalSize: isBroken || totalSize === null ? null : String(totalSize),
  };
}
