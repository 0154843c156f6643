import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pullSchema } from '../../scripts/schema-pull.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { latest } from '../../fake-gitlab/graphql/variant.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { fetchFrom } from '../support/fake.ts';

const slice = readFileSync('schema/gitlab.graphql', 'utf8');
const url = 'https://gitlab.example.com/gitlab';

let folder: string;
let world: World;
let fake: FakeGitlab;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gitlab-connector-schema-'));
  for (const name of ['queries', 'schema']) cpSync(name, path.join(folder, name), { recursive: true });
  world = new World();
  fake = createFakeGitlab(world);
});
afterEach(() => rmSync(folder, { recursive: true }));

const schemaFile = () => path.join(folder, 'schema/gitlab.graphql');
const written = () => readFileSync(schemaFile(), 'utf8');

async function pull(args: readonly string[], env: Readonly<Record<string, string>> = {}, fetch = fetchFrom(fake)) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await pullSchema(args, { env, folder, fetch, out: (line) => out.push(line), err: (line) => err.push(line) });
  return { code, out, err };
}

describe('pulling the schema', () => {
  test.each([
    ['with a token', ['--url', url, '--token', goodToken], {}],
    ['with the token of the environment', ['--url', `${url}/`], { GITLAB_TOKEN: goodToken }],
    ['as a guest', ['--url', url], { GITLAB_TOKEN: '' }],
  ])('of the GitLab that the slice is of changes no byte (%s)', async (_, args, env) => {
    expect(await pull(args, env)).toEqual({ code: 0, out: [`schema/gitlab.graphql is up to date with ${url}`], err: [] });
    expect(written()).toBe(slice);
    expect(fake.seen.length).toBeLessThan(30);
    expect(fake.seen.every(({ operation }) => operation === 'Types')).toBe(true);
  });

  test('writes a slice that was empty from the queries alone', async () => {
    writeFileSync(schemaFile(), 'type Query {\n  group(fullPath: ID!): Group\n}\n\ntype Group {\n  id: ID\n}\n');
    const { code, out } = await pull(['--url', url]);
    expect(code).toBe(1);
    expect(out).toContain(
      "  Field 'id' was removed from object type 'Group' (queries/group-changes.graphql, queries/group-projects.graphql, queries/group-rows.graphql)",
    );
    expect(out).toContain("  Type 'CiStage' was added (queries/jobs.graphql)");
    expect(out.join('\n')).not.toContain('CiStage.name');
    expect(written()).toBe(slice);
  });

  test('says what breaks, what is deprecated and what is new, and which queries that touches', async () => {
    const edit = (sdl: string) =>
      sdl
        .replace('  downvotes: Int!', '  downvotes: Int! @deprecated(reason: "Use votes. Deprecated in GitLab 19.0.")')
        .replace('ref: String, source', 'ref: String @deprecated(reason: "Use refs"), source')
        .replace('  draft: Boolean!', '  draft: Boolean')
        .replace(/(type Pipeline \{[^}]*) {2}sha: String\n/, '$1  sha: String!\n')
        .replace('  CANCELING\n', '  CANCELING\n  ASLEEP @deprecated(reason: "Is awake")\n');
    const lacks = ['MergeRequest.upvotes', 'MergeRequest.author', 'Pipeline.jobs(retried:)', 'MergeStatus', 'ReleaseSort.CREATED_DESC'];
    world.schema = { ...latest, lacks: [...lacks, 'CiJobStatus.MANUAL'], edit };
    const { code, out, err } = await pull(['--url', url]);
    expect({ code, err }).toEqual({ code: 1, err: [] });
    const jobs = 'queries/jobs.graphql, queries/pipeline-jobs.graphql, queries/pipeline.graphql';
    expect(out).toEqual([
      'breaking:',
      "  Field 'author' was removed from object type 'MergeRequest' (queries/merge-request-base.graphql)",
      "  Field 'mergeStatusEnum' was removed from object type 'MergeRequest' (queries/merge-request.graphql)",
      "  Field 'upvotes' was removed from object type 'MergeRequest' (queries/merge-request-base.graphql)",
      "  Field 'MergeRequest.draft' changed type from 'Boolean!' to 'Boolean' (queries/merge-request-base.graphql)",
      "  Argument 'retried: Boolean' was removed from field 'Pipeline.jobs' (queries/pipeline-jobs.graphql, queries/pipeline.graphql)",
      `  Enum value 'MANUAL' was removed from enum 'CiJobStatus' (${jobs})`,
      "  Enum value 'CREATED_DESC' was removed from enum 'ReleaseSort' (queries/changes.graphql, queries/release-cursors.graphql, queries/release-page.graphql, queries/rows.graphql)",
      'deprecated:',
      '  MergeRequest.downvotes: Use votes. Deprecated in GitLab 19.0. (queries/merge-request-base.graphql)',
      '  Project.pipelines.ref: Use refs (queries/changes.graphql, queries/pipeline-cursors.graphql, queries/pipeline-identities.graphql, queries/pipeline-page.graphql, queries/project-counts.graphql, queries/rows.graphql)',
      `  CiJobStatus.ASLEEP: Is awake (${jobs})`,
      'added:',
      `  Enum value 'ASLEEP' was added to enum 'CiJobStatus' (${jobs})`,
      'changed:',
      "  Field 'Pipeline.sha' changed type from 'String' to 'String!' (queries/pipeline-base.graphql)",
      'schema/gitlab.graphql was written. Next: npm run codegen, then npm run check:types',
    ]);
    expect(written()).not.toContain('upvotes');
    expect(written()).toContain('  CANCELING\n  ASLEEP\n');
    expect(written()).not.toContain('deprecated');
  });

  test('says what is required anew, and what a query asks for that never was there', async () => {
    const edit = (sdl: string) => sdl.replace('release(tagName: String!)', 'release(tagName: String!, kind: ReleaseSort!)');
    world.schema = { ...latest, edit };
    writeFileSync(path.join(folder, 'queries/label.graphql'), 'fragment Label on Label {\n  title\n  colour\n}\n');
    const { code, out } = await pull(['--url', url, '--check']);
    expect(code).toBe(1);
    expect(out).toEqual([
      'breaking:',
      '  Cannot query field "colour" on type "Label". (queries/label.graphql:3)',
      '  Field "release" argument "kind" of type "ReleaseSort!" is required, but it was not provided. (queries/release-assets.graphql:4)',
      '  Field "release" argument "kind" of type "ReleaseSort!" is required, but it was not provided. (queries/release-light.graphql:4)',
      '  Field "release" argument "kind" of type "ReleaseSort!" is required, but it was not provided. (queries/release-whole.graphql:4)',
      '  Fragment "Label" is never used. (queries/label.graphql:1)',
      `schema/gitlab.graphql is up to date with ${url}`,
    ]);
  });

  test('does not fail a job over what only came to be, and writes nothing with --check', async () => {
    world.schema = { ...latest, edit: (sdl) => sdl.replace('  locked\n', '  locked\n  frozen\n') };
    const { code, out } = await pull(['--url', url, '--check']);
    expect(code).toBe(0);
    expect(out).toEqual([
      'added:',
      "  Enum value 'frozen' was added to enum 'MergeRequestState' (queries/changes.graphql, queries/merge-request-base.graphql, queries/merge-request-cursors.graphql, queries/merge-request-page.graphql, queries/project-counts.graphql, queries/rows.graphql)",
      `schema/gitlab.graphql is not up to date with ${url}, and was not written because of --check`,
    ]);
    expect(written()).toBe(slice);
  });

  test('says that a type is of a kind that no slice holds, and goes on', async () => {
    world.schema = {
      ...latest,
      edit: (sdl) => `${sdl.replace(/type CiStage \{[^}]*\}/, 'union CiStage = Stage')}\ntype Stage { name: String }`,
    };
    const { code, out } = await pull(['--url', url, '--check']);
    expect(code).toBe(1);
    expect(out).toContain("  Type 'CiStage' is of the kind UNION: scripts/ has to learn to slice it");
  });
});

describe('wrong usage is one line and code 2', () => {
  const usage = 'usage: npm run schema:pull -- --url https://gitlab.example.com [--token …] [--check]';

  test.each<[string, string[], Record<string, string>, string]>([
    ['no URL', [], {}, `--url is missing; ${usage}`],
    ['no URL at all', ['--url', 'gitlab'], {}, '--url must be an http:// or https:// URL'],
    ['a user name', ['--url', 'https://me:secret@host'], {}, '--url must hold no user name'],
    ['a token in clear text', ['--url', 'http://gitlab.example.com', '--token', 'secret'], {}, '--url must be an https:// URL: over'],
    ['a wrong setting', ['--url', url], { REQUEST_TIMEOUT: 'long' }, 'REQUEST_TIMEOUT must be'],
  ])('%s', async (_, args, env, line) => {
    const { code, out, err } = await pull(args, env);
    expect({ code, out, lines: err.length }).toEqual({ code: 2, out: [], lines: 1 });
    expect(err[0]).toContain(`ERROR: ${line}`);
    expect(err[0]).not.toContain('secret');
    expect(fake.seen).toEqual([]);
  });

  test('--help is no mistake', async () => {
    expect(await pull(['--help'])).toEqual({ code: 0, out: [usage], err: [] });
  });

  test('an unknown flag', async () => {
    const { code, err } = await pull(['--nope']);
    expect(code).toBe(2);
    expect(err).toHaveLength(1);
    expect(err[0]).toContain("'--nope'");
  });
});

describe('a GitLab that does not answer is one line and code 3', () => {
  const answering =
    (body: string, status = 200, type = 'application/json') =>
    async () =>
      new Response(body, { status, headers: { 'content-type': type } });
  const refused = Object.assign(new TypeError('fetch failed'), { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });

  test.each<[string, typeof globalThis.fetch, string]>([
    ['unreachable', async () => Promise.reject(refused), 'cannot reach https://gitlab.example.com (connect ECONNREFUSED'],
    ['HTML', answering('<html></html>', 200, 'text/html'), 'something in front of GitLab answers Types'],
    ['an error', answering('', 503), 'GitLab failed on Types (503)'],
    ['no introspection', answering('{"errors":[{"message":"not today"}]}'), 'GitLab could not answer Types: not today'],
    ['only half of it', answering('{"data":{"type0":null},"errors":[{"message":"Timeout on Query.__type"}]}'), 'Timeout on Query.__type'],
  ])('%s', async (_, fetch, line) => {
    const { code, out, err } = await pull(['--url', url, '--token', 'glpat-secret'], { MAX_ATTEMPTS: '1' }, fetch);
    expect({ code, out, lines: err.length }).toEqual({ code: 3, out: [], lines: 1 });
    expect(err[0]).toContain(line);
    expect(err[0]).not.toContain('glpat-secret');
    expect(written()).toBe(slice);
  });

  test('a token that is refused, which is not shown', async () => {
    const { code, out, err } = await pull(['--url', url], { GITLAB_TOKEN: 'glpat-secret' });
    expect({ code, out, lines: err.length }).toEqual({ code: 3, out: [], lines: 1 });
    expect(err[0]).toContain('GitLab refused the token');
    expect(err[0]).not.toContain('glpat-secret');
    expect(written()).toBe(slice);
  });
});

test('it runs as npm runs it', async () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['schema:pull']).toBe('tsx scripts/schema-pull.ts');
  const served = await serve(fake, '/gitlab');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, GITLAB_TOKEN: goodToken };
  const ended = await new Promise((resolve) => {
    execFile('tsx', ['scripts/schema-pull.ts', '--url', served.url, '--check'], { env }, (error, out, err) => resolve({ error, out, err }));
  });
  expect(ended).toEqual({ error: null, out: `schema/gitlab.graphql is up to date with ${served.url}\n`, err: '' });
  await served.close();
});
