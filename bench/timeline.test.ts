import { afterAll, beforeAll, expect, test } from 'vitest';
import { countTimeline, readTimeline } from '../src/index.ts';
import type { Database } from '../src/store/database/database.ts';
import { openTestDatabase } from '../test/support/databases.ts';
import { fillTimeline, windowAt } from './database/timeline.ts';

const versions = 40_000;
let database: Database;
beforeAll(async () => {
  database = await openTestDatabase('postgres');
  await fillTimeline(database.em, versions);
});
afterAll(() => database.close());

test('a window of 20 minutes is read and counted by an index, and by its rows only', async () => {
  const { from, to } = windowAt(0.5, versions);
  const { changes, next } = await readTimeline(database.em, { from, to, limit: 500 });
  expect(changes).toHaveLength(90);
  expect(next).toBeNull();
  expect(await countTimeline(database.em, { from, to })).toBe(90);
  const explained = async (select: string, time: string) => {
    const rows = await database.em.fork().execute<Array<{ 'QUERY PLAN': string }>>(
      `explain (analyze, buffers off, timing off) select ${select} from gitlab_timeline
         where ${time} >= ? and ${time} < ? and not is_noise ${select === '*' ? `order by ${time}, version_id limit 501` : ''}`,
      [from.toISOString(), to.toISOString()],
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
  for (const [time, index] of [
    ['happened_at', 'change_event_versions_happened_at_index'],
    ['arrived_at', 'change_event_versions_seen_at_index'],
  ] as const) {
    for (const select of ['*', 'count(*)']) {
      const plan = await explained(select, time);
      expect(plan).toContain(index);
      expect(plan).not.toContain('Seq Scan on change_event');
    }
  }
});
