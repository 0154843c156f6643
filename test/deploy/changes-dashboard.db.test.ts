import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHostStates, syncGitlab } from '../../src/index.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { openTestDatabase } from '../support/databases.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { notEmpty } from '../support/not-empty.ts';
import { addConnection } from '../support/rows.ts';

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase('postgres');
  const fake = createFakeGitlab(createDemoWorld().world);
  const connectionId = await addConnection(database.em, fakeUrl);
  await syncGitlab(database.em, { url: fakeUrl, token: goodToken }, connectionId, {
    fetch: fetchFrom(fake),
    hostStates: createHostStates(),
  });
});
afterAll(() => database.close());

interface Query {
  readonly rawSql: string;
}
const dashboard = JSON.parse(readFileSync('deploy/grafana/changes.json', 'utf8')) as {
  readonly annotations: { readonly list: ReadonlyArray<{ readonly name: string; readonly target: Query }> };
  readonly panels: ReadonlyArray<{ readonly title: string; readonly targets: readonly Query[] }>;
};
const timeline = readFileSync('docs/timeline.md', 'utf8');
const queries = [
  ...dashboard.annotations.list.map(({ name, target }) => [name, target.rawSql] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ rawSql }) => [title, rawSql] as const)),
  ...[...timeline.matchAll(/<!-- query -->\n```sql\n([\s\S]*?);\n```/g)].map(
    ([, sql = ''], index) => [`query ${index} of docs/timeline.md`, sql] as const,
  ),
];

/** As Grafana fills it in, with a window that holds the whole demo. */
const filledIn = (rawSql: string) =>
  rawSql
    .replace(/\$__timeFilter\((\w+)\)/g, `$1 between '2020-01-01T00:00:00Z' and '2030-01-01T00:00:00Z'`)
    .replace('($kind)', `('MR','Pipeline','Release','Commit','Image')`)
    .replace("'$project'", "'acme/*'");

test.each(notEmpty(queries))('%s runs in PostgreSQL', async (name, rawSql) => {
  const rows = await database.em.fork().execute<unknown[]>(filledIn(rawSql));
  expect({ name, rows: rows.length > 0 || name.startsWith('query') }).toEqual({ name, rows: true });
});

test('docs/timeline.md lists the columns of the view, in their order', async () => {
  const columns = await database.em
    .fork()
    .execute<Array<{ name: string; type: string }>>(
      `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = 'gitlab_timeline'::regclass and attnum > 0 order by attnum`,
    );
  const documented = [...timeline.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, type]) => ({
    name,
    type: type === 'timestamptz' ? 'timestamp with time zone' : type === 'int' ? 'integer' : type,
  }));
  expect(documented).toEqual(columns);
});
