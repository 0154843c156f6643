import { describe, expect, test } from 'vitest';
import type { NewestTags } from '../../src/gitlab/registry-tags.ts';
import { askedForNewest, tagFrontier } from '../../src/streams/newest-tags.ts';
import type { Page, StreamContext } from '../../src/streams/stream.ts';
import { tagPages } from '../../src/streams/tag-walk.ts';
import type { WalkState } from '../../src/walk-state.ts';

const options = { imageArtifacts: false };
const newest: NewestTags = { tags: [{ name: 'latest', digest: 'sha256:1', publishedAt: new Date('2026-11-23T08:00:00Z') }], areAll: true };
const moved: NewestTags = { ...newest, tags: newest.tags.map((tag) => ({ ...tag, digest: 'sha256:2' })) };
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
      for await (const page of tagPages(context as StreamContext, repository, 5)) found.push(page);
      return found;
    };
    expect(await pages(newest)).toEqual([{ events: [], end: { outcome: 'ok' } }]);
    await expect(pages(moved)).rejects.toThrow('looked up');
  });
});
