import { beforeEach, describe, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

describe('a token that loses rights', () => {
  test('sees nothing of a group while its SAML session is over, as if the group did not exist', async () => {
    const { world, project, ask, send, rest } = gitlab;
    const other = world.addProject('acme-labs/site');
    world.emptyGroups.add('acme/empty');
    const projects = async () => (await ask('{ projects(membership: true, sort: "id_asc") { nodes { fullPath } } }')).body;
    world.expiredSessions.add('acme');
    expect(await projects()).toEqual({ data: { projects: { nodes: [{ fullPath: other.fullPath }] } } });
    expect(
      (
        await ask(
          '{ project(fullPath: "acme/shop") { id } a: group(fullPath: "acme") { projects { nodes { id } } } b: group(fullPath: "acme/empty") { projects { nodes { id } } } }',
        )
      ).body,
    ).toEqual({
      data: { project: null, a: null, b: null },
    });
    expect(await rest('releases')).toMatchObject({ status: 404, body: { message: '404 Project Not Found' } });
    expect((await send('/api/v4/projects')).body).toMatchObject([{ id: other.id }]);
    world.expiredSessions.clear();
    expect((await projects()).data.projects.nodes).toEqual([{ fullPath: project.fullPath }, { fullPath: other.fullPath }]);
  });

  test('and regains them finds what happened meanwhile, with the times at which it happened', async () => {
    const { world, project, fields } = gitlab;
    project.role = 'guest';
    world.pass(minutes(1));
    const meanwhile = project.openMergeRequest({ title: 'meanwhile' });
    world.pass(minutes(1));
    const seen = async () => (await fields('mergeRequests { nodes { title } }')).body.data.projects.nodes[0]?.mergeRequests.nodes;
    expect(await seen()).toEqual([]);
    project.role = 'none';
    expect(await seen()).toBeUndefined();
    project.role = 'reporter';
    expect(await seen()).toEqual([{ title: 'meanwhile' }]);
    expect(meanwhile.updatedAt).toBeLessThan(world.now - minutes(1));
  });
});

describe('a GitLab that is restored from a backup', () => {
  test('has the rows, ids and numbers of the backup, while its clock goes on', async () => {
    const { world, project, fields } = gitlab;
    const kept = project.openMergeRequest({ title: 'kept' });
    const deleted = project.openMergeRequest({ title: 'deleted after the backup' });
    const pipeline = project.startPipeline({ ref: 'main' });
    const restore = world.snapshot();
    const { updatedAt } = kept;
    world.pass(minutes(1));
    project.mergeMergeRequest(kept);
    project.deleteMergeRequest(deleted);
    project.finishPipeline(pipeline, 'SUCCESS');
    const lost = project.openMergeRequest({ title: 'lost' });
    world.addProject('acme/lost');
    project.moveTo('acme/moved');
    const before = world.now;
    restore();
    expect(world.now).toBe(before);
    expect(world.projects).toEqual([project]);
    expect(project.fullPath).toBe('acme/shop');
    expect(kept).toMatchObject({ state: 'opened', mergedAt: null, updatedAt });
    expect(pipeline).toMatchObject({ status: 'RUNNING', jobs: [{ status: 'RUNNING' }] });
    const { body } = await fields('mergeRequests { nodes { iid title } } pipelines { nodes { status } }');
    expect(body.data.projects.nodes[0]).toEqual({
      mergeRequests: {
        nodes: [
          { iid: '2', title: 'deleted after the backup' },
          { iid: '1', title: 'kept' },
        ],
      },
      pipelines: { nodes: [{ status: 'RUNNING' }] },
    });
    const again = project.openMergeRequest({ title: 'another one of the same number' });
    expect([again.iid, again.id, again.updatedAt]).toEqual([lost.iid, lost.id, before]);
    expect(world.addProject('acme/again').id).toBe(project.id + 1);
  });

  test('has the branches, tags, releases and images of the backup, as often as it is restored', () => {
    const { world, project } = gitlab;
    const first = project.git.commit('main', { title: 'first' });
    const repository = project.addImageRepository('web');
    const { digest } = project.pushTag(repository, 'latest');
    const release = project.createRelease({ tag: 'v1' });
    const restore = world.snapshot();
    for (let time = 0; time < 2; time++) {
      project.git.commit('main', { title: 'second' });
      project.git.tag('v2', first.sha);
      project.pushTag(repository, 'latest');
      project.pushTag(repository, 'v2');
      project.editRelease(release, { name: 'edited' });
      project.addAssetLink(release, { name: 'a', url: 'https://example.com/a' });
      project.deleteRelease('v1');
      project.features.registry = false;
      restore();
      expect(project.git.log('main')).toEqual([first]);
      expect(project.git.tags.size).toBe(0);
      expect([...repository.tags].map(([name, tag]) => [name, tag.digest])).toEqual([['latest', digest]]);
      expect(project.releases).toMatchObject([{ name: 'v1', links: [] }]);
      expect(project.features.registry).toBe(true);
    }
  });
});
