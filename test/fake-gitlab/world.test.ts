import { beforeEach, describe, expect, test } from 'vitest';
import { minutes, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';

let { world, project, send } = createAsking();

beforeEach(() => {
  ({ world, project, send } = createAsking());
});

describe('changes of a world', () => {
  test('what is committed late notes an earlier time, while the clock stands', () => {
    world.pass(minutes(5));
    const before = world.now;
    const late = world.commitLate(seconds(40), () => project.openMergeRequest({ title: 'late' }));
    expect(late.updatedAt).toBe(before - seconds(40));
    expect(world.commitLate(seconds(40), () => project.git.commit('main', { title: 'late' })).committedAt).toBe(before - seconds(40));
    expect(world.now).toBe(before);
    expect(project.openMergeRequest({ title: 'in time' }).updatedAt).toBe(before);
  });

  test('numbers of what was deleted are not given again', () => {
    project.deleteMergeRequest(project.openMergeRequest({ title: 'a' }));
    project.deletePipeline(project.startPipeline({ ref: 'main' }));
    project.createRelease({ tag: 'v1' });
    const [gone] = project.releases;
    project.deleteRelease('v1');
    expect(project.openMergeRequest({ title: 'b' }).iid).toBe(2);
    expect(project.startPipeline({ ref: 'main' }).iid).toBe(2);
    expect(project.createRelease({ tag: 'v1' }).id).not.toBe(gone?.id);
  });

  test('closing and reopening move the time of a merge request; a push, its votes and a check of its merge do not', () => {
    const mergeRequest = project.openMergeRequest({ title: 'a' });
    const { createdAt, headSha } = mergeRequest;
    world.pass();
    project.pushSilently(mergeRequest, []);
    project.recomputeSilently(mergeRequest, { mergeStatus: 'CANNOT_BE_MERGED', upvotes: 2 });
    expect(mergeRequest).toMatchObject({ updatedAt: createdAt, files: [], mergeStatus: 'CANNOT_BE_MERGED', upvotes: 2 });
    expect(mergeRequest.headSha).not.toBe(headSha);
    project.closeMergeRequest(mergeRequest);
    expect(mergeRequest).toMatchObject({ state: 'closed', updatedAt: world.now });
    world.pass();
    project.reopenMergeRequest(mergeRequest);
    expect(mergeRequest).toMatchObject({ state: 'opened', updatedAt: world.now });
  });

  test('a job that is retried alone leaves its pipeline as it was', () => {
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'lint', allowFailure: true }] });
    project.finishPipeline(pipeline, 'FAILED');
    const { updatedAt } = pipeline;
    world.pass();
    project.retryJobSilently(pipeline, 'FAILED');
    project.retryJobSilently(pipeline, 'SUCCESS');
    expect(pipeline).toMatchObject({ status: 'FAILED', updatedAt });
    expect(pipeline.jobs.map(({ name, status, retried, allowFailure }) => ({ name, status, retried, allowFailure }))).toEqual([
      { name: 'lint', status: 'FAILED', retried: true, allowFailure: true },
      { name: 'lint', status: 'FAILED', retried: true, allowFailure: true },
      { name: 'lint', status: 'SUCCESS', retried: false, allowFailure: true },
    ]);
  });

  test('an edited release keeps its time', () => {
    const release = project.createRelease({ tag: 'v1' });
    const { createdAt } = release;
    world.pass();
    project.editRelease(release, { name: 'One' });
    project.addAssetLink(release, { name: 'setup.exe', url: 'https://example.com/setup.exe' });
    expect(release).toMatchObject({ name: 'One', createdAt, links: [{ name: 'setup.exe' }] });
  });

  test('a project that moves takes its images along', async () => {
    const root = project.addImageRepository('');
    const web = project.addImageRepository('web');
    project.pushTag(web, 'v1');
    project.moveTo('acme/Store');
    expect([root.path, web.path, web.location]).toEqual(['acme/store', 'acme/store/web', 'registry.example.com/acme/store/web']);
    const { body } = await send(`/api/v4/projects/${project.id}/registry/repositories/${web.id}/tags`);
    expect(body).toMatchObject([{ path: 'acme/store/web:v1' }]);
  });

  test('a tag moves to a new digest within a moment, and is deleted alone or with its repository', async () => {
    const repository = project.addImageRepository('web');
    const first = project.pushTag(repository, 'latest');
    expect(project.pushTag(repository, 'latest').digest).not.toBe(first.digest);
    project.pushTag(repository, 'v1');
    project.deleteTag(repository, 'latest');
    expect([...repository.tags.keys()]).toEqual(['v1']);
    project.deleteImageRepository(repository);
    expect((await send(`/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags`)).status).toBe(404);
  });
});
