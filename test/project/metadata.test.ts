import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig, settings } from '../../src/index.ts';
import { streams } from '../../src/streams/index.ts';

interface Metadata {
  readonly id: string;
  readonly color: string;
  readonly logo: string;
  readonly connectionForm: { readonly fields: ReadonlyArray<{ readonly key: string; readonly default?: string; readonly help?: string }> };
  readonly eventTypes: Readonly<Record<string, { readonly fields: Readonly<Record<string, { readonly defaultVisibility: boolean }>> }>>;
}

const metadata = JSON.parse(readFileSync('metadata.json', 'utf8')) as Metadata;

test("the fields of PainChain's form are settings, or PainChain's own", () => {
  // The form saves and shows poll_interval as it is. It saves a field pollInterval as poll_interval, and does not show it again.
  const keys = metadata.connectionForm.fields.map(({ key }) => key);
  expect(keys).toEqual(['name', 'token', 'url', 'poll_interval', 'repos', 'branches', 'tags']);
  const ours = new Set<string>(settings.map(({ name }) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)));
  expect(keys.filter((key) => !ours.has(key))).toEqual(['name', 'tags']);
  const defaults = Object.fromEntries(metadata.connectionForm.fields.map(({ key, default: value }) => [key, value]));
  expect(parseConfig(defaults)).toMatchObject({ url: 'https://gitlab.com', pollInterval: 300 });
});

test.each(['token', 'url'])('the field %s says what PainChain\'s "Test connection" asks', (key) => {
  expect(metadata.connectionForm.fields.find((field) => field.key === key)?.help).toContain('"Test connection" asks gitlab.com');
});

test('every stream has its event type', () => {
  expect(metadata).toMatchObject({ id: 'gitlab', color: '#fc6d26' });
  expect(Object.keys(metadata.eventTypes)).toEqual(streams.map(({ type }) => type));
});

test("every toggle of PainChain's own metadata.json is kept: its dashboard has one list for all connectors", () => {
  const toggles = {
    MR: ['branches', 'approved_by', 'approvals', 'comments', 'votes', 'merged', 'files_changed'],
    Pipeline: ['status', 'duration', 'ref', 'commit', 'source', 'pipeline_id', 'failed_jobs', 'failed_jobs_detail', 'logs'],
    Commit: ['branch', 'sha', 'changes', 'files_changed'],
    Release: ['tag', 'prerelease', 'draft', 'assets'],
    Image: ['registry', 'image', 'size', 'digest', 'package', 'repository', 'tags'],
  };
  for (const [type, keys] of Object.entries(toggles)) expect(Object.keys(metadata.eventTypes[type]?.fields ?? {})).toEqual(keys);
});

test('the logo is a PNG beside it', () => {
  const logo = readFileSync(metadata.logo);
  expect(logo.subarray(0, 8)).toEqual(Buffer.from('89504e470d0a1a0a', 'hex'));
  expect([logo.readUInt32BE(16), logo.readUInt32BE(20)]).toEqual([128, 128]);
});
