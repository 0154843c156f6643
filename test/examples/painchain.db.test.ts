import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { GitlabConnector } from '../../examples/painchain-0.2/gitlab.connector.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { cliProgram } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { painchain02Tables, painchainTables, statementsOf } from '../support/painchain.ts';
import { addPainchainConnection } from '../support/painchain-rows.ts';

const run = promisify(execFile);

/** Calls the file's `sync_gitlab` in a Python of its own, as PainChain's worker does. */
async function callPython(config: object, connectionId: number, env: Readonly<Record<string, string>>): Promise<unknown> {
  const script = `
import json, sys
sys.path.insert(0, 'examples/painchain-0.1')
from connector import sync_gitlab
print(json.dumps(sync_gitlab(None, json.loads(sys.argv[1]), int(sys.argv[2]))))`;
  const { stdout } = await run('python3', ['-B', '-c', script, JSON.stringify(config), String(connectionId)], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout);
}

/** Calls `sync` of the class, as PainChain's scheduler does. */
async function callClass(config: Record<string, unknown>, connectionId: number, env: Readonly<Record<string, string>>) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return new GitlabConnector(config).sync(connectionId);
}

describe.each([
  {
    version: '0.1',
    tables: painchainTables,
    call: callPython,
    report: { fetched: 2, stored: 2, problems: [] },
    failure: (error: string): object => ({ error }),
  },
  {
    version: '0.2',
    tables: painchain02Tables,
    call: callClass,
    report: { success: true, eventsStored: 2, details: { fetched: 2, problems: [] } },
    failure: (error: string): object => ({ success: false, eventsStored: 0, details: { error } }),
  },
])("the file for PainChain $version, called by PainChain's scheduler", ({ tables, call, report, failure }) => {
  let created: TestDatabase;
  let database: Database;
  let served: Served;
  let connectionId: number;
  let config: Record<string, unknown>;
  const env: Record<string, string> = { GITLAB_CONNECTOR: [process.execPath, ...cliProgram].join(' ') };
  beforeAll(async () => {
    created = await createTestDatabase('postgres');
    database = await openDatabase(created.options);
    for (const statement of statementsOf(tables)) await database.em.fork().execute(statement);
    const world = new World();
    const shop = world.addProject('my-group/shop');
    shop.openMergeRequest({ title: 'Add a cart' });
    shop.startPipeline({ ref: 'main' });
    world.addProject('other/thing').openMergeRequest({ title: 'Not asked for' });
    served = await serve(createFakeGitlab(world));
    // What PainChain's form saves.
    config = { token: goodToken, url: served.url, poll_interval: 300, repos: 'my-group', branches: '' };
    connectionId = await addPainchainConnection(database.em, 'gitlab', config);
    // Prisma's URLs name the schema.
    env['DATABASE_URL'] = `${created.options.databaseUrl}?schema=public`;
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    await served.close();
    await database.close();
    await created.remove();
  });
  const count = async () => {
    const [row] = await database.em.fork().execute<Array<{ count: number }>>('select count(*)::int as count from change_events');
    return row?.count;
  };

  test('does nothing where a container of its own reads', async () => {
    await call(config, connectionId, { ...env, GITLAB_CONNECTOR: 'poller' });
    expect(await count()).toBe(0);
  });

  test('says what is wrong', async () => {
    expect(await call({ ...config, token: '' }, connectionId, env)).toEqual(failure('No GitLab token configured'));
    expect(await call({ ...config, token: 'revoked' }, connectionId, env)).toEqual(
      failure(expect.stringMatching(/^ERROR: Failed to connect to GitLab: .* \[gitlab_unauthorized\]$/) as string),
    );
    expect(await call(config, connectionId, { ...env, GITLAB_CONNECTOR: 'no-such-command' })).toEqual(
      failure(expect.stringMatching(/^(Cannot start no-such-command|no-such-command ended with spawn)/) as string),
    );
    expect(await count()).toBe(0);
  });

  test('stores what the connection asks for', async () => {
    expect(await call(config, connectionId, env)).toEqual(report);
    expect(await count()).toBe(2);
  });
});

test('the class for PainChain 0.2 tests the connection to the GitLab of the form', async () => {
  const served = await serve(createFakeGitlab(new World()));
  try {
    const tests = (config: Record<string, unknown>) => new GitlabConnector(config).testConnection();
    expect(await tests({ url: `${served.url}/`, token: goodToken })).toBe(true);
    expect(await tests({ url: served.url, token: 'revoked' })).toBe(false);
    expect(await tests({ url: 'http://127.0.0.1:9', token: goodToken })).toBe(false);
  } finally {
    await served.close();
  }
});

test("the class for PainChain 0.2 compiles with PainChain's settings", async () => {
  const settings = [
    '--ignoreConfig',
    '--noEmit',
    '--target',
    'ES2021',
    '--module',
    'commonjs',
    '--strict',
    'false',
    '--esModuleInterop',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  const { stdout } = await run(process.execPath, [
    'node_modules/typescript-6/bin/tsc',
    ...settings,
    '--ignoreDeprecations',
    '6.0',
    'examples/painchain-0.2/gitlab.connector.ts',
  ]);
  expect(stdout).toBe('');
});
