import { describe, expect, test } from 'vitest';
import { commitToEvent } from '../../src/events/commit.ts';
import { mergeRequestToEvent } from '../../src/events/merge-request.ts';
import { pipelineToEvent } from '../../src/events/pipeline.ts';
import { registryImageToEvent } from '../../src/events/registry-image.ts';
import { releaseToEvent } from '../../src/events/release.ts';
import { boundedText, firstCharacters, textLimit } from '../../src/events/text.ts';
import { commit, mergeRequest, pipeline, project, release, tag } from './fixtures.ts';

describe('the event of a merge request', () => {
  test('has every field of the contract', () => {
    expect(mergeRequestToEvent(mergeRequest, project)).toEqual({
      eventId: 'mr-acme/shop-7',
      title: '[MR] Add a cart',
      description: {
        text: 'One cart for everybody',
        labels: ['frontend', 'shop'],
        files_changed: ['src/cart.ts', 'README.md'],
        related_events: [],
      },
      author: 'ada',
      timestamp: new Date('2026-11-23T08:00:00Z'),
      statusSince: new Date('2026-11-23T07:59:00Z'),
      url: 'https://gitlab.example.com/acme/shop/-/merge_requests/7',
      status: 'merged',
      metadata: {
        project: 'acme/shop',
        mr_iid: 7,
        merged: true,
        mergeable: true,
        source_branch: 'cart',
        target_branch: 'main',
        approved_by: ['bob', 'eve'],
        approved_count: 2,
        user_notes_count: 3,
        upvotes: 2,
        downvotes: 1,
        draft: false,
        created_at: '2026-11-20T08:00:00Z',
        merged_at: '2026-11-23T07:59:00Z',
        merged_by: 'grace',
        merge_commit_sha: 'a'.repeat(40),
        head_sha: 'b'.repeat(40),
        files_changed_total: 2,
        additions: 11,
        deletions: 2,
        truncated: false,
      },
      linkKeys: ['mr:7', `sha:${'a'.repeat(40)}`, 'short:aaaaaaaa'],
    });
  });

  test('lists the first 20 changed files, and counts all of them', () => {
    const diffStats = Array.from({ length: 33 }, (_, index) => ({ path: `f${index}`, additions: 1, deletions: 0 }));
    const { description, metadata } = mergeRequestToEvent({ ...mergeRequest, diffStats }, project);
    expect(description.files_changed).toHaveLength(20);
    expect(metadata).toMatchObject({ files_changed_total: 33, additions: 33 });
  });

  test('is complete without any field that GitLab may leave out', () => {
    const event = mergeRequestToEvent(
      {
        ...mergeRequest,
        state: 'opened',
        author: null,
        description: null,
        labels: null,
        approvedBy: null,
        diffStats: null,
        userNotesCount: null,
      },
      project,
    );
    expect(event).toMatchObject({
      author: 'unknown',
      url: 'https://gitlab.example.com/acme/shop/-/merge_requests/7',
      description: { text: '', labels: [], files_changed: [] },
      metadata: { merged: false, merged_by: null, approved_by: [], approved_count: 0, user_notes_count: 0, files_changed_total: 0 },
    });
  });

  test('keeps the id of its first path after a move', () => {
    const moved = { ...project, fullPath: 'new/place', webUrl: 'https://gitlab.example.com/new/place' };
    expect(mergeRequestToEvent(mergeRequest, moved)).toMatchObject({ eventId: 'mr-acme/shop-7', metadata: { project: 'new/place' } });
  });
});

describe('the event of a pipeline', () => {
  test('has every field of the contract', () => {
    expect(pipelineToEvent(pipeline, project)).toMatchObject({
      eventId: 'pipeline-acme/shop-9001',
      title: '[Pipeline] ✗ main',
      description: {
        text: 'Pipeline for main',
        labels: [],
        failed_jobs: [
          {
            name: 'unit',
            status: 'failed',
            started_at: '2026-11-23T08:01:00Z',
            finished_at: '2026-11-23T08:09:00Z',
            stage: 'test',
            allow_failure: false,
            failure_reason: 'There has been a script failure',
            url: 'https://gitlab.example.com/acme/shop/-/jobs/5',
          },
          { name: 'deploy', status: 'canceled', started_at: null, finished_at: null, allow_failure: true, url: null },
        ],
        related_events: [],
      },
      author: 'ada',
      timestamp: new Date('2026-11-23T08:10:00Z'),
      url: 'https://gitlab.example.com/acme/shop/-/pipelines/9001',
      status: 'failed',
      metadata: {
        project: 'acme/shop',
        pipeline_id: 9001,
        ref: 'main',
        sha: '0123456',
        source: 'push',
        duration_seconds: 595,
        failed_jobs_count: 2,
        warnings: [],
      },
    });
  });

  test.each([
    ['SUCCESS', '✓'],
    ['FAILED', '✗'],
    ['CANCELED', '⊗'],
    ['SKIPPED', '⊘'],
    ['MANUAL', '⊙'],
    ['RUNNING', '•'],
  ] as const)('in status %s has the sign %s', (status, sign) => {
    expect(pipelineToEvent({ ...pipeline, status }, project).title).toBe(`[Pipeline] ${sign} main`);
  });

  test('lists failed jobs only when the pipeline failed or was canceled', () => {
    expect(pipelineToEvent({ ...pipeline, status: 'SUCCESS' }, project)).toMatchObject({
      description: { failed_jobs: [] },
      metadata: { failed_jobs_count: 0, warnings: [] },
    });
    const nodes = (pipeline.jobs?.nodes ?? []).map((job) => job && { ...job, status: 'FAILED' as const });
    const jobs = pipeline.jobs && { ...pipeline.jobs, nodes };
    expect(pipelineToEvent({ ...pipeline, jobs, status: 'SUCCESS' }, project)).toMatchObject({
      description: { failed_jobs: [] },
      metadata: { failed_jobs_count: 0, warnings: ['deploy'] },
    });
    expect(pipelineToEvent({ ...pipeline, status: 'CANCELED' }, project).metadata.failed_jobs_count).toBe(2);
  });

  test('is complete without a user, a ref, a sha and jobs', () => {
    const event = pipelineToEvent({ ...pipeline, user: null, ref: null, sha: null, jobs: null, source: null, duration: null }, project);
    expect(event).toMatchObject({ author: 'unknown', title: '[Pipeline] ✗ ', metadata: { sha: '', duration_seconds: null, source: null } });
  });
});

describe('the event of a release', () => {
  const seenAt = new Date('2026-11-23T09:00:00Z');

  test('has every field of the contract', () => {
    expect(releaseToEvent(release, project, seenAt)).toMatchObject({
      eventId: 'release-acme/shop-v1.0',
      title: '[Release] First',
      description: { text: 'All of it', assets: ['shop.zip'], related_events: [] },
      author: 'grace',
      timestamp: new Date('2026-11-23T08:00:00Z'),
      url: 'https://gitlab.example.com/acme/shop/-/releases/v1.0',
      status: 'published',
      metadata: { project: 'acme/shop', tag_name: 'v1.0', commit_sha: 'c'.repeat(40) },
    });
  });

  test('has the tag as its title when the release has no name, and a valid URL when the tag has a slash', () => {
    expect(releaseToEvent({ ...release, name: '', tagName: 'web/v1' }, project, seenAt)).toMatchObject({
      eventId: 'release-acme/shop-web/v1',
      title: '[Release] web/v1',
      url: 'https://gitlab.example.com/acme/shop/-/releases/web%2Fv1',
    });
  });

  test('does not exist when the token may not see the tag', () => {
    expect(releaseToEvent({ ...release, tagName: null }, project, seenAt)).toBeNull();
  });
});

describe('the event of a commit', () => {
  test('has every field of the contract', () => {
    expect(commitToEvent(commit, 'main', project)).toMatchObject({
      eventId: `commit-acme/shop-${'d'.repeat(40)}`,
      title: '[Commit] Add a cart',
      description: { text: 'Add a cart\n\nWith wheels\n', labels: [], files_changed: [], related_events: [] },
      author: 'Ada Lovelace',
      timestamp: new Date('2026-11-23T07:00:00.500Z'),
      url: `https://gitlab.example.com/acme/shop/-/commit/${commit.id}`,
      status: 'committed',
      metadata: { project: 'acme/shop', branch: 'main', sha: 'd'.repeat(40), additions: 5, deletions: 3, total_changes: 8 },
    });
  });

  test('has the first 100 characters of the commit’s title, and never half of a character', () => {
    const { title } = commitToEvent({ ...commit, title: `${'x'.repeat(99)}🚀🚀` }, 'main', project);
    expect(title).toBe(`[Commit] ${'x'.repeat(99)}🚀`);
  });
});

describe('the event of a registry image', () => {
  const repository = { id: 5, name: 'web', path: 'acme/shop/web', location: 'registry.example.com/acme/shop/web' };
  const place = { repository, project };
  const push = { pushedAt: null, previousDigest: null, seenAt: new Date('2026-11-24T08:00:00Z') };

  test('has every field of the contract', () => {
    expect(registryImageToEvent(tag, place, push)).toMatchObject({
      eventId: `registry-acme/shop/web-v1-sha256:${'f'.repeat(64)}`,
      formerEventIds: ['registry-acme/shop/web-v1-', 'registry-acme/shop/web-v1-sha256:fffff', 'image-acme/shop-5-v1'],
      title: '[Image] acme/shop/web:v1',
      description: {
        labels: ['v1'],
        metadata: { registry: 'gitlab', image: 'acme/shop/web', digest_short: 'ffffffffffff', size: '11.77MB' },
        related_events: [],
      },
      author: 'unknown',
      timestamp: new Date('2026-11-23T08:00:00Z'),
      url: 'https://gitlab.example.com/acme/shop/-/container_registry/5',
      status: 'published',
      metadata: {
        registry: 'gitlab',
        repository_path: 'acme/shop/web',
        repository_id: 5,
        image: 'acme/shop/web',
        tag: 'v1',
        tags: ['v1'],
        digest: `sha256:${'f'.repeat(64)}`,
        revision: '1'.repeat(64),
        size_bytes: 12_345_678,
        project_id: '42',
        location: 'registry.example.com/acme/shop/web:v1',
        image_created_at: '2026-11-23T08:00:00.000Z',
        pushed_at: null,
        previous_digest: null,
        is_current: true,
      },
    });
  });

  test('was built at a time up to its push, also where that is later than GitLab says it is now', () => {
    const seenAt = new Date('2026-11-23T08:00:00Z');
    const later = { ...tag, created_at: '2026-11-23T08:10:00.500Z' };
    const builtAt = (one: typeof later & { readonly published_at?: string }) =>
      registryImageToEvent(one, { repository, project }, { pushedAt: null, previousDigest: null, seenAt }).metadata['image_created_at'];
    expect(builtAt(later)).toBeNull();
    expect(builtAt({ ...later, published_at: '2026-11-23T08:10:00Z' })).toBe('2026-11-23T08:10:00.000Z');
  });

  test('is of the time at which the tag was pushed, where that is known, and not of the build', () => {
    const pushedAt = new Date('2026-11-23T22:49:00Z');
    const event = registryImageToEvent(tag, place, { ...push, pushedAt, previousDigest: 'sha256:0' });
    expect(event).toMatchObject({ timestamp: pushedAt, statusSince: pushedAt });
    expect(event.metadata).toMatchObject({
      image_created_at: '2026-11-23T08:00:00.000Z',
      pushed_at: pushedAt.toISOString(),
      previous_digest: 'sha256:0',
    });
  });

  test.each([
    '0000-12-31T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '1980-01-01T00:00:00.000+00:00',
    '1980-01-01T00:00:01Z',
    '2026-11-24T08:01:01Z',
    'never',
  ])('has no time of build where that is impossible: %s', (created_at) => {
    const event = registryImageToEvent({ ...tag, created_at }, place, push);
    expect([event.timestamp, event.metadata.image_created_at]).toEqual([null, null]);
  });

  test('has no time and no size when the image is for several platforms', () => {
    const event = registryImageToEvent({ ...tag, created_at: null, total_size: null }, place, push);
    expect(event.timestamp).toBeNull();
    expect(event.metadata.size_bytes).toBe(0);
    expect(event.description.metadata).not.toHaveProperty('size');
  });

  test('keeps the id of its first path after a move, also below a path with capitals', () => {
    const moved = { ...project, eventPath: 'Acme/Shop', fullPath: 'New/Place' };
    const event = registryImageToEvent(tag, { repository: { ...repository, path: 'new/place/web' }, project: moved }, push);
    expect(event.eventId).toBe(`registry-acme/shop/web-v1-sha256:${'f'.repeat(64)}`);
    expect(event.title).toBe('[Image] new/place/web:v1');
  });
});

describe('long texts in events', () => {
  test('are stored whole up to the limit, and cut there with truncated set', () => {
    expect(boundedText('x'.repeat(textLimit))).toEqual({ text: 'x'.repeat(textLimit), truncated: false });
    expect(boundedText(`${'x'.repeat(textLimit)}y`)).toEqual({ text: 'x'.repeat(textLimit), truncated: true });
    expect(boundedText(null)).toEqual({ text: '', truncated: false });
  });

  test('are cut between characters, never inside of one', () => {
    expect(firstCharacters('a🚀b', 2)).toBe('a🚀');
    expect(firstCharacters('short', 9)).toBe('short');
  });
});
