import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig, settings } from '../../src/index.ts';
import { streams } from '../../src/streams/index.ts';

const metadata = JSON.parse(readFileSync('metadata.json', 'utf8')) as {
  id: string;
  color: string;
  connectionForm: { fields: Array<{ key: string; default?: string }> };
  eventTypes: Record<string, unknown>;
};

test("the fields of PainChain's form are settings, or PainChain's own", () => {
  const keys = metadata.connectionForm.fields.map(({ key }) => key);
  expect(keys).toEqual(['name', 'token', 'url', 'pollInterval', 'repos', 'branches', 'tags']);
  const ours = new Set<string>(settings.map(({ name }) => name));
  expect(keys.filter((key) => !ours.has(key))).toEqual(['name', 'tags']);
  const defaults = Object.fromEntries(metadata.connectionForm.fields.map(({ key, default: value }) => [key, value]));
  expect(parseConfig(defaults)).toMatchObject({ url: 'https://gitlab.com', pollInterval: 300 });
});

test('every stream has its event type', () => {
  expect(metadata).toMatchObject({ id: 'gitlab', color: '#fc6d26' });
  expect(Object.keys(metadata.eventTypes)).toEqual(streams.map(({ type }) => type));
});
