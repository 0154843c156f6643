import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckReport } from '../../src/index.ts';
import { checkGitlab } from '../../src/index.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { fetchFrom } from '../support/fake.ts';
import { runCli } from '../support/run-cli.ts';
import { skippedIn, startChecking } from './checking.ts';
import type { Checking } from './checking.ts';

let checking: Checking;

beforeEach(async () => {
  checking = await startChecking();
});

afterEach(() => checking.close());

describe('the check command without a problem', () => {
  test('prints one line for each check, creates nothing and exits with 0', async () => {
    const { code, out, err } = await runCli(['check'], checking.env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).not.toContain(goodToken);
    const lines = out.split('\n').slice(3, -3);
    expect(
      lines.map((line) =>
        line
          .split('│')
          .slice(1, 3)
          .map((cell) => cell.trim()),
      ),
    ).toEqual([
      ['settings', 'ok'],
      ['dns', 'ok'],
      ['network', 'ok'],
      ['url', 'ok'],
      ['version', 'ok'],
      ['clock', 'ok'],
      ['token', 'ok'],
      ['token-scopes', 'ok'],
      ['token-expiry', 'ok'],
      ['projects', 'ok'],
      ['schema', 'ok'],
      ['database', 'ok'],
      ['migrations', 'skipped'],
      ['privileges', 'skipped'],
      ['connection', 'skipped'],
      ['jobs', 'skipped'],
    ]);
    expect(out).toContain('GitLab 18.8.2-ee, Enterprise Edition');
    expect(out).toContain('1 of 1 project can be read');
    expect(out).toMatch(/\n12 ok, 0 warnings, 0 failures, 4 skipped; 4 GraphQL and 1 REST requests\n$/);
    expect(existsSync(checking.env.DATA_DIR ?? '')).toBe(false);
  });

  test('exits with 2 when a setting is wrong', async () => {
    expect(await runCli(['check'], { ...checking.env, GITLAB_URL: 'gitlab' })).toMatchObject({ code: 2, out: '' });
    expect(await runCli(['check'], { DATA_DIR: checking.folder })).toEqual({
      code: 2,
      out: '',
      err: 'ERROR: GITLAB_TOKEN not set [configuration_invalid]\n',
    });
  });

  test('uses the fetch and the database of a library’s caller', async () => {
    const config = { token: goodToken, url: 'https://gitlab.example.com', repos: 'acme/shop' };
    const report = (await checkGitlab(null, config, { fetch: fetchFrom(checking.fake) })) as CheckReport;
    expect(report).toMatchObject({ result: 'ok', requests: { graphql: 4, rest: 1 } });
    expect(skippedIn(report)).toEqual({
      dns: 'requests go through the fetch that was given',
      network: 'requests go through the fetch that was given',
      database: 'no database was given',
      migrations: 'there is no database to check',
      privileges: 'there is no database to check',
      connection: 'there is no database to check',
      jobs: 'there is no database to check',
    });
    const mistyped = (await checkGitlab(
      null,
      { ...config, ...JSON.parse('{"sync_limt": 5}') },
      { fetch: fetchFrom(checking.fake) },
    )) as CheckReport;
    expect(mistyped.checks[0]).toMatchObject({
      check: 'settings',
      result: 'warning',
      detail: expect.stringContaining('; "sync_limt" is not a setting here and is ignored: did you mean "sync_limit"?') as string,
    });
    expect(await checkGitlab(null, {})).toEqual({ error: 'No GitLab token configured', code: 'configuration' });
    expect(await checkGitlab(null, config, { fetch: fetchFrom(checking.fake), signal: AbortSignal.abort() })).toEqual({
      error: 'Stopped before the end',
      code: 'aborted',
    });
  });
});

describe('the check of the projects', () => {
  test('names projects that cannot be read and counts the others, 50 in a request', async () => {
    for (let i = 0; i < 59; i++)
      checking.world.addProject(`big/p${String(i).padStart(2, '0')}`).git.commit('main', { title: 'x', authorName: 'Ada' });
    const [first, second, third] = checking.world.projects.filter(({ fullPath }) => fullPath.startsWith('big/'));
    if (!first || !second || !third) throw new Error('the world has lost its projects');
    first.role = 'guest';
    second.features = { ...second.features, registry: false, ci: false };
    checking.world.addProject('big/empty');
    const { code, checks, of } = await checking.check({ REPOS: 'big,acme/typo,4711' });
    expect(code).toBe(1);
    expect(checks.filter(({ subject }) => subject !== undefined)).toEqual([
      {
        check: 'projects',
        subject: 'acme/typo',
        result: 'failure',
        detail: 'no project or group with this path, or out of sight for this token',
        fix: "check the spelling, or make the token's user a member of it",
      },
      expect.objectContaining({ subject: '4711', result: 'failure' }),
      {
        check: 'projects',
        subject: 'big/p00',
        result: 'failure',
        detail: "the token's role is too low to read merge requests, pipelines, registry images, deployments and commits",
        fix: "give the token's user at least the role Reporter in the project",
      },
    ]);
    expect(of('projects')).toEqual({
      check: 'projects',
      result: 'failure',
      detail: '59 of 62 projects can be read; switched off or empty: pipelines in 1, registry images in 1, deployments in 1, commits in 1',
    });
    expect(checking.fake.seen.filter(({ operation }) => operation === 'ProjectAccess')).toHaveLength(2);
  });

  test('fails when there is no project', async () => {
    for (const project of checking.world.projects) project.isMember = false;
    const { code, of } = await checking.check();
    expect(code).toBe(1);
    expect(of('projects')).toMatchObject({ result: 'failure', detail: 'the token is a member of no project: there is nothing to read' });
  });
});
