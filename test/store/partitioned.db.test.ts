import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHostStates, syncGitlab } from '../../src/index.ts';
import { pruneEvents } from '../../src/store/events/prune-events.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { openTestDatabase } from '../support/databases.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { addConnection, eventRows } from '../support/rows.ts';

const databases: Database[] = [];
beforeAll(async () => {
  for (let i = 0; i < 2; i++) databases.push(await openTestDatabase('postgres'));
});
afterAll(() => Promise.all(databases.map((database) => database.close())));

const versions = (database: Database) =>
  database.em.fork().execute<Array<{ event_id: string; version: number }>>(
    `select e.event_id, v.version, v.status, v.changes from change_event_versions v
     join change_events e on e.id = v.change_event_id order by e.event_id, v.version`,
  );

test('a sync into a table that is partitioned as in docs/scaling.md writes what a sync into a plain table writes', async () => {
  const [partitioned, whole] = databases as [Database, Database];
  const { world, happen } = createDemoWorld();
  const fake = createFakeGitlab(world);
  const config = { url: fakeUrl, token: goodToken, branches: 'main' };
  const pass = async (database: Database) => syncGitlab(database.em, config, 1, { fetch: fetchFrom(fake), hostStates: createHostStates() });
  for (const database of databases) expect(await addConnection(database.em, fakeUrl)).toBe(1);
  for (const database of databases) expect(await pass(database)).toMatchObject({ stored: 18 });

  const [, statements = ''] = /<!-- partitioning -->\n```sql\n([\s\S]*?)```/.exec(readFileSync('docs/scaling.md', 'utf8')) ?? [];
  await partitioned.em.getConnection().execute(statements);
  expect(await partitioned.migrate()).toEqual([]);
  const [{ count } = { count: 0 }] = await partitioned.em.execute<Array<{ count: number }>>(
    'select count(*)::int as count from change_events_1',
  );
  expect(count).toBe(18);

  expect(await pass(partitioned)).toMatchObject({ stored: 0 });
  happen();
  const [first, second] = [await pass(partitioned), await pass(whole)];
  expect(first).toMatchObject({ stored: 8, problems: [] });
  expect(first).toMatchObject({ streams: (second as { streams: object }).streams });
  const rows = async (database: Database) => [...(await eventRows(database.em, 1)).values()].map((row) => ({ ...row, xmin: '' }));
  const byId = (a: { event_id: string }, b: { event_id: string }) => (a.event_id < b.event_id ? -1 : 1);
  expect((await rows(partitioned)).toSorted(byId)).toEqual((await rows(whole)).toSorted(byId));
  expect(await versions(partitioned)).toEqual(await versions(whole));
  expect(await pass(partitioned)).toMatchObject({ stored: 0 });
  const timeline = (database: Database) =>
    database.em.fork().execute('select happened_at, headline, is_noise from gitlab_timeline order by event_id, version');
  expect(await timeline(partitioned)).not.toEqual([]);
  expect(await timeline(partitioned)).toEqual(await timeline(whole));

  const { events } = await pruneEvents(partitioned.em, { before: new Date('2099-01-01'), events: true });
  expect(events).toBeGreaterThan(0);
  const orphans = 'select from change_event_versions v where not exists (select from change_events e where e.id = v.change_event_id)';
  expect(await partitioned.em.fork().execute<unknown[]>(orphans)).toHaveLength(0);
});
