import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import type { Served } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { runCli } from '../support/run-cli.ts';
import { createTestDatabase } from '../support/databases.ts';
import type { TestDatabase } from '../support/databases.ts';
import { pgbouncer, startPooler } from '../support/pgbouncer.ts';
import { startPoller, until } from './poller.ts';
import type { PollerProcess } from './poller.ts';

const connections = [1, 2, 3, 4, 5, 6];

/** As docs/scaling.md says: 2 + 2 × WORKERS, and 4 for the queue. */
const atMost = 2 + 2 * connections.length + 4;

describe('a poller of six connections, all of which are read at the same moment', () => {
  let served: Served;
  let database: TestDatabase;
  let client: Client;
  let poller: PollerProcess | undefined;
  /** Resolves when the first passes over all connections wait for GitLab. */
  let allAtOnce: Promise<void>;
  let letGo: () => void;
  beforeEach(async () => {
    const world = new World();
    const fake = createFakeGitlab(world);
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    [allAtOnce, letGo] = [reached.promise, gate.resolve];
    let waiting = 0;
    fake.intercept = async (_, { operation }) => {
      if (operation !== 'ProjectChanges') return undefined;
      if (++waiting === connections.length) reached.resolve();
      await gate.promise;
      return undefined;
    };
    for (const id of connections) world.addProject(`acme/p${id}`).openMergeRequest({ title: 'Add a cart' });
    served = await serve(fake);
    database = await createTestDatabase('postgres');
    await runCli(['migrate'], { DATABASE_URL: database.options.databaseUrl ?? '' });
    client = new Client(database.options.databaseUrl);
    await client.connect();
    await client.query(
      `insert into connections (name, type, config)
       select 'Company ' || i, 'gitlab', json_build_object('token', $1::text, 'url', $2::text, 'repos', 'acme/p' || i) from generate_series(1, 6) i`,
      [goodToken, served.url],
    );
  });
  afterEach(async () => {
    poller?.child.kill('SIGKILL');
    await poller?.ended;
    await client.end();
    await served.close();
    await database.remove();
  });

  const sessions = async (): Promise<number> => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    return rows[0]?.count ?? Number.NaN;
  };
  const stored = async (): Promise<number> => {
    const { rows } = await client.query<{ count: number }>('select count(distinct connection_id)::int as count from change_events');
    return rows[0]?.count ?? 0;
  };
  const start = (databaseUrl: string) => {
    poller = startPoller({ DATABASE_URL: databaseUrl, CONCURRENCY: '6', WORKERS: '6', POLL_INTERVAL: '3600' }, ['--all']);
    return poller;
  };
  const problems = ({ lines }: PollerProcess) => lines.filter(({ level }) => level === 'warn' || level === 'error');

  test('holds one session for its locks, and no more than the documents say', async () => {
    const started = start(database.options.databaseUrl ?? '');
    await allAtOnce;
    const locks = await client.query(
      `select application_name from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`,
    );
    expect(locks.rows).toEqual([{ application_name: 'gitlab-connector locks' }]);
    expect(await sessions()).toBeLessThanOrEqual(atMost);
    letGo();
    await until(async () => {
      expect(await sessions()).toBeLessThanOrEqual(atMost);
      return (await stored()) === connections.length;
    }, 'rows of all connections');
    expect(problems(started)).toEqual([]);
  });

  test.runIf(pgbouncer)(
    'works through a PgBouncer in its mode transaction that has four sessions (runs where Debian’s pgbouncer is installed)',
    async () => {
      const pooler = await startPooler(pgbouncer ?? '', database.options.databaseUrl ?? '', 4);
      try {
        const started = start(pooler.databaseUrl);
        await allAtOnce;
        expect(await sessions()).toBeLessThanOrEqual(4);
        letGo();
        await until(async () => (await stored()) === connections.length, 'rows of all connections');
        expect(await sessions()).toBeLessThanOrEqual(4);
        expect(problems(started)).toEqual([]);
        poller?.child.kill('SIGTERM');
        expect(await started.ended).toMatchObject({ code: 0 });
      } finally {
        await pooler.stop();
      }
    },
  );
});
