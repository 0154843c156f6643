import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settings } from '../../src/config/parse-config.ts';
import { snakeCase, unknownKeyText, unknownKeys } from '../../src/config/unknown-keys.ts';

test.each([
  ['tokn', 'token'],
  ['toekn', 'token'],
  ['poll_intervall', 'poll_interval'],
  ['pollinterval', 'pollInterval'],
  ['POLL_INTERVAL', 'pollInterval'],
  ['sync-limit', 'syncLimit'],
  ['branch', 'branches'],
  ['branche', 'branches'],
  ['uri', 'url'],
  ['colour', undefined],
])('the setting nearest to the unknown config key %s is %s', (key, nearest) => {
  expect(unknownKeys({ [key]: 'x' })).toEqual([{ key, nearest }]);
});

test('an unknown config key is named in one line, with the nearest setting where there is one', () => {
  expect([...unknownKeys({ tokn: 'glpat-secret', colour: 1 })].map(unknownKeyText)).toEqual([
    '"tokn" is not a setting here and is ignored: did you mean "token"?',
    '"colour" is not a setting here and is ignored',
  ]);
});

test('settings in either spelling and fields of the connection form are no unknown config keys', () => {
  const { connectionForm } = JSON.parse(readFileSync('metadata.json', 'utf8')) as { connectionForm: { fields: Array<{ key: string }> } };
  const keys = [...settings.flatMap(({ name }) => [name, snakeCase(name)]), ...connectionForm.fields.map(({ key }) => key)];
  expect(unknownKeys(Object.fromEntries(keys.map((key) => [key, null])))).toEqual([]);
});

test('a stored config that is no object has no unknown config keys', () => {
  expect([null, 'text', ['tokn'], 7].flatMap((input) => unknownKeys(input))).toEqual([]);
});
