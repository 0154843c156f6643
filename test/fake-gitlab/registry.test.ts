import { beforeEach, describe, expect, test } from 'vitest';
import type { FakeImageRepository } from '../../fake-gitlab/world/records.ts';
import { minutes, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;
let repository: FakeImageRepository;

beforeEach(() => {
  gitlab = createAsking();
  repository = gitlab.project.addImageRepository('web');
});

const describeTag = (name: string) => gitlab.rest(`registry/repositories/${repository.id}/tags/${name}`);

describe('details of a tag in REST', () => {
  test('are looked for among the first 100 tags that contain the name: a short one of many is listed and not found', async () => {
    const { project, world, rest } = gitlab;
    for (let index = 100; index < 200; index++) project.pushTag(repository, `0.${index}-v2`);
    project.pushTag(repository, 'v2');
    const names = (await rest(`registry/repositories/${repository.id}/tags?per_page=100&page=2`)).body;
    expect(names).toMatchObject([{ name: 'v2' }]);
    expect(await describeTag('v2')).toMatchObject({ status: 404, body: { message: '404 Tag Not Found' } });
    expect((await describeTag('0.199-v2')).status).toBe(200);
    world.hasRegistryMetadata = false;
    expect((await describeTag('v2')).body).toMatchObject({ name: 'v2' });
    world.hasRegistryMetadata = true;
    project.deleteTag(repository, '0.100-v2');
    expect((await describeTag('v2')).status).toBe(200);
  });

  test('of an image for several platforms fail in some versions', async () => {
    const { project, world } = gitlab;
    project.pushTag(repository, 'multi', { isMultiArch: true });
    project.pushTag(repository, 'single');
    expect((await describeTag('multi')).status).toBe(200);
    world.multiArchDetails = 'error-500';
    expect(await describeTag('multi')).toMatchObject({ status: 500, body: { message: '500 Internal Server Error' } });
    world.multiArchDetails = 'not-found';
    expect(await describeTag('multi')).toMatchObject({ status: 404, body: { message: '404 Tag Not Found' } });
    expect((await describeTag('single')).status).toBe(200);
  });

  test('keep the time at which the tag was first made when it moves, with a metadata database', async () => {
    const { project, world } = gitlab;
    world.keepsTagCreation = true;
    project.pushTag(repository, 'latest');
    const { body } = await describeTag('latest');
    world.pass(minutes(5));
    project.pushTag(repository, 'latest');
    const moved = (await describeTag('latest')).body;
    expect(moved.created_at).toBe(body.created_at);
    expect(moved.digest).not.toBe(body.digest);
  });
});

describe('tags in GraphQL', () => {
  const slice = `
    type TagConnection { nodes: [Tag] pageInfo: PageInfo! }
    type Tag { name: String! digest: String publishedAt: Time createdAt: Time totalSize: String }
    enum TagSort { NAME_ASC NAME_DESC PUBLISHED_AT_ASC PUBLISHED_AT_DESC }`;
  const tags = async (args: string, id = repository.id) => {
    const query = `{ containerRepository(id: "gid://gitlab/ContainerRepository/${id}") { tags(${args}) {
      nodes { name digest publishedAt } pageInfo { hasNextPage endCursor } } } }`;
    const { body } = await gitlab.ask(query);
    return body.data.containerRepository?.tags;
  };
  const names = async (args: string) => (await tags(args)).nodes.map(({ name }: { name: string }) => name);

  beforeEach(() => {
    const field = '  tags(first: Int, after: String, sort: TagSort, name: String): TagConnection\n';
    const edit = (sdl: string) => `${sdl.replace(/ {2}tags\(sort: ContainerRepositoryTagSort.*\n/, field)}\n${slice}`;
    gitlab.world.schema = { version: '18.8', edition: 'EE', edit };
  });

  test('come 20 on a page at most, by name or by publication', async () => {
    for (let index = 10; index < 35; index++) {
      gitlab.world.pass();
      gitlab.project.pushTag(repository, `v${index}`);
    }
    const first = await tags('first: 100, sort: NAME_ASC');
    expect(first.nodes).toHaveLength(20);
    expect(first.pageInfo.hasNextPage).toBe(true);
    expect(await names(`sort: NAME_ASC, after: "${first.pageInfo.endCursor}"`)).toEqual(['v30', 'v31', 'v32', 'v33', 'v34']);
    // A cursor of a list by name is a name, which the repository need not have.
    expect(await names('sort: NAME_ASC, after: "v31x"')).toEqual(['v32', 'v33', 'v34']);
    expect(await names('sort: NAME_ASC, after: "w"')).toEqual([]);
    const newest = await tags('first: 2, sort: PUBLISHED_AT_DESC');
    expect(newest.nodes).toMatchObject([{ name: 'v34' }, { name: 'v33' }]);
    gitlab.project.deleteTag(repository, 'v33');
    expect(await names(`first: 2, sort: PUBLISHED_AT_DESC, after: "${newest.pageInfo.endCursor}"`)).toEqual(['v32', 'v31']);
    expect(await names('first: 1, sort: PUBLISHED_AT_ASC')).toEqual(['v10']);
  });

  test('have a publication in whole seconds, which moves with a tag and not with a deletion', async () => {
    const { project, world } = gitlab;
    for (const name of ['a', 'b']) project.pushTag(repository, name);
    world.pass(seconds(10));
    project.pushTag(repository, 'a');
    project.deleteTag(repository, 'b');
    expect((await tags('sort: PUBLISHED_AT_DESC')).nodes).toMatchObject([{ name: 'a', publishedAt: '2026-11-23T08:00:10Z' }]);
    world.hasRegistryMetadata = false;
    expect((await tags('sort: PUBLISHED_AT_DESC')).nodes).toMatchObject([{ name: 'a', publishedAt: null, digest: expect.any(String) }]);
  });

  test('can be poisoned one by one; a guest sees no repository', async () => {
    for (const name of ['a', 'b']) gitlab.project.pushTag(repository, name);
    gitlab.fake.poison({ type: 'tag', name: 'b', how: 'null-node' });
    expect((await tags('sort: NAME_ASC')).nodes).toMatchObject([{ name: 'a' }, null]);
    gitlab.project.role = 'guest';
    expect(await tags('sort: NAME_ASC')).toBeUndefined();
  });
});

describe('a guest', () => {
  beforeEach(() => {
    gitlab.project.startPipeline({ ref: 'main' });
    gitlab.project.openMergeRequest({ title: 'a' });
    gitlab.project.role = 'guest';
  });

  const seen = async () => {
    const { body } = await gitlab.fields(
      'pipelines { nodes { status } } mergeRequests { nodes { title } } containerRepositories { nodes { id } }',
    );
    return body;
  };

  test('sees public pipelines, and null in place of the image repositories: no error says so', async () => {
    expect(await seen()).toEqual({
      data: {
        projects: { nodes: [{ pipelines: { nodes: [{ status: 'RUNNING' }] }, mergeRequests: { nodes: [] }, containerRepositories: null }] },
      },
    });
    expect((await gitlab.rest('pipelines')).body).toHaveLength(1);
  });

  test('sees no pipelines where they are not public', async () => {
    gitlab.project.publicPipelines = false;
    expect((await seen()).data.projects.nodes[0].pipelines).toEqual({ nodes: [] });
    expect((await gitlab.rest('pipelines')).status).toBe(403);
  });
});

describe('a feature that is off', () => {
  test('is off for one project: others in the same answer have it', async () => {
    const { project, world, ask, rest } = gitlab;
    project.createRelease({ tag: 'v1' });
    const other = world.addProject('acme/other');
    for (const row of [project, other]) {
      row.openMergeRequest({ title: 'a' });
      row.startPipeline({ ref: 'main' });
    }
    project.features = { mergeRequests: false, ci: false, registry: false, repository: true, releases: false };
    const query = `{ projects(sort: "id_asc") { nodes { mergeRequests { nodes { title } } pipelines { nodes { status } } releases { nodes { tagName } }
      containerRepositories { nodes { id } } } } }`;
    expect((await ask(query)).body.data.projects.nodes).toEqual([
      { mergeRequests: { nodes: [] }, pipelines: { nodes: [] }, releases: null, containerRepositories: null },
      {
        mergeRequests: { nodes: [{ title: 'a' }] },
        pipelines: { nodes: [{ status: 'RUNNING' }] },
        releases: null,
        containerRepositories: { nodes: [] },
      },
    ]);
    expect((await rest('releases')).status).toBe(403);
  });
});
