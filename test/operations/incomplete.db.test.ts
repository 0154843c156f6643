import { expect, test } from 'vitest';
import { minutes } from '../../fake-gitlab/world/time.ts';
import type { Poison } from '../../fake-gitlab/world/poison.ts';
import { describePasses } from '../support/databases.ts';
import { notEmpty } from '../support/not-empty.ts';
import { useSync } from './fixture.ts';

type Field = Omit<Poison, 'how' | 'projectId' | 'iid' | 'name'>;

/** Lists, with a field that fails, and what the event then has. */
const lists: ReadonlyArray<readonly [string, Field, string, object]> = [
  [
    'merge requests',
    { type: 'mergeRequest' },
    'mr',
    { incomplete: ['additions', 'deletions', 'files_changed', 'files_changed_total'], additions: null, files_changed_total: null },
  ],
  [
    'merge requests',
    { type: 'mergeRequest', fields: ['approvedBy'] },
    'mr',
    { incomplete: ['approved_by', 'approved_count'], approved_count: null },
  ],
  [
    'pipelines',
    { type: 'pipeline' },
    'pipeline',
    { incomplete: ['failed_jobs', 'failed_jobs_count', 'warnings'], failed_jobs_count: null, warnings: null },
  ],
  ['releases', { type: 'release' }, 'release', { incomplete: ['commit_sha'], commit_sha: null }],
];
/** Which of the rows fail, the first created first. */
const places: ReadonlyArray<readonly [string, (count: number) => number[]]> = [
  ['the first', () => [0]],
  ['the last', (count) => [count - 1]],
  ['one in the middle', (count) => [Math.floor(count / 2)]],
  ['many', (count) => [1, 2, count - 2]],
];

describePasses('fields that GitLab cannot answer', (kind) => {
  const given = useSync(kind);

  /** A project with rows of each list; more than a page where `count` is large. */
  const begin = (count: number) => {
    const project = given.world.addProject('acme/shop');
    for (let i = 0; i < count; i++) {
      const mergeRequest = project.openMergeRequest({ title: `${i}`, files: [{ path: 'a.ts', additions: 3, deletions: 1 }] });
      project.approve(mergeRequest, 'ada');
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: `v${i}` });
      given.world.pass(minutes(2));
    }
    return project;
  };
  const poison = (field: Field, indexes: readonly number[]) => {
    const [project] = given.world.projects;
    for (const index of indexes) {
      const [mergeRequest, pipeline, release] = [project?.mergeRequests[index], project?.pipelines[index], project?.releases[index]];
      const id = {
        mergeRequest: { iid: mergeRequest?.iid ?? 0 },
        pipeline: { id: pipeline?.id ?? 0 },
        release: { name: release?.tag ?? '' },
      }[field.type as 'release'];
      given.world.poisons.add({ ...field, ...id, how: 'null-field', projectId: project?.id ?? 0 });
    }
  };
  const rowsOf = async (prefix: string) => [...(await given.rows()).values()].filter(({ event_id }) => event_id.startsWith(`${prefix}-`));
  const incomplete = async (prefix: string) => (await rowsOf(prefix)).filter(({ metadata }) => 'incomplete' in metadata);

  test.each(notEmpty(lists.flatMap((list) => places.map(([place, indexes]) => [list[0], place, { list, indexes }] as const))))(
    'of %s stop nothing: %s, %o',
    async (_, __, { list: [, field, prefix, metadata], indexes }) => {
      begin(8);
      const bad = indexes(8);
      poison(field, bad);
      const report = await given.sync({ syncLimit: 'all' });
      expect(await rowsOf(prefix)).toHaveLength(8);
      expect((await incomplete(prefix)).map((row) => row.metadata)).toEqual(bad.map(() => expect.objectContaining(metadata) as unknown));
      expect(report.problems.filter(({ expected }) => !expected)).toMatchObject([{ project: 'acme/shop', outcome: 'partial' }]);
      given.world.poisons.clear();
      given.world.pass(minutes(5));
      await given.sync({ reconcileInterval: 0 });
      expect(await incomplete(prefix)).toEqual([]);
    },
  );

  test.each(notEmpty(lists))('of %s never replace what is known, and make no version: %s', async (_, field, prefix) => {
    begin(3);
    await given.sync();
    const before = await rowsOf(prefix);
    poison(field, [0, 1, 2]);
    given.world.pass(minutes(5));
    await given.sync({ reconcileInterval: 0 });
    const { incomplete: named, ...known } = (await rowsOf(prefix))[0]?.metadata ?? {};
    expect(named).not.toEqual([]);
    expect(known).toEqual(before[0]?.metadata);
    expect((await rowsOf(prefix)).map(({ description }) => description)).toEqual(before.map(({ description }) => description));
    const versions = await given.database.em
      .fork()
      .execute<unknown[]>(
        `select 1 from change_event_versions v join change_events e on e.id = v.change_event_id where e.connection_id = ? and v.version > 1`,
        [given.connectionId],
      );
    expect(versions).toEqual([]);
    given.world.poisons.clear();
    given.world.pass(minutes(5));
    await given.sync({ reconcileInterval: 0 });
    expect(await rowsOf(prefix)).toEqual(before.map((row) => expect.objectContaining({ metadata: row.metadata }) as unknown));
  });

  test('of a merge request in the middle of many pages cost a handful of requests', async () => {
    const project = begin(1);
    project.largestPage = 10;
    for (let i = 0; i < 60; i++) project.openMergeRequest({ title: `more ${i}` });
    const requestsOf = async () => {
      given.fake.seen.length = 0;
      await given.sync({ syncLimit: 'all' });
      return given.fake.seen.length;
    };
    poison({ type: 'mergeRequest' }, [30]);
    const withOne = await requestsOf();
    expect(await rowsOf('mr')).toHaveLength(61);
    expect(await incomplete('mr')).toHaveLength(1);
    given.world.poisons.clear();
    await given.database.em.fork().execute('delete from gitlab_projects where connection_id = ?', [given.connectionId]);
    expect(withOne - (await requestsOf())).toBeLessThanOrEqual(3);
  });
});
