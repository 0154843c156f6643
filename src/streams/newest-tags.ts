import { createHash } from 'node:crypto';
import type { NewestTag, NewestTags } from '../gitlab/registry-tags.ts';
import type { TagLook, WalkState } from '../walk-state.ts';
import type { StreamOptions } from './stream.ts';
import { overlapMs } from './watermark.ts';

/**
 * The frontier of a container repository: its id, whether artifacts count as images, and what GitLab said of its newest tags when all of them were
 * stored. There is none where GitLab does not know when a tag was pushed.
 */
export function tagFrontier(repositoryId: number, { imageArtifacts }: Pick<StreamOptions, 'imageArtifacts'>, newest?: NewestTags): string {
  const said = newest ? createHash('sha256').update(JSON.stringify(newest)).digest('base64url').slice(0, 22) : '';
  return `${repositoryId} ${imageArtifacts ? 'all' : 'images'} ${said}`;
}

/** The container repository whose newest tags tell whether there is anything to read; null when its names are listed. */
export function askedForNewest(state: WalkState | undefined, options: Pick<StreamOptions, 'imageArtifacts'>): number | null {
  // A walk that was stopped may have left tags unread that are not the newest.
  if (!state?.frontier || state.walkStartedAt || (state.outcome !== 'ok' && state.outcome !== 'partial')) return null;
  const repositoryId = Number.parseInt(state.frontier, 10);
  return state.frontier.startsWith(tagFrontier(repositoryId, options)) ? repositoryId : null;
}

/** What is known of a repository's tags, without those that are not read. */
export interface KnownTags {
  readonly known: readonly TagLook[];
  /** When the walk before was. */
  readonly before: Date;
  readonly isImage: (name: string) => boolean;
  readonly isWaiting: (name: string) => boolean;
}

/** What the newest tags say beside what is known. */
export interface TagNews {
  /** The newest tags that are read. */
  readonly shown: readonly NewestTag[];
  /** Names of those that are new, or point to another image. */
  readonly pushed: ReadonlySet<string>;
  /** Whether every tag is among them that was pushed since the walk before: new and moved tags lead the list. */
  readonly areAllPushed: boolean;
  /** Whether a tag is gone. */
  readonly isGone: boolean;
  /** Tags that were left out, with their digests, which were not known. */
  readonly noted: readonly TagLook[];
}

/** Compares GitLab's list of the newest tags with what is known. */
export function newsOf({ tags, areAll }: NewestTags, { known, before, isImage, isWaiting }: KnownTags): TagNews {
  const looks = new Map(known.map((look) => [look.name, look]));
  const since = before.getTime() - overlapMs;
  const shown = tags.filter(({ name }) => isImage(name));
  const isPushed = ({ name, digest, publishedAt }: NewestTag): boolean => {
    const look = looks.get(name);
    if (!look) return true;
    if (look.isBroken && (digest === null || isWaiting(name))) return false;
    if (look.digest === null && look.isLeftOut) return publishedAt.getTime() >= since;
    return look.digest !== digest;
  };
  const pushed = new Set(shown.filter(isPushed).map(({ name }) => name));
  const last = shown.at(-1);
  const names = new Set(shown.map(({ name }) => name));
  return {
    shown,
    pushed,
    areAllPushed: areAll || (last !== undefined && !pushed.has(last.name) && last.publishedAt.getTime() < since),
    isGone: areAll && known.some(({ name }) => !names.has(name)),
    noted: shown.flatMap(({ name, digest }) => {
      const look = looks.get(name);
      return look?.isLeftOut && look.digest === null && digest !== null && !pushed.has(name) ? [{ ...look, digest }] : [];
    }),
  };
}
