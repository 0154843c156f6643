import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError, UnauthorizedError } from '../../../src/errors.ts';
import { createGitlab } from '../../../src/gitlab/client.ts';
import type { GitlabOptions } from '../../../src/gitlab/client.ts';
import { createHostStates } from '../../../src/gitlab/limits/host-state.ts';
import { silentLogger } from '../../../src/log.ts';
import { openTokenFile } from '../../../src/gitlab/http/token-source.ts';
import { createTestClock } from '../../support/clock.ts';

const url = 'https://gitlab.example.com';
const repository = { projectId: 1, repositoryId: 2 };
const secret = 'glpat-very-secret';
const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

/** A client of a GitLab that is a function of the token it is sent. */
function clientOf(answer: (token: string) => Response | Promise<Response>, options: Partial<GitlabOptions> = {}) {
  const sent: string[] = [];
  const gitlab = createGitlab({
    url,
    token: secret,
    userAgent: 'test',
    concurrency: 4,
    timeoutMs: 5_000,
    host: createHostStates({ clock: createTestClock() }).at(url),
    fetch: async (_, init) => {
      const token = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? 'none';
      sent.push(token);
      await tick();
      return answer(token);
    },
    ...options,
  });
  return { gitlab, sent };
}

const outcomes = async (promises: ReadonlyArray<Promise<unknown>>) =>
  (await Promise.allSettled(promises)).map((result): unknown => (result.status === 'rejected' ? result.reason : result.value));
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

describe('a 401 from GitLab', () => {
  test('fails all 50 waiting requests with the same error, and sends no more than were under way', async () => {
    const { gitlab, sent } = clientOf(() => json(401, { message: '401 Unauthorized' }));
    const errors = await outcomes(times(50, (i) => gitlab.rest.tag(repository, `v${i}`)));
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.length).toBeLessThanOrEqual(4);
    expect(errors[0]).toBeInstanceOf(UnauthorizedError);
    expect(new Set(errors).size).toBe(1);
    const before = sent.length;
    const later = [gitlab.rest.tag(repository, 'later'), gitlab.graphql.MemberProjects({ first: 1, sort: 'id_asc' })];
    expect(new Set([...errors, ...(await outcomes(later))]).size).toBe(1);
    expect(sent.length).toBe(before);
  });

  test('ends requests that wait for a retry or for the end of a pause', async () => {
    const answers = [() => new Response('', { status: 503 }), () => json(401, {})];
    const { gitlab, sent } = clientOf(() => answers.shift()?.() ?? json(200, { name: 'x' }), {
      host: createHostStates({
        clock: {
          ...createTestClock(() => 0.9),
          sleep: (_, signal) =>
            new Promise((__, reject) => {
              signal?.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        },
      }).at(url),
    });
    const errors = await outcomes([gitlab.rest.tag(repository, 'a'), gitlab.rest.tag(repository, 'b')]);
    expect(errors[0]).toBeInstanceOf(UnauthorizedError);
    expect(errors[1]).toBe(errors[0]);
    expect(sent).toHaveLength(2);
  });

  test('does not affect requests to the same GitLab with another token', async () => {
    const hosts = createHostStates({ clock: createTestClock() });
    const answer = (token: string) => (token === 'good' ? json(200, { name: 'x' }) : json(401, {}));
    const bad = clientOf(answer, { host: hosts.at(url) });
    const good = clientOf(answer, { host: hosts.at(url), token: 'good' });
    const all = await outcomes(times(20, (i) => (i % 2 ? good : bad).gitlab.rest.tag(repository, `v${i}`)));
    expect(all.filter((one) => one instanceof UnauthorizedError)).toHaveLength(10);
    expect(all.filter((one) => !(one instanceof Error))).toHaveLength(10);
  });
});

describe('a token in a file', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-token-'));
    file = path.join(folder, 'token');
  });
  afterAll(() => rm(folder, { recursive: true }));
  const issue = (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      (error: unknown) => {
        expect(error).toBeInstanceOf(ConfigurationError);
        return (error as Error).message;
      },
    );

  test('is read without the white space around it', async () => {
    await writeFile(file, `\n ${secret} \r\n`);
    expect((await openTokenFile(file)).current()).toBe(secret);
  });

  test('that was replaced is read again after a 401: nothing fails, and all requests use the new token', async () => {
    await writeFile(file, 'old');
    const token = await openTokenFile(file);
    let valid = 'old';
    const { gitlab, sent } = clientOf((used) => (used === valid ? json(200, { name: 'x' }) : json(401, {})), { token });
    await gitlab.rest.tag(repository, 'before');
    valid = 'new';
    await writeFile(file, 'new\n');
    const all = await outcomes(times(20, (i) => gitlab.rest.tag(repository, `v${i}`)));
    expect(all.filter((one) => one instanceof Error)).toEqual([]);
    // Those that were under way are sent once more.
    expect(sent.filter((used) => used === 'old')).toHaveLength(1 + 4);
    expect(sent.filter((used) => used === 'new')).toHaveLength(20);
  });

  test('that was not replaced, or was replaced by a wrong token, fails as a refused token', async () => {
    await writeFile(file, 'old');
    const same = clientOf(() => json(401, {}), { token: await openTokenFile(file), concurrency: 1 });
    await expect(same.gitlab.rest.tag(repository, 'x')).rejects.toThrow(UnauthorizedError);
    expect(same.sent).toEqual(['old']);
    const wrong = clientOf(() => json(401, {}), { token: await openTokenFile(file), concurrency: 1 });
    await writeFile(file, 'wrong');
    await expect(wrong.gitlab.rest.tag(repository, 'x')).rejects.toThrow(UnauthorizedError);
    expect(wrong.sent).toEqual(['old', 'wrong']);
  });

  test('that cannot be used is an error with the file’s name and without its content', async () => {
    const missing = path.join(folder, 'missing');
    expect(await issue(openTokenFile(missing))).toMatch(
      new RegExp(`^the token file ${missing} \\(GITLAB_TOKEN_FILE\\) cannot be read: ENOENT: .*$`),
    );
    expect(await issue(openTokenFile(folder))).toMatch(/\(GITLAB_TOKEN_FILE\) cannot be read: EISDIR/);
    await writeFile(file, ' \n');
    expect(await issue(openTokenFile(file))).toBe(`the token file ${file} (GITLAB_TOKEN_FILE) is empty`);
    for (const text of ['glpat-a\nglpat-b', 'TOKEN = glpat-a', 'glpat-ä', 'glpat-\u0000']) {
      await writeFile(file, text);
      const message = await issue(openTokenFile(file));
      expect(message).toBe(`the token file ${file} (GITLAB_TOKEN_FILE) must hold a token and nothing else, in one line`);
    }
  });

  test('that is deleted before it is read again fails all requests with that reason', async () => {
    await writeFile(file, 'old');
    const { gitlab, sent } = clientOf(() => json(401, {}), { token: await openTokenFile(file) });
    await rm(file);
    const errors = await outcomes(times(20, (i) => gitlab.rest.tag(repository, `v${i}`)));
    expect(errors[0]).toBeInstanceOf(ConfigurationError);
    expect(new Set(errors).size).toBe(1);
    expect(sent.length).toBeLessThanOrEqual(4);
  });
});

describe('the token is in no log line and no error after', () => {
  const everything = (value: unknown) => inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null });

  test.each<[string, (token: string) => Response]>([
    ['an error that repeats it', (token) => json(400, { message: `unknown token ${token}` })],
    ['a refusal that repeats it', (token) => json(401, { errors: [{ message: `bad token ${token}` }] })],
    ['an answer that repeats it', (token) => json(200, { name: `tag ${token}` })],
    ['a broken answer that repeats it', (token) => new Response(`{"name":"${token}`, { headers: { 'content-type': 'application/json' } })],
    ['a page that repeats it', (token) => new Response(`<html>${token}`, { status: 502 })],
    ['a redirect that repeats it', (token) => new Response(null, { status: 302, headers: { location: `/login?token=${token}` } })],
    [
      'a fetch whose errors hold the request',
      (token) => {
        throw Object.assign(new Error(`cannot send Bearer ${token}`, { cause: { headers: { authorization: `Bearer ${token}` } } }), {
          systemCode: 'ECONNRESET',
          request: { authorization: `Bearer ${token}` },
        });
      },
    ],
  ])('%s', async (_, answer) => {
    const logged: unknown[] = [];
    const log = (fields: unknown, message: unknown) => logged.push(fields, message);
    const { gitlab, sent } = clientOf(answer, { log: { ...silentLogger, debug: log, info: log, warn: log, error: log } });
    const results = await outcomes([gitlab.rest.tag(repository, 'x'), gitlab.graphql.MemberProjects({ first: 1, sort: 'id_asc' })]);
    expect(sent).toContain(secret);
    expect(everything([results, logged])).not.toContain(secret);
    expect(results.filter((result) => result instanceof Error).length).toBeGreaterThan(0);
  });
});
