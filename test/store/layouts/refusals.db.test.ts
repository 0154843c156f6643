import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entities, migrations } from '../../../src/index.ts';
import { openDatabase } from '../../../src/store/database/database.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { createTestDatabase, describePasses } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { foreignTables } from '../../support/foreign-tables.ts';
import { painchainTables, statementsOf } from '../../support/painchain.ts';
import { runCli } from '../../support/run-cli.ts';

describePasses('tables that cannot take events', (kind) => {
  let created: TestDatabase;
  let database: Database;
  beforeEach(async () => {
    created = await createTestDatabase(kind);
    database = await openDatabase(created.options);
  });
  afterEach(async () => {
    await database.close();
    await created.remove();
  });

  const catalog = () =>
    database.em.fork().execute(
      `select c.relname, a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod) as type from pg_class c
         left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace = 'public'::regnamespace order by c.relname, a.attnum`,
    );

  test.each(foreignTables)('are refused by migrate before anything is altered: %s', async (_what, tables, reason) => {
    for (const statement of statementsOf(tables)) await database.em.fork().execute(statement);
    const before = await catalog();
    await expect(database.migrate()).rejects.toThrow(`cannot store in the ${database.description}: ${reason}`);
    expect(await catalog()).toEqual(before);
  });

  test('are told from those that can', async () => {
    for (const statement of statementsOf(painchainTables)) await database.em.fork().execute(statement);
    // What others may add: with a default, without need, and indexes of their own.
    for (const statement of [
      `alter table change_events add column tenant text not null default 'x', add column note text`,
      'create unique index on change_events (connection_id, event_id, source)',
      `create unique index on change_events (source, event_id) where source = 'github'`,
    ])
      await database.em.fork().execute(statement);
    expect(await database.migrate()).not.toEqual([]);
  });
});

// MikroORM makes its list of migrations before it runs one.
test('are left as they were where a host runs the migrations itself', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const host = await MikroORM.init({
    clientUrl: options.databaseUrl ?? '',
    entities,
    extensions: [Migrator],
    migrations: { migrationsList: migrations, tableName: 'gitlab_connector_migrations', snapshot: false, silent: true },
  });
  try {
    const tables = () =>
      host.em
        .fork()
        .execute(
          `select relname, relnatts from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'gitlab_connector_migrations' order by 1`,
        );
    for (const statement of statementsOf(foreignTables[0]?.[1] ?? '')) await host.em.fork().execute(statement);
    const before = await tables();
    await expect(host.migrator.up()).rejects.toThrow('the column tenant of change_events must be filled');
    expect(await tables()).toEqual(before);
  } finally {
    await host.close();
    await remove();
  }
});

test('are refused by the command, and named by the check', async () => {
  const { options, remove } = await createTestDatabase('postgres');
  const database = await openDatabase(options);
  try {
    for (const statement of statementsOf(foreignTables[0]?.[1] ?? '')) await database.em.fork().execute(statement);
    const env = { DATABASE_URL: options.databaseUrl ?? '', GITLAB_TOKEN: 'x', GITLAB_URL: 'http://127.0.0.1:9' };
    expect(await runCli(['migrate'], env)).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /^ERROR: cannot store in the PostgreSQL at .*: the column tenant of change_events must be filled, .* Nothing was changed\./,
      ),
    });
    const { checks } = JSON.parse((await runCli(['check', '--json'], env)).out) as { checks: Array<{ check: string }> };
    expect(checks.find(({ check }) => check === 'database')).toMatchObject({
      result: 'failure',
      detail: expect.stringMatching(
        /^PostgreSQL .*: the column tenant of change_events must be filled, and the connector does not know it$/,
      ),
    });
  } finally {
    await database.close();
    await remove();
  }
});
