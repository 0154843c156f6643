import { describe, expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describeDatabases('what a reading does not find any more', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main', syncLimit: 'all', reconcileInterval: 0, maxAttempts: 1 };
  const read = async (settings: object = {}) => {
    given.world.pass(minutes(10));
    return given.sync({ ...config, ...settings });
  };
  const statuses = async () =>
    Object.fromEntries([...(await given.rows())].map(([id, { status }]) => [id.replace('-acme/shop', ''), status]));
  const versions = (id: string) =>
    given.database.em.fork().execute<Array<{ status: string; seen: string; changes: unknown }>>(
      `select v.status, to_char(v.happened_at at time zone 'UTC', 'HH24:MI') as seen, v.changes
       from change_event_versions v join change_events e on e.id = v.change_event_id
       where e.connection_id = ? and e.event_id = ? order by v.version`,
      [given.connectionId, id],
    );

  /** Two of each, the second of which stays. */
  const fill = (project: FakeProject) => {
    for (const title of ['goes', 'stays']) {
      project.openMergeRequest({ title });
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: title });
    }
  };
  const remove = (project: FakeProject) => {
    const [[mergeRequest], [pipeline]] = [project.mergeRequests, project.pipelines];
    if (mergeRequest) project.deleteMergeRequest(mergeRequest);
    if (pipeline) project.deletePipeline(pipeline);
    project.deleteRelease('goes');
  };
  const untouched = ([first, second]: readonly number[]) => ({
    'mr-1': 'opened',
    'mr-2': 'opened',
    [`pipeline-${first}`]: 'running',
    [`pipeline-${second}`]: 'running',
    'release-goes': 'published',
    'release-stays': 'published',
  });

  test('is deleted where GitLab has it no more, noticed then, once, and the row stays', async () => {
    const project = given.world.addProject('acme/shop');
    fill(project);
    const [first, second] = project.pipelines.map(({ id }) => id);
    await read();
    remove(project);
    given.world.pass(minutes(10));
    await read();
    expect(await statuses()).toEqual({
      'mr-1': 'deleted',
      'mr-2': 'opened',
      [`pipeline-${first}`]: 'deleted',
      [`pipeline-${second}`]: 'running',
      'release-goes': 'deleted',
      'release-stays': 'published',
    });
    expect((await given.rows()).get('mr-acme/shop-1')?.metadata['deletion_noticed_at']).toBe('2026-11-23T08:30:00.000Z');
    for (const id of ['mr-acme/shop-1', `pipeline-acme/shop-${first}`, 'release-acme/shop-goes']) {
      const all = await versions(id);
      expect(all).toHaveLength(2);
      expect(all[1]).toMatchObject({ status: 'deleted', seen: '08:30', changes: { status: { new: 'deleted' } } });
    }
    expect(await read()).toMatchObject({ stored: 0, corrected: 0 });
  });

  test('is brought up to date where it left BRANCHES, for as long as it is open', async () => {
    const project = given.world.addProject('acme/shop');
    fill(project);
    const [row] = project.mergeRequests;
    await read();
    if (row) project.editMergeRequest(row, { targetBranch: 'develop' });
    await read();
    const target = async () => (await given.rows()).get('mr-acme/shop-1')?.metadata['target_branch'];
    expect(await target()).toBe('develop');
    if (row) project.mergeMergeRequest(row);
    await read();
    expect((await statuses())['mr-1']).toBe('merged');
    expect(await read()).toMatchObject({ stored: 0, corrected: 0 });
  });

  test('is there where GitLab answers with fewer rows a page than were asked for', async () => {
    const project = given.world.addProject('acme/shop');
    fill(project);
    await read();
    for (const row of project.mergeRequests) project.editMergeRequest(row, { targetBranch: 'develop' });
    project.largestPage = 1;
    await read();
    const rows = await given.rows();
    const found = [1, 2].map((iid) => rows.get(`mr-acme/shop-${iid}`));
    expect(found.map((row) => [row?.status, row?.metadata['target_branch']])).toEqual([
      ['opened', 'develop'],
      ['opened', 'develop'],
    ]);
  });

  test('is what it was again where GitLab shows it again', async () => {
    const project = given.world.addProject('acme/shop');
    fill(project);
    const [row] = project.mergeRequests;
    // The one that changed last.
    given.world.pass(minutes(1));
    if (row) project.editMergeRequest(row, { title: 'goes soon' });
    await read();
    Object.assign(row ?? {}, { isHidden: true });
    await read();
    expect((await statuses())['mr-1']).toBe('deleted');
    Object.assign(row ?? {}, { isHidden: false });
    await read();
    const found = (await given.rows()).get('mr-acme/shop-1');
    expect(found).toMatchObject({ status: 'opened' });
    expect(found?.metadata).not.toHaveProperty('deletion_noticed_at');
  });

  test('of a pipeline that ended while nobody looked is its end', async () => {
    const project = given.world.addProject('acme/shop');
    const pipeline = project.startPipeline({ ref: 'main' });
    project.startPipeline({ ref: 'main' });
    await read();
    // Without a new time, as after a restored backup.
    pipeline.status = 'SUCCESS';
    given.world.pass(minutes(3 * 24 * 60));
    await read();
    expect((await statuses())[`pipeline-${pipeline.id}`]).toBe('success');
  });

  describe('is as it was, and not deleted, while', () => {
    test.each<[string, (project: FakeProject) => () => void]>([
      ['the token is a guest', (project) => (Object.assign(project, { role: 'guest' }), () => (project.role = 'reporter'))],
      ['the token does not see the project', (project) => (Object.assign(project, { role: 'none' }), () => (project.role = 'reporter'))],
      [
        'the features are switched off',
        ({ features }) => {
          Object.assign(features, { mergeRequests: false, ci: false, releases: false });
          return () => Object.assign(features, { mergeRequests: true, ci: true, releases: true });
        },
      ],
      [
        'GitLab fails on the rows',
        () => {
          const byName = new Set([
            'MergeRequestsByIid',
            'MergeRequestWhole',
            'MergeRequestLight',
            'PipelineWhole',
            'PipelineLight',
            'ReleaseWhole',
            'ReleaseLight',
          ]);
          given.fake.intercept = (_, { operation }) => (byName.has(operation) ? new Response('{}', { status: 500 }) : undefined);
          return () => (given.fake.intercept = undefined);
        },
      ],
      [
        'GitLab does not show that it shows the lists',
        () => {
          given.fake.intercept = (_, { operation }) => (operation.endsWith('Cursors') ? new Response('{}', { status: 500 }) : undefined);
          return () => (given.fake.intercept = undefined);
        },
      ],
    ])('%s', async (_, hide) => {
      const project = given.world.addProject('acme/shop');
      given.world.addProject('acme/other');
      fill(project);
      const ids = project.pipelines.map(({ id }) => id);
      await read();
      const show = hide(project);
      remove(project);
      await read();
      expect(await statuses()).toEqual(untouched(ids));
      show();
      await read();
      expect((await statuses())['mr-1']).toBe('deleted');
    });

    test('a list is empty, which says nothing', async () => {
      const project = given.world.addProject('acme/shop');
      fill(project);
      const ids = project.pipelines.map(({ id }) => id);
      await read();
      for (const row of project.mergeRequests.slice()) project.deleteMergeRequest(row);
      for (const row of project.pipelines.slice()) project.deletePipeline(row);
      for (const { tag } of project.releases.slice()) project.deleteRelease(tag);
      await read();
      expect(await statuses()).toEqual(untouched(ids));
    });
  });

  test('is a project with its name, and a line for it, while its deletion is pending; and then one line when it is gone', async () => {
    const project = given.world.addProject('acme/shop');
    given.world.addProject('acme/other');
    fill(project);
    await read();
    project.moveTo(`acme/shop-deletion_scheduled-${project.id}`);
    const { problems } = await read();
    expect(problems.filter(({ stream }) => stream === undefined)).toEqual([
      { project: 'acme/shop', outcome: 'gone', reason: 'is scheduled for deletion in GitLab', expected: true },
    ]);
    const row = (await given.rows()).get('mr-acme/shop-1');
    expect([row?.metadata['project'], row?.url]).toEqual(['acme/shop', expect.stringMatching(/acme\/shop\/-\//)]);
    given.world.deleteProject(project);
    const ofProject = async () => (await read()).problems.filter(({ project: path }) => path === 'acme/shop');
    expect(await ofProject()).toMatchObject([{ outcome: 'gone', expected: false }]);
    expect(await ofProject()).toEqual([]);
    expect((await statuses())['mr-1']).toBe('opened');
  });
});
