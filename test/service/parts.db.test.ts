import { expect, test } from 'vitest';
import { endParts, partsOfConnection, syncPart } from '../../src/operations/sync-part.ts';
import type { Part, Parts } from '../../src/pass/part.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { describeDatabases } from '../support/databases.ts';
import { useSync } from '../operations/fixture.ts';

describeDatabases('a connection in parts', (kind) => {
  const given = useSync(kind);
  const input = (config: object = {}) => ({
    em: given.database.em,
    config: { token: given.token, url: 'https://gitlab.example.com', repos: 'acme', ...config },
    connectionId: given.connectionId,
  });
  const listed = async (config?: object): Promise<Exclude<Parts, { kind: 'whole' }>> => {
    const parts = await partsOfConnection(input(config));
    if ('error' in parts || parts.kind === 'whole') throw new Error(JSON.stringify(parts));
    return parts;
  };
  const read = async (ids: Part) => {
    const report = await syncPart(input(), ids);
    if ('error' in report) throw new Error(report.error);
    return report;
  };
  const addProjects = (count: number) => {
    for (let i = 0; i < count; i++) given.world.addProject(`acme/p${i}`).openMergeRequest({ title: 'x' });
  };
  const goneAndUnselected = async () => {
    const rows = await given.database.em
      .fork()
      .execute<Array<{ full_path: string; gone: boolean; unselected: boolean }>>(
        'select full_path, gone_at is not null as gone, unselected_at is not null as unselected from gitlab_projects where connection_id = ? order by 1',
        [given.connectionId],
      );
    return rows.filter(({ gone, unselected }) => gone || unselected);
  };

  test('is split into parts of ten new or fifty known projects, which together read what one pass reads', async () => {
    addProjects(60);
    const first = await listed();
    expect(first.parts.map(({ length }) => length)).toEqual([10, 10, 10, 10, 10, 10]);
    expect(first.report).toMatchObject({ fetched: 0, problems: [] });
    expect(await given.ids()).toEqual([]);
    for (const part of first.parts) expect(await read(part)).toMatchObject({ projects: 10, fetched: 10, stored: 10, problems: [] });
    expect(await endParts(input())).toBeUndefined();
    expect(await given.ids()).toHaveLength(60);

    given.world.pass(minutes(5));
    const changed = given.world.projects[7];
    changed?.openMergeRequest({ title: 'new' });
    const second = await listed();
    expect(second.parts.map(({ length }) => length)).toEqual([50, 10]);
    const reports = await Promise.all(second.parts.map(read));
    expect(reports.map(({ requests }) => requests.graphql)).toEqual([1, 1]);
    expect(reports.reduce((sum, { stored }) => sum + stored, 0)).toBe(1);
    expect(await given.sync({ repos: 'acme' })).toMatchObject({ stored: 0, problems: [] });
  });

  test('is not split when few projects are known, because one pass needs fewer requests', async () => {
    addProjects(3);
    await given.sync({ repos: 'acme' });
    const before = given.fake.seen.length;
    expect(await partsOfConnection(input())).toEqual({ kind: 'whole' });
    expect(given.fake.seen).toHaveLength(before);
  });

  test('names entries that are not found, and stores which projects are gone or no longer selected', async () => {
    addProjects(60);
    for (const part of (await listed()).parts) await read(part);
    const [deleted, left] = given.world.projects;
    if (!deleted || !left) throw new Error('no projects');
    given.world.deleteProject(deleted);
    left.moveTo('elsewhere/p1');
    const { parts, report } = await listed({ repos: 'acme,acme/typo' });
    expect(parts.flat()).toHaveLength(58);
    expect(report.problems).toMatchObject([
      { project: 'acme/p0', outcome: 'gone' },
      { project: 'acme/typo', outcome: 'failed' },
    ]);
    expect(await goneAndUnselected()).toEqual([
      { full_path: 'acme/p0', gone: true, unselected: false },
      { full_path: 'acme/p1', gone: false, unselected: true },
    ]);
  });

  test('stores that a project is gone that was deleted between listing and reading', async () => {
    addProjects(12);
    for (const part of (await listed()).parts) await read(part);
    const [deleted] = given.world.projects;
    if (!deleted) throw new Error('no projects');
    given.world.deleteProject(deleted);
    expect(await read([deleted.id, deleted.id + 1])).toMatchObject({ projects: 1, problems: [{ project: 'acme/p0', outcome: 'gone' }] });
    expect(await goneAndUnselected()).toEqual([{ full_path: 'acme/p0', gone: true, unselected: false }]);
  });

  test('skips a part during a pass over all projects, and such a pass during a part', async () => {
    addProjects(2);
    const [id = 0] = given.world.projects.map((project) => project.id);
    let inside: unknown;
    given.fake.intercept = async () => {
      given.fake.intercept = undefined;
      inside = [await syncPart(input(), [id]), await partsOfConnection(input())];
      return undefined;
    };
    await given.sync({ repos: 'acme' });
    expect(inside).toMatchObject([{ code: 'busy' }, { code: 'busy' }]);
    given.fake.intercept = async () => {
      given.fake.intercept = undefined;
      inside = [await given.run({ repos: 'acme' }), await syncPart(input(), [id]), await syncPart(input(), [id + 1])];
      return undefined;
    };
    await read([id]);
    expect(inside).toMatchObject([{ code: 'busy' }, { code: 'busy' }, { projects: 1 }]);
  });

  test('links the events of the projects of each part', async () => {
    const project = given.world.addProject('acme/shop');
    const other = given.world.addProject('acme/other');
    for (const one of [project, other]) {
      one.git.commit('main', { title: 'x' });
      one.startPipeline({ ref: 'main' });
      one.createRelease({ tag: 'v1' });
    }
    await read([project.id]);
    const rows = await given.rows();
    expect(rows.get('release-acme/shop-v1')?.description.related_events).toEqual([expect.stringMatching(/^pipeline-acme\/shop-/)]);
    expect([...rows.keys()].some((id) => id.includes('other'))).toBe(false);
  });
});
