import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { hookOf } from '../../fake-gitlab/hooks.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { painchainTables } from '../support/painchain.ts';
import { startPoller, until } from './poller.ts';
import type { PollerProcess } from './poller.ts';

const otherToken = 'glpat-of-the-other-gitlab';

/** A GitLab with one project, and the tokens that it was sent. */
interface Place {
  readonly fake: FakeGitlab;
  readonly served: Served;
  readonly world: World;
  readonly tokens: Set<string | null>;
}

async function createPlace(path: string, token: string): Promise<Place> {
  const world = new World();
  world.tokens.clear();
  world.tokens.set(token, { state: 'active', scopes: ['read_api'] });
  world.addProject(path).openMergeRequest({ title: path });
  const fake = createFakeGitlab(world);
  const tokens = new Set<string | null>();
  fake.intercept = (request) => {
    tokens.add(request.headers.get('authorization'));
    return undefined;
  };
  return { fake, served: await serve(fake), world, tokens };
}

describe('poll --all', () => {
  let own: Place;
  let other: Place;
  let database: TestDatabase;
  let client: Client;
  let poller: PollerProcess | undefined;
  beforeEach(async () => {
    own = await createPlace('acme/own', goodToken);
    other = await createPlace('acme/other', otherToken);
    database = await createTestDatabase('postgres');
    client = new Client(database.options.databaseUrl);
    await client.connect();
    await client.query(painchainTables);
  });
  afterEach(async () => {
    poller?.child.kill('SIGKILL');
    await poller?.ended;
    await client.end();
    await own.served.close();
    await other.served.close();
    await database.remove();
  });

  const add = async (name: string, config: object, { type = 'gitlab', enabled = true } = {}): Promise<number> => {
    const { rows } = await client.query<{ id: number }>(
      'insert into connections (name, type, config, enabled) values ($1, $2, $3, $4) returning id',
      [name, type, JSON.stringify(config), enabled],
    );
    return rows[0]?.id ?? 0;
  };
  const idsOf = async (connectionId: number) => {
    const { rows } = await client.query<{ event_id: string }>('select event_id from change_events where connection_id = $1 order by 1', [
      connectionId,
    ]);
    return rows.map(({ event_id }) => event_id);
  };
  const stores = (connectionId: number, eventIds: readonly string[]) =>
    until(
      async () => JSON.stringify(await idsOf(connectionId)) === JSON.stringify(eventIds),
      `events ${eventIds.join(' ')} of ${connectionId}`,
    );

  test('reads a project that a webhook names in each GitLab that has its id, where the connection reads it', async () => {
    const [ownProject] = own.world.projects;
    other.world.addProject('acme/unread').openMergeRequest({ title: 'unread' });
    const one = await add('one', { token: goodToken, url: own.served.url, repos: 'acme/own' });
    const two = await add('two', { token: otherToken, url: other.served.url, repos: 'acme/other' });
    poller = startPoller(
      { DATABASE_URL: database.options.databaseUrl ?? '', POLL_INTERVAL: '3600', WEBHOOK_SECRET: 'das-wort-der-hooks' },
      ['--all'],
    );
    await stores(one, ['mr-acme/own-1']);
    await stores(two, ['mr-acme/other-1']);
    await until(() => poller?.lines.filter(({ msg }) => msg === 'pass ended').length === 2, 'the end of two passes');
    for (const { world } of [own, other]) {
      world.pass();
      for (const project of world.projects) project.openMergeRequest({ title: 'new' });
    }
    const url = `${await poller.url()}/hooks/gitlab`;
    const send = async (project: FakeProject | undefined) =>
      project && (await fetch(url, { method: 'POST', ...hookOf(project, 'push', { token: 'das-wort-der-hooks' }) })).status;
    expect([ownProject?.id, await send(ownProject), await send(other.world.projects[1])]).toEqual([other.world.projects[0]?.id, 202, 202]);
    await stores(one, ['mr-acme/own-1', 'mr-acme/own-2']);
    await stores(two, ['mr-acme/other-1', 'mr-acme/other-2']);
    const metrics = await (await fetch(`${await poller.url()}/metrics`)).text();
    expect(metrics).toContain('gitlab_connector_hints_total{result="unknown"} 1\n');
  });

  test('serves every enabled connection of type gitlab by its own config, and follows changes of the table', async () => {
    const camel = await add('camel', { token: otherToken, url: other.served.url, repos: 'acme/other', branches: '', pollInterval: 1 });
    const snake = await add('snake', { token: otherToken, url: other.served.url, repos: ['acme/other'], poll_interval: '1' });
    const made = await add('made by this connector', { url: own.served.url, poll_interval: 1, workers: 2, sync_limt: 5 });
    const broken = await add('broken', { token: otherToken, url: 'ftp://nowhere', repos: '' });
    const tokenless = await add('tokenless', { url: other.served.url });
    const disabled = await add('disabled', { token: otherToken, url: other.served.url, poll_interval: 1 }, { enabled: false });
    await add('no GitLab', { token: 'x' }, { type: 'github' });
    const settings = {
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: own.served.url,
      REPOS: 'nothing/of/this',
      PROJECT_LIMIT: '0',
      SHARE_TOKEN: 'true',
    };
    poller = startPoller({ DATABASE_URL: database.options.databaseUrl ?? '', ...settings }, ['--all']);
    const errors = () => poller?.lines.filter(({ level }) => level === 'error').map(({ connection, error }) => [connection, error]);

    await stores(camel, ['mr-acme/other-1']);
    await stores(snake, ['mr-acme/other-1']);
    await stores(made, ['mr-acme/own-1']);
    expect(errors()).toEqual([
      [broken, 'url must be an http:// or https:// URL, such as https://gitlab.example.com, not "ftp://nowhere"'],
      [tokenless, `its config has no token, and the token of the poller is for ${own.served.url} only`],
    ]);
    const unknown = poller.lines.filter(({ msg }) => msg === 'config of a connection has a key that is not a setting');
    expect(unknown.map(({ level, connection, key, nearest }) => [level, connection, key, nearest])).toEqual([
      ['warn', made, 'workers', undefined],
      ['warn', made, 'sync_limt', 'sync_limit'],
    ]);
    const synced = async () => {
      const { rows } = await client.query<{ id: number }>(
        `select id from connections where last_sync > now() - interval '1 day' order by id`,
      );
      return rows.map(({ id }) => id);
    };
    await until(async () => (await synced()).length >= 3, 'the end of three passes');
    expect(await synced()).toEqual([camel, snake, made]);
    // The token of the settings goes to the GitLab of the settings only.
    expect([...own.tokens]).toEqual([`Bearer ${goodToken}`]);
    expect([...other.tokens]).toEqual([`Bearer ${otherToken}`]);
    const ready = await fetch(`${await poller.url()}/readyz`);
    expect({ status: ready.status, text: await ready.text() }).toEqual({
      status: 200,
      text: expect.stringContaining(`ready\nconnection ${broken} (broken): url must be`) as unknown,
    });

    await client.query('update connections set enabled = true where id = $1', [disabled]);
    await stores(disabled, ['mr-acme/other-1']);
    await client.query('update connections set config = $2 where id = $1', [broken, { token: otherToken, url: other.served.url }]);
    await stores(broken, ['mr-acme/other-1']);
    other.world.addProject('acme/second').openMergeRequest({ title: 'x' });
    await client.query(`update connections set config = config || '{"repos": "acme/other,acme/second"}' where id = $1`, [camel]);
    await stores(camel, ['mr-acme/other-1', 'mr-acme/second-1']);
    const added = await add('added', { token: otherToken, url: other.served.url, repos: 'acme/second' });
    await stores(added, ['mr-acme/second-1']);

    await client.query('delete from connections where id = $1', [snake]);
    await client.query('update connections set enabled = false where id = $1', [camel]);
    for (const id of [snake, camel]) await poller.line(({ msg, connection }) => msg === 'connection no longer served' && connection === id);
    const status = (await (await fetch(`${await poller.url()}/status`)).json()) as {
      connections: Array<{ id: number; problem: string | null }>;
    };
    expect(status.connections.map(({ id }) => id)).toEqual([made, broken, tokenless, disabled, added]);
    expect(await (await fetch(`${await poller.url()}/metrics`)).text()).not.toContain(`connection="${snake}"`);
    expect(JSON.stringify(poller.lines)).not.toMatch(new RegExp(`${goodToken}|${otherToken}`));
    expect(poller.lines.filter(({ msg }) => msg === 'unexpected error (bug)')).toEqual([]);
  });

  test('counts a row that cannot be used as one failing connection, in metrics and /status, and reads the others', async () => {
    const good = await add('good', { token: otherToken, url: other.served.url, repos: 'acme/other' });
    const unusable = [
      await add('encoded twice', JSON.stringify({ token: goodToken, url: own.served.url }) as never),
      await add('a list', [goodToken]),
      await add('refused', { token: otherToken, url: other.served.url, sync_limit: 'some', ca_file: '/etc/passwd' }),
      await add('no token', { url: other.served.url }),
    ];
    poller = startPoller({ DATABASE_URL: database.options.databaseUrl ?? '' }, ['--all']);
    await stores(good, ['mr-acme/other-1']);
    const metrics = await (await fetch(`${await poller.url()}/metrics`)).text();
    for (const id of unusable) {
      expect(metrics).toContain(`gitlab_connector_last_pass_result{connection="${id}",result="configuration"} 1\n`);
      expect(metrics).toMatch(new RegExp(`^gitlab_connector_lag_seconds{connection="${id}"} `, 'm'));
    }
    expect(metrics).toContain(`gitlab_connector_last_pass_result{connection="${good}",result="configuration"} 0\n`);
    expect(metrics).toContain(`gitlab_connector_connection_info{connection="${unusable[0]}",name="encoded twice"} 1\n`);
    const { connections } = (await (await fetch(`${await poller.url()}/status`)).json()) as {
      connections: Array<{ id: number; problem: string | null; unknownKeys: unknown[]; nextPassAt: string | null }>;
    };
    const noObject = 'its config must be a JSON object, such as {"url": "https://gitlab.example.com", "token": "…"}';
    expect(connections.map(({ id, problem, unknownKeys }) => [id, problem, unknownKeys])).toEqual([
      [good, null, []],
      [unusable[0], noObject, []],
      [unusable[1], noObject, []],
      [unusable[2], 'syncLimit must be a whole number of at least 1, or all, not "some"', [{ key: 'ca_file' }]],
      [unusable[3], 'its config has no token', []],
    ]);
    expect(JSON.stringify(poller.lines)).not.toContain(goodToken);
    // A connection that was read and is broken later fails too.
    await client.query(`update connections set config = '"text"' where id = $1`, [good]);
    await poller.line(({ msg, connection }) => msg === 'connection cannot be used: fix its config' && connection === good);
    expect(await (await fetch(`${await poller.url()}/metrics`)).text()).toContain(
      `gitlab_connector_last_pass_result{connection="${good}",result="configuration"} 1\n`,
    );
  });

  test('gives its token to no row unless SHARE_TOKEN says so', async () => {
    const tokenless = await add('tokenless', { url: own.served.url, repos: 'acme/own' });
    const another = await add('another', { token: otherToken, url: other.served.url, repos: 'acme/other' });
    const settings = { GITLAB_TOKEN: goodToken, GITLAB_URL: own.served.url };
    poller = startPoller({ DATABASE_URL: database.options.databaseUrl ?? '', ...settings }, ['--all']);
    await stores(another, ['mr-acme/other-1']);
    const error = 'its config has no token: add one, or set SHARE_TOKEN to let it use the token of the poller';
    await poller.line(({ level, connection, error: said }) => level === 'error' && connection === tokenless && said === error);
    expect(await (await fetch(`${await poller.url()}/readyz`)).text()).toContain(`connection ${tokenless} (tokenless): ${error}\n`);
    expect([...own.tokens]).toEqual([]);
  });

  test('reads no row whose url is at another host than ALLOWED_HOSTS says', async () => {
    const allowed = await add('allowed', { token: otherToken, url: other.served.url, repos: 'acme/other' });
    const elsewhere = await add('elsewhere', { token: otherToken, url: 'https://169.254.169.254', repos: '' });
    poller = startPoller({ DATABASE_URL: database.options.databaseUrl ?? '', ALLOWED_HOSTS: '.example.com,127.0.0.0/8' }, ['--all']);
    await stores(allowed, ['mr-acme/other-1']);
    const line = await poller.line(({ level }) => level === 'error');
    expect([line['connection'], line['error']]).toEqual([elsewhere, 'its url https://169.254.169.254 is not at one of ALLOWED_HOSTS']);
  });

  test('waits while the table has no connection of type gitlab', async () => {
    poller = startPoller({ DATABASE_URL: database.options.databaseUrl ?? '' }, ['--all']);
    await poller.line(({ msg }) => msg === 'database ready');
    await until(async () => (await fetch(`${await poller?.url()}/readyz`)).status === 200, 'ready for nothing');
    const added = await add('the first', { token: goodToken, url: own.served.url });
    await stores(added, ['mr-acme/own-1']);
    expect(poller.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
