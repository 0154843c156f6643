import { describe, expect, test } from 'vitest';
import type { NewestTags } from '../../src/gitlab/registry-tags.ts';
import { askedForNewest, newsOf, tagFrontier } from '../../src/streams/newest-tags.ts';
import type { Page, StreamContext } from '../../src/streams/stream.ts';
import { tagPages } from '../../src/streams/tag-walk.ts';
import type { WalkState } from '../../src/walk-state.ts';

const options = { imageArtifacts: false };
const newest: NewestTags = { tags: [{ name: 'latest', digest: 'sha256:1', publishedAt: new Date('2026-11-23T08:00:00Z') }], areAll: true };
const moved: NewestTags = { ...newest, tags: newest.tags.map((tag) => ({ ...tag, digest: 'sha256:2' })) };
const stored = { inserted: 0, updated: 0 };
const state = (more: Partial<WalkState> = {}) =>
  ({ outcome: 'ok', frontier: tagFrontier(7, options, newest), walkStartedAt: null, ...more }) as WalkState;

describe('a container repository', () => {
  test('is asked for its newest tags only where a whole walk has shown that GitLab says them', () => {
    expect(askedForNewest(state(), options)).toBe(7);
    expect(askedForNewest(state({ outcome: 'partial', frontier: tagFrontier(7, options) }), options)).toBe(7);
    expect(askedForNewest(undefined, options)).toBeNull();
    expect(askedForNewest(state({ frontier: null }), options)).toBeNull();
    expect(askedForNewest(state({ walkStartedAt: new Date() }), options)).toBeNull();
    expect(askedForNewest(state({ outcome: 'failed' }), options)).toBeNull();
    // Artifacts that were not read are not among the known tags.
    expect(askedForNewest(state(), { imageArtifacts: true })).toBeNull();
  });

  test('of which GitLab says the same again is not looked up in the database', async () => {
    const pages = async (said: NewestTags) => {
      const context: Partial<StreamContext> = {
        options: { ...options, branches: [], depth: { since: null, rows: null }, tagLimit: 100, tagChecks: 5 },
        seenAt: new Date('2026-11-23T09:00:00Z'),
        state: () => state(),
        newestTags: () => Promise.resolve(said),
        readTags: () => Promise.reject(new Error('looked up')),
      };
      const found: Page[] = [];
      const repository = { id: 7, name: 'web', path: 'acme/shop/web', location: 'registry.example.com/acme/shop/web' };
      const walk = tagPages(context as StreamContext, repository, 5);
      for (let step = await walk.next(stored); !step.done; step = await walk.next(stored)) found.push(step.value);
      return found;
    };
    expect(await pages(newest)).toEqual([{ events: [], end: { outcome: 'ok' } }]);
    await expect(pages(moved)).rejects.toThrow('looked up');
  });
});

describe('a list of the newest tags', () => {
  const look = { repositoryId: 7, lookedAt: null, isLeftOut: false, isBroken: false, pushedAt: null, previousDigest: null };
  const known = ['a', 'b'].map((name) => ({ ...look, name, digest: `sha256:${name}` }));
  const news = (last: string) =>
    newsOf(
      {
        tags: [
          { name: 'a', digest: 'sha256:new', publishedAt: new Date('2026-11-23T09:00:00Z') },
          { name: 'b', digest: 'sha256:b', publishedAt: new Date(last) },
        ],
        areAll: false,
      },
      { known, before: new Date('2026-11-23T08:30:00Z'), isImage: () => true, isWaiting: () => false },
    );

  test('has all that were pushed when its last one is older than the walk before; one that moved away and back is not', () => {
    expect(news('2026-11-23T08:00:00Z')).toMatchObject({ areAllPushed: true, pushed: new Set(['a']) });
    expect(news('2026-11-23T08:45:00Z')).toMatchObject({ areAllPushed: false, pushed: new Set(['a']) });
    // Within the overlap.
    expect(news('2026-11-23T08:29:30Z')).toMatchObject({ areAllPushed: false });
  });
});
