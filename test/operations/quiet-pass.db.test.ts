import { Client } from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { readCoverage } from '../../src/index.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describePasses } from '../support/databases.ts';
import { useSync } from './fixture.ts';

describePasses('a pass over projects in which nothing has changed', (kind) => {
  const given = useSync(kind);
  const config = { branches: 'main', projectLimit: 0, reconcileInterval: 86_400, maxRequestsPerMinute: 0 };
  const pass = async () => {
    given.world.pass(minutes(10));
    const report = await given.sync(config);
    return { stored: report.stored, problems: report.problems };
  };
  const quiet = { stored: 0, problems: [] };
  const fill = (count: number): FakeProject[] =>
    Array.from({ length: count }, (_, index) => {
      const project = given.world.addProject(`acme/p${index}`);
      project.git.commit('main', { title: 'Change' });
      project.openMergeRequest({ title: 'Change', targetBranch: 'main' });
      project.startPipeline({ ref: 'main' });
      project.createRelease({ tag: 'v1' });
      project.pushTag(project.addImageRepository('web'), '1.0');
      return project;
    });
  const settle = async () => {
    await pass();
    await pass();
    await pass();
  };

  /** The versions of all rows of all tables: a row that is written gets another one. */
  const versions = async () => {
    const tables = await given.database.em
      .fork()
      .execute<Array<{ name: string }>>(
        `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
      );
    const rows = tables.map(({ name }) => `select '${name}' as name, ctid::text as place, xmin::text as version from "${name}"`);
    return given.database.em.fork().execute<Array<{ name: string; place: string; version: string }>>(rows.join(' union all '));
  };
  /** The tables of the rows that a pass writes and that stay. */
  const writtenBy = async (action: () => Promise<unknown>): Promise<string[]> => {
    const before = new Set((await versions()).map((row) => JSON.stringify(row)));
    await action();
    const written = (await versions()).filter((row) => !before.has(JSON.stringify(row)));
    return written.map(({ name }) => name).toSorted();
  };
  /** Until when each stream of a project was read, in minutes before the last pass. */
  const readBefore = async (project: FakeProject) => {
    const entries = await readCoverage(given.database.em, { connectionIds: [given.connectionId], projects: [project.fullPath] });
    const ages = entries.map(({ readUntil }) => Math.round((given.world.now / 1000 - Date.parse(readUntil ?? '')) / 60_000));
    return [...new Set(ages)];
  };
  const constantRows = ['connections', 'gitlab_pass_locks', 'gitlab_shared_times'];

  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('writes no row of theirs, and says until when they were read', async () => {
    const [first] = fill(30) as [FakeProject];
    await settle();
    expect(await writtenBy(async () => expect(await pass()).toEqual(quiet))).toEqual(constantRows);
    expect(await readBefore(first)).toEqual([0]);
  });

  test('writes the rows of the one that has changed, which then is as quiet as the others', async () => {
    const [first] = fill(10) as [FakeProject];
    await settle();
    first.openMergeRequest({ title: 'more', targetBranch: 'main' });
    const written = await writtenBy(async () => expect(await pass()).toEqual({ stored: 1, problems: [] }));
    expect(written.filter((name) => name === 'gitlab_stream_state').length).toBeLessThan(10);
    expect(written).not.toContain('gitlab_projects');
    await settle();
    expect(await writtenBy(pass)).toEqual(constantRows);
  });

  test('leaves the times of a project that was not read as they were', async () => {
    const [first, second] = fill(10) as [FakeProject, FakeProject];
    await settle();
    given.world.deleteProject(first);
    await pass();
    await pass();
    expect([await readBefore(first), await readBefore(second)]).toEqual([[20], [0]]);
    expect(await writtenBy(pass)).toEqual(constantRows);
  });

  const fewStatements = [
    [10, 45],
    [130, 65],
  ] as const;
  test.each(kind === 'postgres' ? fewStatements : [])('over %i projects: at most %i statements to the database', async (projects, most) => {
    fill(projects);
    await settle();
    const query = vi.spyOn(Client.prototype, 'query');
    expect(await pass()).toEqual(quiet);
    expect(query.mock.calls.length).toBeGreaterThan(0);
    expect(query.mock.calls.length).toBeLessThanOrEqual(most);
  });
});
