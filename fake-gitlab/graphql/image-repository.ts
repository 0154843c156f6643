import { GraphQLError } from 'graphql';
import type { FakeProject } from '../world/project.ts';
import type { FakeImageRepository, FakeTag } from '../world/records.ts';
import { subjectOf } from '../world/subjects.ts';
import { graphqlTime } from '../world/time.ts';
import type { World } from '../world/world.ts';
import type { PageArgs } from './connections.ts';
import { subject } from './poisoned.ts';

interface TagArgs extends PageArgs {
  readonly sort?: 'NAME_ASC' | 'NAME_DESC' | 'PUBLISHED_AT_ASC' | 'PUBLISHED_AT_DESC' | null;
  readonly name?: string | null;
}

const largestPage = 20;

type Row = readonly [name: string, tag: FakeTag];

const byName = ([a]: Row, [b]: Row) => (a < b ? -1 : 1);

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
      const rows = matching.toSorted(byName).toSorted(byPublication(sort));
      if (sort === 'NAME_DESC') rows.reverse();
      const start = after ? placeAfter(rows, after) : 0;
      const page = rows.slice(start, start + Math.min(first ?? largestPage, largestPage));
      const last = page.at(-1);
      return {
        nodes: page.map(toNode),
        pageInfo: { hasNextPage: start + page.length < rows.length, endCursor: last ? encode(last[0]) : null },
      };
    },
  };
}

function byPublication(sort: TagArgs['sort']) {
  return ([, a]: Row, [, b]: Row): number => {
    if (sort === 'PUBLISHED_AT_ASC') return a.publishedAt - b.publishedAt;
    return sort === 'PUBLISHED_AT_DESC' ? b.publishedAt - a.publishedAt : 0;
  };
}

const encode = (name: string) => Buffer.from(name).toString('base64');

/** The registry's cursor is the name of the last tag. When this tag is deleted or moves, the list ends early, or repeats a part. */
function placeAfter(rows: readonly Row[], cursor: string): number {
  const name = Buffer.from(cursor, 'base64').toString();
  const place = rows.findIndex(([other]) => other === name);
  if (place < 0) throw new GraphQLError('Please provide a valid cursor');
  return place + 1;
}

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
