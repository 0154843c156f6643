import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakeGitlab, json } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { printable } from '../../src/printable.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { runCli } from '../support/run-cli.ts';

const bad = '\u001b[2J\u001b]0;owned\u0007 \u009b31m \u202egpj.exe\u2066 \u061c\r\u0085';
let world: World;
let fake: FakeGitlab;
let served: Served;
let database: TestDatabase;
beforeEach(async () => {
  world = new World();
  fake = createFakeGitlab(world);
  served = await serve(fake);
  database = await createTestDatabase('postgres');
});
afterEach(async () => {
  await served.close();
  await database.remove();
});

test('what GitLab says reaches a terminal without control characters, and JSON with all of it', async () => {
  world.tokens.set(goodToken, { state: 'active', scopes: ['read_api'], name: `bot ${bad}` });
  const project = world.addProject('acme/shop');
  project.git.commit('main', { title: `Commit ${bad}`, authorName: `Ada ${bad}` });
  const mergeRequest = project.openMergeRequest({ title: `Odd ${bad}` });
  const forbidden = world.addProject('acme/forbidden');
  forbidden.git.commit('main', { title: 'x', authorName: 'Ada' });
  fake.intercept = (_, { operation }) =>
    operation.includes(`projects/${forbidden.id}/repository`) ? json(world, 403, { message: `No ${bad} entry` }) : undefined;
  const env = {
    GITLAB_TOKEN: goodToken,
    GITLAB_URL: served.url,
    BRANCHES: 'main',
    MAX_ATTEMPTS: '1',
    DATABASE_URL: database.options.databaseUrl ?? '',
  };
  const run = async (...args: readonly string[]) => {
    const { out, err } = await runCli(args, env);
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    expect([args, `${out}${err}`.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]/g)]).toEqual([
      args,
      null,
    ]);
    return out;
  };
  expect(await run('sync')).toContain('No  [2J ]0;owned ');
  expect(await run('events')).toContain('gpj.exe');
  project.editMergeRequest(mergeRequest, { title: `Odder ${bad}` });
  world.pass();
  const report = JSON.parse(await run('sync', '--json')) as { problems: Array<{ reason: string }> };
  expect(report.problems.map(({ reason }) => reason).join()).toContain('gpj.exe');
  const events = JSON.parse(await run('events', '--json', '--type', 'mr')) as Array<{ id: string; eventId: string; title: string }>;
  expect(events.map(({ title }) => title)).toEqual([`[MR] Odder ${bad}`]);
  expect(await run('events', '--history', 'mr-acme/shop-1')).toContain('Odder  [2J');
  await run('events', '--history', 'mr-acme/shop-1', '--json');
  for (const command of ['check', 'plan', 'audit']) await run(command);
  await run('check', '--json');
  for (const format of [[], ['--csv'], ['--ndjson'], ['--json']]) {
    for (const command of [['events'], ['timeline', '--from', '2020-01-01']])
      expect(await run(...command, ...format).then(({ length }) => length)).toBeGreaterThan(100);
  }
  fake.intercept = () => json(world, 400, { message: `Broken ${bad}` });
  const { err } = await runCli(['sync'], env);
  expect(err).toMatch(/^ERROR: .*Broken  \[2J/);
  expect(printable(err.trimEnd())).toBe(err.trimEnd());
});
