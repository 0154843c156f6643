import { expect, test } from 'vitest';
import { parseConfig } from '../../src/index.ts';
import type { GitlabConfig, JsonObject } from '../../src/index.ts';

const given = (config: GitlabConfig) => parseConfig(config);

test('a configuration may be an object of the host, or what its database gave', () => {
  const stored: Record<string, unknown> = { token: 'x', sync_limit: '5', tags: 'team-a' };
  const json: JsonObject = { repos: ['a/b', 7] };
  expect(given(stored).syncLimit).toBe(5);
  expect(given(json).repos).toEqual(['a/b', '7']);
  expect(given({ ...stored, url: undefined, syncLimit: 'all' }).syncLimit).toBe('all');
  expect(given({ tagLimit: 0, branches: ['main'], pollInterval: '60' })).toMatchObject({
    tagLimit: 0,
    branches: ['main'],
    pollInterval: 60,
  });
});

test('what a setting cannot be is a mistake for the compiler as well', () => {
  // @ts-expect-error a list is no token
  expect(() => given({ token: ['x'] })).toThrow('token must be text');
  // @ts-expect-error an object is no count
  expect(() => given({ syncLimit: {} })).toThrow('syncLimit must be a whole number');
});
