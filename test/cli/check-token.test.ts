import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CheckReport } from '../../src/index.ts';
import { html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeToken } from '../../fake-gitlab/world/world.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { runCli } from '../support/run-cli.ts';
import { skippedIn, startChecking } from './checking.ts';
import type { Checked, Checking } from './checking.ts';

let checking: Checking;

beforeEach(async () => {
  checking = await startChecking();
});

afterEach(() => checking.close());

describe('the check of the token', () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

  /** Runs the check with a token that GitLab knows. */
  async function checkToken(token: Partial<FakeToken>, text = 'glpat-another-token'): Promise<Checked> {
    checking.world.tokens.set(text, { state: 'active', scopes: ['read_api'], ...token });
    const { code, out } = await runCli(['check', '--json'], { ...checking.env, GITLAB_TOKEN: text });
    expect(out).not.toContain(text);
    const report = JSON.parse(out) as CheckReport;
    return { ...report, code, of: (name) => report.checks.findLast((entry) => entry.check === name) };
  }

  test.each<[string, Partial<FakeToken>, string]>([
    ['a person', { name: 'painchain', username: 'grace' }, 'personal access token "painchain" of grace'],
    ['a project', { username: 'project_101_bot_0fa4e12c' }, 'project access token "connector" of project_101_bot_0fa4e12c'],
    ['a group', { username: 'group_7_bot_0fa4e12c' }, 'group access token "connector" of group_7_bot_0fa4e12c'],
    ['an application', { kind: 'oauth', expiresInSeconds: null }, 'OAuth token of ada'],
  ])('names the kind and the owner of the token of %s', async (_, token, detail) => {
    const checked = await checkToken(token);
    expect(checked).toMatchObject({ code: 0, result: 'ok' });
    expect(checked.of('token')).toEqual({ check: 'token', result: 'ok', detail });
  });

  test('reads the token from its file, and names the file in the advice', async () => {
    const file = path.join(checking.folder, 'token');
    const { GITLAB_TOKEN: _, ...others } = checking.env;
    const checkFile = async (text: string) => {
      await writeFile(file, `${text}\n`);
      const { code, out, err } = await runCli(['check', '--json'], { ...others, GITLAB_TOKEN_FILE: file });
      if (out === '') return { code, err, of: () => undefined };
      expect(out).not.toContain(text);
      const report = JSON.parse(out) as CheckReport;
      return { code, err, of: (name: string) => report.checks.findLast((entry) => entry.check === name) };
    };
    const good = await checkFile(goodToken);
    expect(good.code).toBe(0);
    expect(good.of('token')?.detail).toBe(`personal access token "connector" of ada from ${file}`);
    const unusable = await checkFile('gldt-a-deploy-token');
    expect(unusable.of('token')).toMatchObject({
      result: 'failure',
      detail: expect.stringContaining('deploy token'),
      fix: expect.stringMatching(/write it into .*token \(GITLAB_TOKEN_FILE\)$/),
    });
    expect(await checkFile('')).toMatchObject({ code: 2, err: expect.stringContaining('GITLAB_TOKEN_FILE) is empty') });
  });

  test('warns of an administrator’s token and of a token that may write', async () => {
    const admin = await checkToken({ isAdmin: true, username: 'root' });
    expect(admin).toMatchObject({ code: 0, result: 'warning' });
    expect(admin.of('token')).toMatchObject({
      result: 'warning',
      detail:
        'personal access token "connector" of root, an administrator: it can change everything, and its queries may cost 300 points where others have 250',
    });
    const broad = await checkToken({ scopes: ['api', 'read_user', 'sudo'] });
    expect(broad.of('token-scopes')).toEqual({
      check: 'token-scopes',
      result: 'warning',
      detail: 'more than is needed: api, sudo',
      fix: 'read_api is enough: make a token with this scope alone',
    });
  });

  test('warns of a token that expires soon, with the date', async () => {
    const soon = await checkToken({ expiresOn: inDays(30) });
    expect(soon.of('token-expiry')).toMatchObject({ result: 'warning', detail: `it expires on ${inDays(30)} (in 29 days)` });
    expect((await checkToken({ expiresOn: inDays(32) })).of('token-expiry')).toMatchObject({ result: 'ok' });
    const oauth = await checkToken({ kind: 'oauth' });
    expect(oauth.of('token-expiry')).toMatchObject({
      result: 'warning',
      detail: expect.stringContaining('(within a day)'),
      fix: 'use a project or group access token: the connector does not renew OAuth tokens',
    });
  });

  test.each<[string, Partial<FakeToken>, RegExp]>([
    ['has ended', { state: 'expired' }, /^GitLab refused the token \(401 on GET personal_access_tokens\/self: Token is expired/],
    ['was revoked', { state: 'revoked' }, /: Token was revoked/],
  ])('fails for a token that %s, and runs only the checks that need no token', async (_, token, detail) => {
    const checked = await checkToken(token);
    expect(checked).toMatchObject({ code: 1, result: 'failure' });
    expect(checked.of('url')).toMatchObject({ result: 'ok', detail: `a GitLab answers at ${checking.served.url}, but refuses the token` });
    expect(checked.of('token')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(detail),
      fix: expect.stringContaining('read_api'),
    });
    expect(skippedIn(checked)).toMatchObject({
      version: 'GitLab returns its version only to a valid token',
      'token-scopes': 'not checked, because "token" failed',
      projects: 'not checked, because "token" failed',
    });
    expect(checked.of('database')).toMatchObject({ result: 'ok' });
  });

  test('names the kind of a token that the API does not accept, by its prefix', async () => {
    const { code, out } = await runCli(['check', '--json'], { ...checking.env, GITLAB_TOKEN: 'gldt-secret' });
    expect(code).toBe(1);
    expect(out).toContain("it looks like a deploy token, which GitLab's API does not accept");
    expect(out).not.toContain('gldt-secret');
    expect((await runCli(['check'], { ...checking.env, GITLAB_TOKEN: 'glcbt-64_x' })).out).toContain('it looks like a CI/CD job token');
  });

  test('says that the scope of a token is too small, although GraphQL only calls the token invalid', async () => {
    const { code, of } = await checkToken({ scopes: ['read_repository', 'read_user'] });
    expect(code).toBe(1);
    expect(of('token')).toMatchObject({ result: 'ok' });
    expect(of('token-scopes')).toMatchObject({
      result: 'failure',
      detail: 'read_api is missing: its scopes are read_repository, read_user',
      fix: expect.stringContaining('make a personal, project or group access token with the scope read_api'),
    });
    expect(of('projects')).toMatchObject({ result: 'skipped', detail: 'not checked, because "token-scopes" failed' });
  });

  test('fails for a fine-grained token, whether it may read about itself or not', async () => {
    const detail = 'fine-grained personal access token';
    const silent = await checkToken({ scopes: ['granular'] });
    expect(silent.code).toBe(1);
    expect(silent.of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining(detail) });
    expect(silent.of('version')).toMatchObject({ result: 'skipped' });
    const open = await checkToken({ scopes: ['granular'], readsItself: true });
    expect(open.of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining(`${detail} "connector"`) });
  });

  test('fails for the token of a blocked user, with GitLab’s message', async () => {
    checking.fake.intercept = (_, { kind }) =>
      kind === 'graphql'
        ? new Response(JSON.stringify({ errors: [{ message: 'API not accessible for user' }] }), { status: 403 })
        : undefined;
    const { code, of } = await checking.check();
    expect(code).toBe(1);
    expect(of('token')).toMatchObject({ result: 'failure', detail: expect.stringContaining('API not accessible for user') });
  });

  test('passes a token that GitLab accepts but cannot describe', async () => {
    checking.fake.intercept = (_, { operation }) => (/token/.test(operation) ? html(checking.world, 404, 'Not found') : undefined);
    const { code, of } = await checking.check();
    expect(code).toBe(0);
    expect(of('token')).toMatchObject({
      result: 'skipped',
      detail: expect.stringMatching(/^GitLab accepts the token, but does not return its kind/),
    });
    expect(of('projects')).toMatchObject({ result: 'ok' });
  });
});
