import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Client } from 'pg';
import { GitlabGapEntity, createHostStates, syncGitlab } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createDatabase, dropDatabase } from '../support/postgres.ts';
import { fakeUrl, fetchFrom, useFakeGitlab } from '../support/fake.ts';
import { addConnection, eventRows } from '../support/rows.ts';

const postgresUrl = inject('postgresUrl');
const createFake = useFakeGitlab();
let name: string;
let database: Database;

beforeAll(async () => {
  name = await createDatabase(postgresUrl, `template0 encoding 'LATIN1' locale 'C'`);
  database = await openDatabase({ databaseUrl: `${postgresUrl}/${name}`, dataDir: '' });
  await database.migrate();
});
afterAll(async () => {
  await database.close();
  await dropDatabase(postgresUrl, name);
});

test('a row that the encoding of the database cannot hold harms only itself', async () => {
  const client = new Client(`${postgresUrl}/${name}`);
  await client.connect();
  expect((await client.query('show server_encoding')).rows).toEqual([{ server_encoding: 'LATIN1' }]);
  await client.end();
  const { world, fake, config } = createFake();
  const project = world.addProject('acme/shop');
  for (const title of ['Café', 'Raketa 🚀', 'Ładowanie', 'Plain']) project.openMergeRequest({ title });
  project.createRelease({ tag: 'v1' });
  const connectionId = await addConnection(database.em, fakeUrl);
  const report = await syncGitlab(database.em, config, connectionId, { fetch: fetchFrom(fake), hostStates: createHostStates() });
  expect(report).toMatchObject({ problems: [{ stream: 'merge-requests', errorCode: 'row_refused' }] });
  const titles = [...(await eventRows(database.em, connectionId)).values()].map(({ title }) => title);
  expect(titles).toHaveLength(3);
  expect(titles).toEqual(expect.arrayContaining(['[MR] Café', '[MR] Plain']));
  const lines = await database.em.fork().execute<Array<{ headline: string }>>('select headline from gitlab_timeline order by version_id');
  expect(lines.map(({ headline }) => headline)).toContain('opened !1 Café');
  const gaps = await database.em.fork().find(GitlabGapEntity, { connectionId }, { orderBy: { key: 'asc' } });
  expect(gaps.map(({ key }) => key)).toEqual(['2', '3']);
  expect(gaps[0]?.reason).toMatch(/LATIN1/);
});
