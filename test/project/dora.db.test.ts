import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHostStates, syncGitlab } from '../../src/index.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeProject } from '../../fake-gitlab/world/project.ts';
import type { FakeEnvironment } from '../../fake-gitlab/world/records.ts';
import { moment } from '../../fake-gitlab/world/time.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { openTestDatabase } from '../support/databases.ts';
import { fakeUrl, fetchFrom } from '../support/fake.ts';
import { notEmpty } from '../support/not-empty.ts';
import { addConnection } from '../support/rows.ts';

const file = 'docs/dora.md';
const text = () => readFileSync(file, 'utf8');
const queries = [...text().matchAll(/<!-- query: (.*?) -->\n```sql\n([\s\S]*?);\n```/g)].map(
  ([, name = '', sql = '']) => [name, sql] as const,
);

/**
 * November of two projects. acme/shop: three merge requests, of which production gets the first after 2 hours, the second after 6 and the third
 * after 1; the third is rolled back after 30 minutes. A week later a change is rolled back after 90 minutes. acme/api: one deployment.
 */
function november(): World {
  const world = new World('2026-11-01T08:00:00Z');
  const at = (time: string) => world.pass(moment(`2026-11-${time}:00Z`) - world.now);
  const shop = world.addProject('acme/shop');
  const production = shop.deployments.addEnvironment('production');
  const staging = shop.deployments.addEnvironment('staging');
  const deploy = (project: FakeProject, environment: FakeEnvironment, of: string, status: 'SUCCESS' | 'FAILED' = 'SUCCESS') => {
    const pipeline = project.startPipeline({ ref: 'main', sha: of.repeat(40) });
    project.deployments.deploy(environment, { pipeline }, status);
    project.finishPipeline(pipeline, 'SUCCESS');
  };
  const merge = (title: string) => shop.mergeMergeRequest(shop.openMergeRequest({ title }));
  at('02T10:00');
  merge('one');
  at('02T11:00');
  deploy(shop, staging, 'a');
  at('02T12:00');
  deploy(shop, production, 'a');
  at('03T09:00');
  merge('two');
  at('03T15:00');
  deploy(shop, production, 'b');
  at('04T10:00');
  merge('three');
  at('04T11:00');
  deploy(shop, production, 'c');
  at('04T11:30');
  deploy(shop, production, 'b');
  at('09T12:00');
  deploy(shop, production, 'd');
  at('10T12:00');
  deploy(shop, production, 'e', 'FAILED');
  at('11T12:00');
  deploy(shop, production, 'e');
  at('11T13:30');
  deploy(shop, production, 'd');
  const api = world.addProject('acme/api');
  at('12T09:00');
  deploy(api, api.deployments.addEnvironment('production'), 'f');
  return world;
}

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase('postgres');
  const connectionId = await addConnection(database.em, fakeUrl);
  const config = { url: fakeUrl, token: goodToken };
  const options = { fetch: fetchFrom(createFakeGitlab(november())), hostStates: createHostStates() };
  await syncGitlab(database.em, config, connectionId, options);
});
afterAll(() => database.close());

const row = (cells: readonly unknown[]) => `| ${cells.map(String).join(' | ')} |`;
const tableOf = (rows: ReadonlyArray<Record<string, unknown>>): string => {
  const names = Object.keys(rows[0] ?? {});
  return [row(names), `|${'---|'.repeat(names.length)}`, ...rows.map((one) => row(Object.values(one)))].join('\n');
};

/** What happened in November, counted by hand. */
const known: Readonly<Record<string, ReadonlyArray<Record<string, unknown>>>> = {
  'deployment frequency': [
    { week: '2026-11-02', project: 'acme/shop', deployments: 4 },
    { week: '2026-11-09', project: 'acme/api', deployments: 1 },
    { week: '2026-11-09', project: 'acme/shop', deployments: 3 },
  ],
  'lead time': [{ project: 'acme/shop', merge_requests: 3, median: '02:00:00' }],
  'change failure rate': [
    { project: 'acme/api', deployments: 1, rolled_back: 0, percent: 0 },
    { project: 'acme/shop', deployments: 5, rolled_back: 2, percent: 40 },
  ],
  'time to restore': [{ project: 'acme/shop', rollbacks: 2, average: '01:00:00' }],
};

test.each(notEmpty(queries))('the %s of docs/dora.md is what happened, and the document says so', async (name, sql) => {
  const rows = await database.em.fork().execute<Array<Record<string, unknown>>>(sql);
  expect(rows).toEqual(known[name]);
  const answer = new RegExp(`(<!-- answer: ${name} -->\n)[\\s\\S]*?(?=\n\n|\n*$)`);
  if (process.env.UPDATE_DOCS) writeFileSync(file, text().replace(answer, `$1${tableOf(rows)}`));
  expect(text()).toContain(`<!-- answer: ${name} -->\n${tableOf(rows)}\n`);
});

test('docs/dora.md has the four measures', () => {
  expect(queries.map(([name]) => name)).toEqual(Object.keys(known));
});
