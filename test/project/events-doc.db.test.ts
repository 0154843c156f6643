import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { syncGitlab } from '../../src/index.ts';
import type { JsonObject } from '../../src/index.ts';
import type { Database } from '../../src/store/database/database.ts';
import { createDemoWorld } from '../../fake-gitlab/demo-world.ts';
import { openTestDatabase } from '../support/databases.ts';
import { useFakeGitlab } from '../support/fake.ts';
import { addConnection, eventRows } from '../support/rows.ts';
import type { EventRow } from '../support/rows.ts';

const text = readFileSync('docs/events.md', 'utf8');
const createFake = useFakeGitlab();

let database: Database;
let rows: Map<string, EventRow>;
beforeAll(async () => {
  database = await openTestDatabase('pglite');
  const { world, happen } = createDemoWorld();
  const { config } = createFake(undefined, world);
  const connectionId = await addConnection(database.em, config.url);
  const settings = { ...config, branches: 'main' };
  for (const change of [() => {}, happen]) {
    change();
    await syncGitlab(database.em, settings, connectionId);
  }
  rows = await eventRows(database.em, connectionId);
});
afterAll(() => database.close());

/** Each kind of event: heading in the document, and how its ids begin. */
const kinds = [
  ['Merge requests', 'mr-'],
  ['Pipelines', 'pipeline-'],
  ['Releases', 'release-'],
  ['Commits', 'commit-'],
  ['Container images', 'registry-'],
  ['Deployments', 'deployment-'],
] as const;

const partOf = (heading: string) => text.split(`## ${heading}\n`)[1]?.split(/\n## /)[0] ?? '';

/** Paths of all keys in an object: `a`, `b[].c`; what is open to keys of its own is not looked into. */
function keysOf(value: unknown, prefix: string): string[] {
  if (Array.isArray(value)) return [prefix, ...value.flatMap((one) => (isObject(one) ? keysIn(one, `${prefix}[].`) : []))];
  return isObject(value) ? keysIn(value, `${prefix}.`) : [prefix];
}
const keysIn = (value: JsonObject, prefix: string) => Object.entries(value).flatMap(([key, one]) => keysOf(one, prefix + key));
const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

test.each(kinds)('%s: the document lists the keys that are stored, and no others', (heading, prefix) => {
  const stored = [...rows].flatMap(([id, { description, metadata }]) =>
    id.startsWith(prefix) ? [...keysOf(description, 'description'), ...keysOf(metadata, 'metadata')] : [],
  );
  const listed = [...partOf(heading).matchAll(/^\| `((?:description|metadata)\.[^`]+)`/gm)].map(([, key = '']) => key);
  expect(listed.toSorted()).toEqual([...new Set(stored)].toSorted());
});

test.each(kinds)('%s: the example is a row of the demo', (heading, prefix) => {
  const [, json = '{}'] = /```json\n(.*?)\n```/s.exec(partOf(heading)) ?? [];
  const example = JSON.parse(json) as EventRow;
  expect(example.event_id).toMatch(new RegExp(`^${prefix}`));
  expect(rows.get(example.event_id)).toEqual({ ...example, xmin: expect.any(String) as string });
});

test('every kind that is stored is described', () => {
  expect([...rows.keys()].filter((id) => !kinds.some(([, prefix]) => id.startsWith(prefix)))).toEqual([]);
});
