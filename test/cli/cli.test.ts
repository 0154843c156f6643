import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditReport } from '../../src/operations/audit/audit.ts';
import { run } from '../../src/cli/program.ts';
import { progressLine } from '../../src/cli/progress-line.ts';
import { settings } from '../../src/config/parse-config.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { runCliProcess } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import type { Ended } from '../support/run-cli.ts';

/** Runs the command line in this process. */
async function inProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  {
    signal = new AbortController().signal,
    onOut = () => {},
    columns,
  }: { readonly signal?: AbortSignal; readonly onOut?: (text: string) => void; readonly columns?: number } = {},
): Promise<Ended> {
  const written = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({
    columns,
    write: (text: string) => {
      written[name] += text;
      if (name === 'out') onOut(text);
    },
  });
  const code = await run(args, { env, out: output('out'), err: output('err'), signal });
  return { code, ...written };
}

describe('the command line prints one line and exits with 2', () => {
  test.each<[string, string[], Record<string, string>, string]>([
    [
      'a wrong variable',
      ['sync'],
      { GITLAB_TOKEN: 'x', SYNC_LIMIT: 'many' },
      'ERROR: SYNC_LIMIT must be a whole number of at least 1, or all, not "many" [configuration_invalid]\n',
    ],
    [
      'a wrong flag',
      ['sync', '--tag-limit', '-1'],
      { GITLAB_TOKEN: 'x' },
      'ERROR: --tag-limit must be a whole number of at least 0, not "-1" [configuration_invalid]\n',
    ],
    ['an unknown flag', ['sync', '--nope'], { GITLAB_TOKEN: 'x' }, "ERROR: unknown option '--nope'\n"],
    ['an unknown command', ['snyc'], {}, "ERROR: unknown command 'snyc'\n(Did you mean sync?)\n"],
    [
      'a wrong type',
      ['events', '--type', 'issue'],
      {},
      "ERROR: option '--type <type>' argument 'issue' is invalid. Allowed choices are mr, pipeline, release, commit, image, deployment.\n",
    ],
    [
      'a wrong moment',
      ['events', '--since', 'soon'],
      {},
      'ERROR: --since must be 10:00, yesterday 14:00, 2026-11-23, 2026-11-23T10:00:00Z, or a span before now such as 90m, 2h30m, 7d, 1w, not "soon" [configuration_invalid]\n',
    ],
    [
      'a window that ends before it begins',
      ['timeline', '--from', '1h', '--to', '2h'],
      {},
      'ERROR: --from must be before --to [configuration_invalid]\n',
    ],
    [
      'a wrong count',
      ['events', '--limit', '0'],
      {},
      'ERROR: --limit must be a whole number of at least 1, not "0" [configuration_invalid]\n',
    ],
    [
      'a secret in a wrong form',
      ['migrate'],
      { DATABASE_URL: 'mysql://user:secret@host/x' },
      'ERROR: DATABASE_URL must be a postgres:// or postgresql:// URL [configuration_invalid]\n',
    ],
    [
      'a secret that cannot be read',
      ['migrate'],
      { DATABASE_URL: 'postgres://user:secret%@host/x' },
      'ERROR: DATABASE_URL must hold no bare percent sign: write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and % as %25 in a user name or a password [configuration_invalid]\n',
    ],
  ])('%s', async (_, args, env, err) => {
    expect(await inProcess(args, env)).toEqual({ code: 2, out: '', err });
  });

  test('without a token, as a process of its own', async () => {
    expect(await runCliProcess(['sync'])).toEqual({ code: 2, out: '', err: 'ERROR: GITLAB_TOKEN not set [configuration_invalid]\n' });
  });
});

describe('the help of the command line', () => {
  test('exists for the program and every command, and names every setting', async () => {
    const { code, out } = await inProcess(['--help']);
    expect(code).toBe(0);
    expect(out).toContain('Exit codes: 0 everything was read, 1 something could not be read or is missing, 2 wrong usage or configuration');
    const helps = await Promise.all(
      ['poll', 'sync', 'backfill', 'audit', 'migrate', 'events', 'timeline', 'demo'].map((command) => inProcess([command, '--help'])),
    );
    for (const help of helps) expect(help).toMatchObject({ code: 0, err: '' });
    for (const { env } of settings) expect(helps[0]?.out).toContain(env);
    expect((await inProcess([])).code).toBe(2);
    expect((await inProcess(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the command line prints one line and exits with 3 for', () => {
  test('a database that cannot be reached', async () => {
    const { code, err } = await inProcess(['sync'], { GITLAB_TOKEN: 'x', DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/name' });
    expect(code).toBe(3);
    expect(err).toBe(
      'ERROR: cannot use the PostgreSQL at 127.0.0.1:1/name (connect ECONNREFUSED 127.0.0.1:1): check DATABASE_URL and that the server runs [database_failed]\n',
    );
  });

  test('an embedded database that does not exist when events are listed', async () => {
    expect(await inProcess(['events'], { DATA_DIR: '/nowhere/at/all' })).toEqual({
      code: 3,
      out: '',
      err: 'ERROR: there is no database in /nowhere/at/all yet: run `gitlab-connector sync` first, or set DATA_DIR or DATABASE_URL [database_failed]\n',
    });
  });
});

describe('the command line with a GitLab and a database', () => {
  let demo: ReturnType<typeof createDemoWorld>;
  let fake: FakeGitlab;
  let served: Served;
  let database: TestDatabase;
  let env: Record<string, string>;
  beforeEach(async () => {
    demo = createDemoWorld();
    fake = createFakeGitlab(demo.world);
    served = await serve(fake, '/gitlab');
    database = await createTestDatabase('postgres');
    env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, DATABASE_URL: database.options.databaseUrl ?? '', BRANCHES: 'main' };
  });
  afterEach(async () => {
    await served.close();
    await database.remove();
  });

  test('a first sync stores events, a second sync stores 0, and events lists them', async () => {
    const first = await runCliProcess(['sync'], env);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('fetched 18, stored 18\n');
    expect(first.out).toMatch(/│ merge requests {2}│ {4}4 │ {3}4 │ {7}0 │/);
    const second = await runCliProcess(['sync', '--json'], env);
    expect(JSON.parse(second.out)).toMatchObject({ stored: 0, problems: [] });

    const table = await runCliProcess(['events', '--type', 'pipeline', '--status', 'failed'], env);
    expect(table).toMatchObject({ code: 0, err: '' });
    expect(table.out).toContain('acme/api: ✗ main');
    const listed = await inProcess(['events', '--json', '--project', 'ACME/web', '--type', 'mr', '--limit', '2'], env);
    const events = JSON.parse(listed.out) as Array<{ eventId: string; timestamp: string }>;
    expect(events.map(({ eventId }) => eventId)).toEqual(['mr-acme/web/shop-2', 'mr-acme/web/shop-3']);
    expect(events[0]?.timestamp).toBe('2026-11-23T07:07:00.000Z');
    expect((await inProcess(['events', '--since', '2026-11-23T07:30:00Z', '--json'], env)).out.match(/eventId/g)).toHaveLength(5);
    expect((await inProcess(['events', '--since', '1m', '--project', 'acme'], env)).out).toMatch(
      /^No events\n3 projects were read at .* or later\.\nThe whole window is newer than that: /,
    );
    const first3 = await inProcess(['events', '--limit', '3'], env);
    expect(first3.out).toContain('3 of 18 events: raise --limit, or give --all.\n');
    expect((await inProcess(['events', '--all', '--ndjson'], env)).out.trim().split('\n')).toHaveLength(18);
    expect((await inProcess(['events', '--until', '2026-11-23 07:30', '--json'], env)).out.match(/eventId/g)).toHaveLength(13);
    expect((await inProcess(['events', '--csv', '--type', 'MR', '--type', 'release'], env)).out).toMatch(
      /^timestamp,event_id,title,.*\n2026-11-23T/,
    );
  });

  test('timeline shows the changes of a window, and how far GitLab was read', async () => {
    await inProcess(['sync'], env);
    const window = ['timeline', '--from', '2026-11-23 07:20', '--to', '8:00'];
    const timeline = await inProcess(window, env);
    expect(timeline).toMatchObject({ code: 0, err: '' });
    expect(timeline.out).toContain('pipeline #102 failed on main: integration (ada)');
    expect(timeline.out).toMatch(/ projects were read at \d{4}-\d\d-\d\d \d\d:\d\d UTC or later/);
    const filters = ['--type', 'pipeline', '--project', 'acme/a*', '--project', 'nobody'];
    const json = JSON.parse((await inProcess([...window, '--json', ...filters], env)).out) as {
      from: string;
      count: number;
      changes: Array<{ headline: string }>;
      coverage: Array<{ stream: string }>;
    };
    expect(json).toMatchObject({ from: '2026-11-23T07:20:00.000Z', to: '2026-11-23T08:00:00.000Z', isCut: false });
    expect(json.changes.map(({ headline }) => headline)).toContain('pipeline #102 failed on main: integration');
    expect(json.coverage.map(({ stream }) => stream)).toContain('pipelines');
    const around = ['timeline', '--around', '2026-11-23 07:40', '--minutes', '20'];
    expect((await inProcess([...around, '--ndjson'], env)).out).toBe((await inProcess([...window, '--ndjson'], env)).out);
    const berlin = await inProcess(['timeline', '--from', '2026-11-23 08:20', '--to', '9:00', '--tz', 'Europe/Berlin'], env);
    expect(berlin.out).toContain('(Europe/Berlin)');
    expect(berlin.out).toMatch(/^(│ )?2026-11-23 08:/m);
    expect((await inProcess([...window, '--limit', '1'], env)).out).toMatch(/\n1 of \d+ changes: raise --limit, or give --all\.\n/);
    expect((await inProcess(['timeline', '--from', '2020-01-01', '--to', '2020-01-02', '--project', 'acme'], env)).out).toMatch(
      /^No change is known from 2020-01-01 00:00 to 2020-01-02 00:00 UTC\n3 projects were read/,
    );
    const csv = await inProcess([...window, '--csv', '--status', 'failed'], env);
    expect(csv.out).toMatch(/^happened_at,arrived_at,project,type,headline,.*\n2026-11-23T07:.*,acme\/api,Pipeline,pipeline #102 failed/);
  });

  test('what no program reads goes to the other stream: how many rows there are, and how far GitLab was read', async () => {
    await inProcess(['sync'], env);
    for (const command of [['timeline', '--from', '2026-11-23', '--to', '2026-11-24'], ['events']]) {
      const all = await inProcess([...command, '--ndjson', '--all'], env);
      const count = all.out.trim().split('\n').length;
      expect(all.err).toMatch(new RegExp(`^${count} (changes|events)\\n3 projects were read at `));
      const csv = await inProcess([...command, '--csv', '--limit', '2'], env);
      expect(csv.out.trim().split('\n')).toHaveLength(3);
      expect(csv.err).toMatch(new RegExp(`^2 of ${count} (changes|events): raise --limit, or give --all\\.\\n3 projects were read at `));
    }
  });

  test('timeline, events, audit and check print no line that is wider than the terminal', async () => {
    await inProcess(['sync'], env);
    const commands = [
      ['timeline', '--from', '2026-11-23', '--to', '2026-11-24'],
      ['events'],
      ['events', '--history', 'mr-acme/api-1'],
      ['audit'],
      ['check'],
    ];
    for (const columns of [60, 80, 120, 200]) {
      for (const command of commands) {
        const { code, out } = await inProcess(command, env, { columns });
        expect([command, columns, code]).toEqual([command, columns, 0]);
        expect(out.split('\n').filter((line) => line.length > columns)).toEqual([]);
      }
    }
  });

  test('timeline --follow goes on with changes that arrive, until it is stopped', async () => {
    await inProcess(['sync'], env);
    const stop = new AbortController();
    const begun = Promise.withResolvers<undefined>();
    const followed = inProcess(['timeline', '--follow', '--project', 'acme/api'], env, {
      signal: stop.signal,
      onOut: (text) => {
        if (text.includes('not read yet')) begun.resolve(undefined);
        if (text.includes('released v2.4.0 Orders 2.4')) stop.abort();
      },
    });
    await begun.promise;
    demo.happen();
    await inProcess(['sync'], env);
    const { code, out } = await followed;
    expect(code).toBe(0);
    expect(out).toContain('acme/api  released v2.4.0 Orders 2.4 (grace)\n');
    expect(out).not.toContain('acme/web');
    expect(out.match(/released v2\.4\.0/g)).toHaveLength(1);
  });

  test.each([
    [['--from', 'soon'], '--from must be 10:00, yesterday 14:00, '],
    [['--from', '25:00'], '--from must be '],
    [['--to', '2026-02-30'], '--to must be '],
    [['--from', '1h', '--to', '2h'], '--from must be before --to'],
    [['--around', '10:00', '--minutes', '0'], '--minutes must be a number above 0'],
    [['--tz', 'Mars/Olympus'], '--tz must be a time zone'],
    [['--type', 'pipline'], "option '--type <type>' argument 'pipline' is invalid. Did you mean pipeline? Allowed choices are "],
    [['--project', 'acme/apis'], '--project "acme/apis" matches nothing that is stored: did you mean acme/api?'],
    [['--author', 'nobody'], '--author "nobody" matches nothing that is stored: there are '],
    [['--status', 'mergd'], '--status "mergd" matches nothing that is stored: did you mean merged?'],
    [['--connection', 'gitlab.org'], '--connection "gitlab.org" matches nothing that is stored: '],
  ])('timeline names what is wrong with %j', async (flags, message) => {
    await inProcess(['sync'], env);
    const { code, out, err } = await inProcess(['timeline', ...flags], env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`ERROR: ${message}`);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test('sync names what could not be read, and exits with 1', async () => {
    const { code, out } = await inProcess(['sync', '--repos', 'acme/api,acme/typo', '--tag-limit', '1'], env);
    expect(code).toBe(1);
    expect(out).toContain('Could not be read:\n  acme/typo: failed: no project or group with this path, or out of sight for this token\n');
  });

  test('sync names what a setting leaves out, and exits with 0', async () => {
    demo.world.projects.find(({ fullPath }) => fullPath === 'acme/api')?.git.commit('develop', { title: 'Only here' });
    const repos = 'acme/web/shop,acme/api';
    const { code, out } = await inProcess(['sync', '--repos', repos, '--tag-limit', '1', '--branches', 'main,develop'], env);
    expect(code).toBe(0);
    expect(out).toContain(
      'Left out:\n  commits: there is no branch develop, or the repository is empty or switched off (acme/web/shop > develop)\n',
    );
    expect(out).toContain('  registry images: 1 of 2 tags left out (TAG_LIMIT) (acme/web/shop > acme/web/shop)\n');
  });

  test('sync names a branch that no project has, and exits with 1', async () => {
    const { code, out } = await inProcess(['sync', '--branches', 'mian'], env);
    expect(code).toBe(1);
    expect(out).toContain('no project that is read has a branch mian: check the spelling in BRANCHES');
  });

  test('sync prints one line and exits with 3 for a refused token and a URL that is no GitLab', async () => {
    const refused = await runCliProcess(['sync'], { ...env, GITLAB_TOKEN: 'glpat-wrong' });
    expect(refused).toEqual({
      code: 3,
      out: '',
      err: 'ERROR: Failed to connect to GitLab: GitLab refused the token (401 on MemberProjects: Invalid token): it may be wrong, expired or revoked, or lack the scope read_api [gitlab_unauthorized]\n',
    });
    fake.intercept = () => html(demo.world, 200, 'A wiki');
    const wrong = await inProcess(['sync'], env);
    expect(wrong.code).toBe(3);
    expect(wrong.err).toMatch(
      /^ERROR: Failed to connect to GitLab: something in front of GitLab answers MemberProjects at http:\/\/127\.0\.0\.1:\d+\/? .* \[gitlab_invalid_response\]\n$/,
    );
  });

  test('events --history lists what happened to an event between two passes', async () => {
    await inProcess(['sync'], env);
    demo.happen();
    expect((await inProcess(['sync'], env)).code).toBe(0);
    const { code, out } = await inProcess(['events', '--history', 'mr-acme/web/shop-2'], env);
    expect(code).toBe(0);
    expect(out).toMatch(/opened +│ first seen/);
    expect(out).toContain('status: opened → merged');
    const json = await inProcess(['events', '--history', 'mr-acme/web/shop-2', '--json'], env);
    expect(JSON.parse(json.out)).toMatchObject([{ status: 'opened', changes: null }, { status: 'merged' }]);
    expect(await inProcess(['events', '--history', 'mr-nope-1'], env)).toEqual({
      code: 2,
      out: '',
      err: 'ERROR: there is no event "mr-nope-1": `gitlab-connector events --json` shows the ids [configuration_invalid]\n',
    });
  });

  test('sync --reconcile reads again what changed without a trace, and counts it', async () => {
    await inProcess(['sync'], env);
    const shop = demo.world.projects.find(({ fullPath }) => fullPath === 'acme/web/shop');
    const checkout = shop?.mergeRequests.find(({ title }) => title === 'Checkout in one page');
    if (!shop || !checkout) throw new Error('the demo has lost its merge request');
    shop.recomputeSilently(checkout, { upvotes: 7 });
    const usual = await inProcess(['sync'], env);
    expect(usual.out).toContain('stored 0\n');
    const asked = await inProcess(['sync', '--reconcile'], env);
    expect(asked.out).toContain('stored 1\ncorrected 1 events that had changed without a trace\n');
  });

  test('timeline shows what went to an environment, and names the environments when there is no such one', async () => {
    await inProcess(['sync'], env);
    const window = ['timeline', '--from', '2026-11-23', '--to', '2026-11-24', '--utc'];
    const shown = await inProcess([...window, '--environment', 'prod*', '--json'], env);
    const { changes } = JSON.parse(shown.out) as { changes: Array<{ headline: string }> };
    expect(changes.map(({ headline }) => headline)).toEqual([expect.stringMatching(/^production ← v2\.2\.0 [0-9a-f]{8}$/)]);
    expect(await inProcess([...window, '--environment', 'prodution'], env)).toMatchObject({
      code: 2,
      err: 'ERROR: --environment "prodution" matches nothing that is stored: did you mean production? [configuration_invalid]\n',
    });
  });

  test('backfill prints how much there is to read, and reads older history', async () => {
    await inProcess(['sync', '--sync-limit', '1'], env);
    const { code, out, err } = await inProcess(['backfill', '--since', '2026-01-01'], env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Backfill to 2026-01-01T00:00Z in 3 projects: about 2 merge requests and 0 pipelines in ');
    expect(out).toMatch(/│ merge requests {2}│ {4}2 │ {3}2 │/);
    expect((await inProcess(['sync', '--sync-limit', 'all'], env)).out).toContain('stored 0\n');
    expect((await inProcess(['backfill'], env)).err).toBe("ERROR: required option '--since <when>' not specified\n");
  });

  test('audit says its price, what is complete, what is missing since when, what was never read, and what cannot be told', async () => {
    const first = await inProcess(['audit'], env);
    expect(first.code).toBe(1);
    expect(first.out).toContain(`The database has no connection for ${env.GITLAB_URL} yet: run \`gitlab-connector sync\` first\n`);
    expect(first.out).toContain(', 18 never read, ');
    const looked = await openDatabase(database.options);
    expect(await looked.em.execute(`select tablename from pg_tables where schemaname = 'public'`)).toEqual([]);
    await looked.close();
    await inProcess(['sync'], env);
    const whole = await inProcess(['audit'], env);
    expect(whole.code).toBe(0);
    expect(whole.out).toContain('9 complete, 0 with something missing, 0 out of date, 0 never read, 0 failed, 9 unknown\n');
    const plan = await inProcess(['audit', '--plan'], env);
    expect(plan.code).toBe(0);
    const [, requests] = /The audit took (\d+) GraphQL requests/.exec(whole.out) ?? [];
    expect(plan.out).toContain(`An audit takes about ${requests} GraphQL requests. The plan took 2. Nothing was written.\n`);
    const opened = await openDatabase(database.options);
    await opened.em.execute(`delete from change_events where event_id = 'mr-acme/api-1'`);
    await opened.close();
    const { code, out } = await inProcess(['audit', '--json'], env);
    expect(code).toBe(1);
    const { entries } = JSON.parse(out) as AuditReport;
    expect(entries.filter(({ result }) => result === 'missing')).toMatchObject([
      {
        project: 'acme/api',
        stream: 'merge-requests',
        inGitlab: 1,
        inTable: 0,
        missing: { count: 1, first: ['mr-acme/api-1'] },
        missingSince: expect.stringMatching(/^2026-11-23T0/) as string,
      },
    ]);
    const missing = await inProcess(['audit'], env);
    // The reason may take several lines of its cell.
    expect(missing.out.replaceAll(/[│\s]+/g, ' ')).toMatch(/missing: 1 missing, since 2026-11-23T0\S+ \(mr-acme\/api-1\)/);
    const typo = await inProcess(['audit', '--repos', 'acme/typo'], env);
    expect(typo).toMatchObject({
      code: 1,
      out: expect.stringContaining('Not found, or out of sight for this token: acme/typo\n') as string,
    });
  });

  test('migrate prints the migrations that ran', async () => {
    const { host, pathname } = new URL(env.DATABASE_URL ?? '');
    const names = globSync('2*.ts', { cwd: 'src/store/migrations' })
      .toSorted()
      .map((file) => path.parse(file).name);
    expect(await runCliProcess(['migrate'], env)).toEqual({
      code: 0,
      out: `${names.map((name) => `applied ${name}\n`).join('')}PostgreSQL at ${host}${pathname}: up to date\n`,
      err: '',
    });
    expect((await inProcess(['migrate'], env)).out).toBe(`PostgreSQL at ${host}${pathname}: nothing to do, up to date\n`);
  });
});

test('the demo shows all six types of events, what changed, and that nothing is written twice', async () => {
  const { code, out, err } = await runCliProcess(['demo']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const text of [
    'approved by ada',
    'files:',
    'integration failed',
    'v2.3.0',
    'digest',
    '1.5GB',
    '+322 -83',
    'status: opened → merged',
  ])
    expect(out).toContain(text);
  expect(out).toContain('fetched 18, stored 18');
  expect(out).toContain('stored 8');
  expect(out).toMatch(/fetched \d+, stored 0\n/);
  const [, sample = ''] = /<!-- sample: [^\n]*\n```\n(.*?)```/s.exec(readFileSync('README.md', 'utf8')) ?? [];
  expect(out.split('\n')).toEqual(expect.arrayContaining(sample.trim().split('\n')));
  expect(sample).toContain('stored 0');
});

test('the progress line is written at most ten times a second, and only on a terminal', () => {
  const written: string[] = [];
  const output = { isTTY: true, columns: 40, write: (text: string) => written.push(text) };
  let now = 0;
  const line = progressLine(output, () => now);
  const state = { projects: 9, projectsDone: 1, requests: 2, fetched: 3, stored: 4 };
  line.show(state);
  now = 50;
  line.show(state);
  now = 150;
  line.show(state);
  line.end();
  expect(written).toEqual([
    '\r\u001b[2K1 of 9 projects, 2 requests, 3 events r',
    '\r\u001b[2K1 of 9 projects, 2 requests, 3 events r',
    '\r\u001b[2K',
  ]);
  const silent = progressLine({ write: (text: string) => written.push(text) }, () => now);
  silent.show(state);
  silent.end();
  expect(written).toHaveLength(3);
});
