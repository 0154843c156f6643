import { InvalidResponseError, NotFoundError } from '../errors.ts';
import type { GitlabRequestError } from '../errors.ts';
import type { Gitlab } from '../gitlab/client.ts';
import { mayBeOfARow } from '../gitlab/read-around.ts';
import { describedTags } from '../gitlab/registry-tags.ts';
import type { TagDetail, TagsToDescribe } from '../gitlab/registry-tags.ts';
import type { RepositoryRef } from '../gitlab/rest.ts';

/** A tag as GitLab describes it, or why GitLab does not. */
export type Described = { readonly name: string; readonly tag: TagDetail } | UndescribedTag;

/** A tag that GitLab could not describe. */
export interface UndescribedTag {
  readonly name: string;
  readonly error: GitlabRequestError;
}

/** The tags that GitLab could not describe. */
export const undescribed = (tags: readonly Described[]): UndescribedTag[] => tags.flatMap((one) => ('error' in one ? [one] : []));

/** Describes tags: pages of them where GitLab answers these quickly, and what is not in those with a request for each. */
export async function describeTags(gitlab: Gitlab, ref: RepositoryRef, tags: Omit<TagsToDescribe, 'repositoryId'>): Promise<Described[]> {
  const pages = await describedTags(gitlab, { ...tags, repositoryId: ref.repositoryId });
  const found = (name: string): Described[] => {
    const tag = pages.get(name);
    // REST says why a tag has no digest.
    return tag?.digest ? [{ name, tag }] : [];
  };
  const alone = await describeAlone(
    tags.names.filter((name) => found(name).length === 0),
    (name) => gitlab.rest.tag(ref, name),
  );
  const byName = new Map(alone.map((one) => [one.name, one]));
  return tags.names.flatMap((name) => byName.get(name) ?? found(name));
}

/** Without its digest nobody can say which image it is. */
function withDigest(name: string, tag: TagDetail): Described {
  if (tag.digest) return { name, tag };
  return { name, error: new InvalidResponseError(`GitLab does not say the digest of the tag ${name}`, { operation: 'GET tag' }) };
}

/**
 * The details of tags, or why GitLab cannot describe one: a deleted or broken one answers 404, and GitLab may fail on a single one for
 * ever. Throws what says nothing of a single tag.
 */
async function describeAlone(names: readonly string[], read: (name: string) => Promise<TagDetail>): Promise<Described[]> {
  const others: unknown[] = [];
  const described = await Promise.all(
    names.map((name) =>
      read(name).then(
        (tag) => [withDigest(name, tag)],
        (error: unknown) => {
          if (error instanceof NotFoundError || mayBeOfARow(error)) return [{ name, error }];
          others.push(error);
          return [];
        },
      ),
    ),
  );
  if (others.length > 0) throw others[0];
  return described.flat();
}

/** With a metadata database REST looks for a tag among so many tags that contain its name, in the order of the list. */
const searchedTags = 100;

/** A tag that GitLab lists and REST does not find because it does not look far enough is neither broken nor deleted: the reason says so. */
export function withReason(one: UndescribedTag, listed: readonly string[]): UndescribedTag {
  const { name, error } = one;
  if (!(error instanceof NotFoundError) || !listed.includes(name)) return one;
  const found = listed.filter((other) => other.includes(name)).indexOf(name);
  if (found < searchedTags) return one;
  const message = `GitLab's REST API finds a tag only among the first ${searchedTags} whose names contain its name: ${name} comes after ${found} others`;
  return { name, error: new NotFoundError(message, { operation: error.operation, status: 404 }) };
}
