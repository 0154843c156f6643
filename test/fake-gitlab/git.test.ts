import { beforeEach, describe, expect, test } from 'vitest';
import { moment, seconds } from '../../fake-gitlab/world/time.ts';
import { createAsking } from './asking.ts';
import type { Asking } from './asking.ts';

let gitlab: Asking;

beforeEach(() => {
  gitlab = createAsking();
});

const list = (query: string) => gitlab.rest(`repository/commits?${query}`);
const titles = async (query: string) => (await list(query)).body.map(({ title }: { title: string }) => title);
const at = moment('2026-11-23T08:00:00Z');

describe('since', () => {
  test('ends the walk at the first older commit: newer ones behind it are not listed', async () => {
    const { git } = gitlab.project;
    for (const [title, second] of [
      ['newer, but behind', 30],
      ['old-dated', 5],
      ['newest', 40],
    ] as const)
      git.commit('main', { title, committedAt: at + seconds(second) });
    expect(await titles('ref_name=main')).toEqual(['newest', 'old-dated', 'newer, but behind']);
    expect(await titles('ref_name=main&since=2026-11-23T08:00:20Z')).toEqual(['newest']);
    expect(await titles('ref_name=main&since=2026-11-23T08:00:05Z')).toHaveLength(3);
  });

  test('goes on along another path', async () => {
    const { git } = gitlab.project;
    const base = git.commit('main', { title: 'base', committedAt: at });
    git.commit('feature', { title: 'of a feature', parents: [base.sha], committedAt: at + seconds(20) });
    git.commit('main', { title: 'of main, old-dated', committedAt: at - seconds(60) });
    git.add({ title: 'nowhere' });
    gitlab.world.pass(seconds(60));
    git.merge('feature', 'main', 'merge');
    expect(await titles('ref_name=main&since=2026-11-23T08:00:10Z')).toEqual(['merge', 'of a feature']);
  });

  test('until leaves newer commits out, and walks on behind them', async () => {
    const { git } = gitlab.project;
    for (const second of [0, 10, 20]) git.commit('main', { title: `at ${second}`, committedAt: at + seconds(second) });
    expect(await titles('ref_name=main&until=2026-11-23T08:00:10Z')).toEqual(['at 10', 'at 0']);
  });
});

describe("a tag of a branch's name", () => {
  beforeEach(() => {
    const { git } = gitlab.project;
    const first = git.commit('main', { title: 'first' });
    git.commit('main', { title: 'second' });
    git.tag('main', first.sha);
  });

  test('wins for a bare name in REST; refs/heads/NAME reads the branch', async () => {
    expect(await titles('ref_name=main')).toEqual(['first']);
    expect(await titles(`ref_name=${encodeURIComponent('refs/heads/main')}`)).toEqual(['second', 'first']);
    expect(await titles('ref_name=refs/tags/main')).toEqual(['first']);
    expect((await gitlab.rest('repository/commits/main')).body.title).toBe('first');
    expect((await gitlab.rest('repository/commits/refs%2Fheads%2Fmain')).body.title).toBe('second');
    expect((await list('ref_name=refs/heads/none')).status).toBe(404);
  });

  test('wins in GraphQL as well', async () => {
    const tree = 'type Repository {\n  tree(ref: String): Tree\n';
    const edit = (sdl: string) =>
      sdl.includes('type Tree') ? sdl : `${sdl.replace('type Repository {\n', tree)}\ntype Tree { lastCommit: Commit }`;
    gitlab.world.schema = { version: '18.8', edition: 'EE', edit };
    const tip = async (ref: string) => {
      const { body } = await gitlab.fields(`repository { tree(ref: "${ref}") { lastCommit { sha } } }`);
      return gitlab.project.git.commits.get(body.data.projects.nodes[0].repository.tree.lastCommit?.sha)?.title;
    };
    expect([await tip('main'), await tip('refs/heads/main'), await tip('none')]).toEqual(['first', 'second', undefined]);
  });

  test('has pipelines with the same bare ref as the branch: the path of the ref tells them apart', async () => {
    for (const isTag of [true, false]) gitlab.project.startPipeline({ ref: 'main', isTag });
    const add = (sdl: string, type: string, field: string) =>
      sdl.includes(`  ${field}`) ? sdl : sdl.replace(`${type} {\n`, `${type} {\n  ${field}\n`);
    const withRefType = (sdl: string) =>
      sdl.includes('refType: ')
        ? sdl
        : `${sdl.replace('pipelines(ref: String,', 'pipelines(ref: String, refType: RefType,')}\nenum RefType { HEADS TAGS }`;
    gitlab.world.schema = { version: '18.8', edition: 'EE', edit: (sdl) => withRefType(add(sdl, 'type Pipeline', 'refPath: String')) };
    const paths = async (args: string) => {
      const { nodes } = (await gitlab.fields(`pipelines(${args}) { nodes { ref refPath } }`)).body.data.projects.nodes[0].pipelines;
      return nodes.map(({ refPath }: { refPath: string }) => refPath);
    };
    expect(await paths('ref: "main"')).toEqual(['refs/heads/main', 'refs/tags/main']);
    expect(await paths('ref: "main", refType: HEADS')).toEqual(['refs/heads/main']);
    expect(await paths('ref: "main", refType: TAGS')).toEqual(['refs/tags/main']);
    // The filter compares the bare name.
    expect(await paths('ref: "refs/heads/main"')).toEqual([]);
  });

  test('keeps its commit when the repository is pruned', () => {
    const { git } = gitlab.project;
    const other = git.commit('other', { title: 'other' });
    git.tag('kept', other.sha);
    git.branches.delete('other');
    git.prune();
    expect(git.commits.has(other.sha)).toBe(true);
  });

  test("a branch's name may hold anything that git allows", async () => {
    for (const branch of ['a,b', 'fix#7', '100%', 'späße/日本']) {
      gitlab.project.git.commit(branch, { title: `on ${branch}` });
      expect(await titles(`ref_name=${encodeURIComponent(`refs/heads/${branch}`)}`)).toEqual([`on ${branch}`]);
    }
  });
});

describe('a repository', () => {
  const inGraphql = async () => (await gitlab.fields('repository { exists empty }')).body.data.projects.nodes[0].repository;

  test('that is empty answers [] in newer versions and 404 in older ones', async () => {
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    gitlab.world.emptyRepository = 'empty';
    expect(await list('ref_name=main')).toMatchObject({ status: 200, body: [] });
    expect(await inGraphql()).toEqual({ exists: true, empty: true });
  });

  test('that does not exist is 404 in every version', async () => {
    gitlab.world.emptyRepository = 'empty';
    gitlab.project.git.exists = false;
    expect(await list('ref_name=main')).toMatchObject({ status: 404, body: { message: '404 Repository Not Found' } });
    expect(await inGraphql()).toEqual({ exists: false, empty: true });
  });
});
