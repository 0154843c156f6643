import { beforeEach, describe, expect, test } from 'vitest';
import { minutes, moment, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';

let { world, project, send } = createAsking();

beforeEach(() => {
  ({ world, project, send } = createAsking());
});

describe('REST commits', () => {
  const list = (query: string) => send(`/api/v4/projects/${project.id}/repository/commits?${query}`);

  test('a range holds what the second end has and the first has not, with stats when asked', async () => {
    const base = project.git.commit('main', { title: 'base' });
    project.git.commit('feature', { title: 'late', parents: [base.sha], committedAt: base.committedAt - 1, additions: 3, deletions: 4 });
    const merge = project.git.merge('feature', 'main', 'merge');
    const { body } = await list(`ref_name=${base.sha}..${merge.sha}&with_stats=true`);
    expect(body.map(({ title, stats }: { title: string; stats: object }) => ({ title, stats }))).toEqual([
      { title: 'merge', stats: { additions: 0, deletions: 0, total: 0 } },
      { title: 'late', stats: { additions: 3, deletions: 4, total: 7 } },
    ]);
    expect((await list('ref_name=main')).body[0].stats).toBeUndefined();
  });

  test('pages are not counted, so a last full page is followed by an empty one', async () => {
    for (const title of ['a', 'b']) project.git.commit('main', { title });
    const last = await list('ref_name=main&per_page=2&page=1');
    expect(last.headers.get('x-next-page')).toBe('2');
    expect(last.headers.get('x-total')).toBeNull();
    const empty = await list('ref_name=main&per_page=2&page=2');
    expect(empty.body).toEqual([]);
    expect(empty.headers.get('x-next-page')).toBe('');
  });

  test('since and until go by committer date, both ends inclusive', async () => {
    const at = moment('2026-11-23T08:00:00Z');
    for (const [index, title] of ['a', 'b', 'c', 'd'].entries()) {
      project.git.commit('main', { title, committedAt: at + seconds(index), authoredAt: at - seconds(500) });
    }
    const { body } = await list('ref_name=main&since=2026-11-23T08:00:01Z&until=2026-11-23T08:00:02Z');
    expect(body.map(({ title }: { title: string }) => title)).toEqual(['c', 'b']);
  });

  test('one commit has stats unless told, and is found off every branch until it is pruned', async () => {
    const base = project.git.commit('main', { title: 'base' });
    const lost = project.git.commit('main', { title: 'lost', additions: 3, deletions: 4 });
    project.git.reset('main', base.sha);
    const tip = project.git.commit('main', { title: 'instead' });
    const describe = (sha: string, query = '') => send(`/api/v4/projects/${project.id}/repository/commits/${sha}${query}`);
    expect((await describe(lost.sha)).body).toMatchObject({ id: lost.sha, stats: { additions: 3, deletions: 4, total: 7 } });
    expect((await describe(lost.sha, '?stats=false')).body.stats).toBeUndefined();
    expect((await list(`ref_name=${lost.sha}..${tip.sha}`)).body).toMatchObject([{ title: 'instead' }]);
    project.git.prune();
    expect(await describe(lost.sha)).toMatchObject({ status: 404, body: { message: '404 Commit Not Found' } });
    expect((await list(`ref_name=${lost.sha}..${tip.sha}`)).status).toBe(404);
    world.unknownRef = 'empty';
    expect(await list(`ref_name=${lost.sha}..${tip.sha}`)).toMatchObject({ status: 200, body: [] });
    expect((await list(`ref_name=${base.sha}..${tip.sha}`)).body).toMatchObject([{ title: 'instead' }]);
    project.features.repository = false;
    expect(await describe(tip.sha)).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    project.features.repository = true;
    project.role = 'guest';
    expect((await describe(tip.sha)).status).toBe(403);
  });

  test('an empty repository, an unknown branch and a forbidden one differ as in GitLab', async () => {
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    project.git.commit('main', { title: 'a' });
    expect((await list('ref_name=nope')).status).toBe(404);
    world.unknownRef = 'empty';
    expect(await list('ref_name=nope')).toMatchObject({ status: 200, body: [] });
    project.role = 'guest';
    expect(await list('ref_name=main')).toMatchObject({ status: 403, body: { message: '403 Forbidden' } });
    project.role = 'none';
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Project Not Found' } });
  });
});

describe('REST lists of a project', () => {
  const at = (path: string) => send(`/api/v4/projects/${project.id}/${path}`);

  test('merge requests come by their last change; files and approvers are asked for one by one', async () => {
    const first = project.openMergeRequest({ title: 'a', labels: ['bug'], files: [{ path: 'x.ts', additions: 2, deletions: 1 }] });
    world.pass();
    const second = project.openMergeRequest({ title: 'b', author: null });
    const iids = async () => (await at('merge_requests?order_by=updated_at')).body.map(({ iid }: { iid: number }) => iid);
    expect(await iids()).toEqual([second.iid, first.iid]);
    world.pass();
    project.approve(first, 'grace');
    expect(await iids()).toEqual([first.iid, second.iid]);
    const { headers, body } = await at('merge_requests?per_page=1');
    expect(headers.get('link')).toMatch(/<https:.*page=2>; rel="next"/);
    expect(body).toMatchObject([{ iid: first.iid, labels: ['bug'], state: 'opened', author: { username: 'ada' } }]);
    expect((await at(`merge_requests/${first.iid}/diffs`)).body).toMatchObject([{ new_path: 'x.ts' }]);
    expect((await at(`merge_requests/${first.iid}/approvals`)).body).toMatchObject({ approved_by: [{ user: { username: 'grace' } }] });
    expect((await at('merge_requests/99/approvals')).status).toBe(404);
  });

  test('a list of pipelines has neither user nor duration; one has, and its jobs are a list', async () => {
    const pipeline = project.startPipeline({ ref: 'main', jobs: [{ name: 'lint' }, { name: 'unit' }] });
    world.pass(minutes(1));
    project.finishPipeline(pipeline, 'FAILED', ['unit']);
    const { body } = await at('pipelines');
    expect(body).toMatchObject([{ id: pipeline.id, status: 'failed' }]);
    expect(body[0]).not.toHaveProperty('user');
    expect((await at(`pipelines/${pipeline.id}`)).body).toMatchObject({ user: { username: 'ada' }, duration: 60 });
    expect((await at(`pipelines/${pipeline.id}/jobs?scope[]=failed`)).body).toMatchObject([{ name: 'unit', status: 'failed' }]);
    expect((await at('pipelines/1/jobs')).status).toBe(404);
  });

  test('releases, image repositories and projects are lists of whole rows', async () => {
    project.createRelease({ tag: 'v1', links: [{ name: 'a.zip', url: 'https://example.com/a.zip' }] });
    const repository = project.addImageRepository('web');
    expect((await at('releases')).body).toMatchObject([{ tag_name: 'v1', assets: { links: [{ name: 'a.zip' }] } }]);
    expect((await at('registry/repositories')).body).toMatchObject([{ id: repository.id, path: 'acme/shop/web' }]);
    const other = world.addProject('acme/other');
    const { body } = await send('/api/v4/projects?membership=true&order_by=id');
    expect(body.map(({ id }: { id: number }) => id)).toEqual([other.id, project.id]);
  });
});

describe('REST registry', () => {
  test('the list of tags has names only; one tag has its digest', async () => {
    const repository = project.addImageRepository('web');
    const tag = project.pushTag(repository, 'v1');
    const path = `/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags`;
    expect((await send(path)).body).toEqual([{ name: 'v1', path: 'acme/shop/web:v1', location: 'registry.example.com/acme/shop/web:v1' }]);
    expect((await send(`${path}/v1`)).body).toMatchObject({
      digest: tag.digest,
      total_size: 12_345_678,
      created_at: '2026-11-23T08:00:00.000Z',
    });
    tag.isBroken = true;
    expect(await send(`${path}/v1`)).toMatchObject({ status: 404, body: { message: '404 Tag Not Found' } });
    project.features.registry = false;
    expect(await send(path)).toMatchObject({ status: 403, body: { message: '403 Forbidden' } });
  });

  test('keyset pages link to the next one, and need a metadata database', async () => {
    const repository = project.addImageRepository('');
    for (const name of ['a', 'b', 'c']) project.pushTag(repository, name);
    const path = `/api/v4/projects/${project.id}/registry/repositories/${repository.id}/tags?pagination=keyset&per_page=2`;
    const { headers } = await send(path);
    expect(headers.get('link')).toMatch(/<https:.*last=b.*>; rel="next"/);
    world.hasRegistryMetadata = false;
    expect((await send(path)).status).toBe(405);
  });
});
