import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../../../src/store/database/database.ts';
import { withPassLock } from '../../../src/store/database/pass-lock.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { createDatabase, dropDatabase } from '../../support/postgres.ts';

let name: string;
let role: string;
let admin: Client;
beforeEach(async () => {
  name = await createDatabase(inject('postgresUrl'));
  role = `role_${randomUUID().replaceAll('-', '')}`;
  admin = new Client(`${inject('postgresUrl')}/${name}`);
  await admin.connect();
  // As PostgreSQL 15 and later do it: only the owner may make tables in `public`.
  await admin.query(`create role ${role} login password 'test'; revoke create on schema public from public`);
});
afterEach(async () => {
  await admin.query(`drop owned by ${role}; drop role ${role}`);
  await admin.end();
  await dropDatabase(inject('postgresUrl'), name);
});

const urlOf = (query = '') => {
  const url = new URL(`${inject('postgresUrl')}/${name}${query}`);
  url.username = role;
  return url.href;
};

async function start(databaseUrl: string) {
  const database = await openDatabase({ databaseUrl, dataDir: '' });
  try {
    const ran = await database.migrate();
    return { ran: ran.length, drift: await database.schemaDrift() };
  } finally {
    await database.close();
  }
}

const schemasOf = async (table: string): Promise<string[]> => {
  const { rows } = await admin.query<{ schema: string }>(
    `select relnamespace::regnamespace::text as schema from pg_class where relname = $1`,
    [table],
  );
  return rows.map(({ schema }) => schema);
};

describe('the tables are made and looked for in one schema', () => {
  test("that of the user's name, which is first in PostgreSQL's own search path: every start finds them", async () => {
    await admin.query(`create schema ${role} authorization ${role}`);
    expect(await start(urlOf())).toEqual({ ran: migrations.length, drift: '' });
    expect(await start(urlOf())).toEqual({ ran: 0, drift: '' });
    for (const table of ['change_events', 'gitlab_connector_migrations']) expect(await schemasOf(table)).toEqual([role]);
  });

  test.each(['gitlab', 'Git Lab'])('that of ?schema=%s, without any right on the database or on public', async (schema) => {
    await admin.query(`create schema "${schema}" authorization ${role}; drop schema public`);
    const url = urlOf(`?schema=${encodeURIComponent(schema)}`);
    expect(await start(url)).toEqual({ ran: migrations.length, drift: '' });
    expect(await start(url)).toEqual({ ran: 0, drift: '' });
    expect(await schemasOf('gitlab_projects')).toHaveLength(1);
    expect(await schemasOf('gitlab_connector_migrations')).toEqual(await schemasOf('gitlab_projects'));
    const { rows } = await admin.query("select 1 from pg_namespace where nspname = 'public'");
    expect(rows).toEqual([]);
  });

  test('that of the search path of the role', async () => {
    await admin.query(`create schema first authorization ${role}; alter role ${role} set search_path = missing, first, public`);
    expect(await start(urlOf())).toEqual({ ran: migrations.length, drift: '' });
    expect(await start(urlOf())).toEqual({ ran: 0, drift: '' });
    expect(await schemasOf('gitlab_connector_migrations')).toEqual(['first']);
  });
});

describe('what is half made or ambiguous is named, and nothing is made', () => {
  test('a schema that does not exist', async () => {
    await expect(start(urlOf('?schema=missing'))).rejects.toThrow('no schema of the search path ("missing") exists');
  });

  test('no right to make tables', async () => {
    await expect(start(urlOf())).rejects.toThrow(/permission denied for schema public.*grant the right to the user/);
  });

  test('tables in a later schema of the search path', async () => {
    await admin.query(`grant create on schema public to ${role}`);
    await start(urlOf());
    await admin.query(`create schema ${role} authorization ${role}`);
    await expect(start(urlOf())).rejects.toThrow(/are in the schema public: add \?schema=public to DATABASE_URL/);
    expect(await schemasOf('gitlab_projects')).toEqual(['public']);
    expect(await start(urlOf('?schema=public'))).toMatchObject({ ran: 0 });
    expect(await start(urlOf(`?schema=${role}`))).toMatchObject({ ran: migrations.length });
  });

  test('tables without the record of their migrations, and a record without its tables', async () => {
    await admin.query(`create schema ${role} authorization ${role}`);
    await start(urlOf());
    await admin.query(`drop table ${role}.gitlab_gaps`);
    await expect(start(urlOf())).rejects.toThrow(/gitlab_gaps is missing in the schema .*, although the migrations are recorded as done/);
    await admin.query(`drop table ${role}.gitlab_connector_migrations`);
    await expect(start(urlOf())).rejects.toThrow(
      /has .*gitlab_projects.*, but no record of their migrations \(gitlab_connector_migrations\)/,
    );
  });
});

test('two installations in two schemas of one database do not exclude each other', async () => {
  const open = async (schema: string) => {
    await admin.query(`create schema ${schema} authorization ${role}`);
    const database = await openDatabase({ databaseUrl: urlOf(`?schema=${schema}`), dataDir: '' });
    await database.migrate();
    await database.em.fork().execute(`insert into connections (name, type, config) values ('Company', 'gitlab', '{}')`);
    return database;
  };
  const [first, second] = [await open('first'), await open('second')];
  try {
    for (const scope of [{ connectionId: 1 }, { connectionId: 1, projectIds: [7] }]) {
      const during = await withPassLock(first.em, scope, async () => ({
        same: await withPassLock(first.em, scope, () => Promise.resolve('taken')),
        other: await withPassLock(second.em, scope, () => Promise.resolve('taken')),
      }));
      expect(during).toEqual({ same: null, other: 'taken' });
    }
  } finally {
    await first.close();
    await second.close();
  }
});
