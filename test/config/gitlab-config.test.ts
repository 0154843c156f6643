import { expect, test } from 'vitest';
import { parseConfig } from '../../src/index.ts';
import type { GitlabConfig, JsonObject, StoredConfig } from '../../src/index.ts';

const given = (config: GitlabConfig) => parseConfig(config);

test('a GitlabConfig may be JSON from a database, whose keys the compiler does not know', () => {
  const stored: StoredConfig = { token: 'x', sync_limit: '5', tags: 'team-a' };
  const json: JsonObject = { repos: ['a/b', 7] };
  expect(given(stored).syncLimit).toBe(5);
  expect(given(json).repos).toEqual(['a/b', '7']);
  expect(given({ ...stored, url: undefined, syncLimit: 'all' }).syncLimit).toBe('all');
});

test('a GitlabConfig compiles with keys in camelCase and in snake_case', () => {
  expect(given({ tagLimit: 0, branches: ['main'], pollInterval: '60' })).toMatchObject({
    tagLimit: 0,
    branches: ['main'],
    pollInterval: 60,
  });
  expect(given({ tag_limit: 0, poll_interval: '60', token_file: null })).toMatchObject({ tagLimit: 0, pollInterval: 60 });
});

test('a GitlabConfig with a mistyped key does not compile', () => {
  // @ts-expect-error the key is token
  expect(given({ tokn: 'x' }).token).toBeUndefined();
  // @ts-expect-error the key is poll_interval
  expect(given({ poll_intervall: 60 }).pollInterval).toBe(300);
});

test('a GitlabConfig with a value of a wrong type does not compile', () => {
  // @ts-expect-error a list is no token
  expect(() => given({ token: ['x'] })).toThrow('token must be text');
  // @ts-expect-error a list is no token in snake_case either
  expect(() => given({ token_file: ['x'] })).toThrow('tokenFile must be a path');
  // @ts-expect-error an object is no count
  expect(() => given({ syncLimit: {} })).toThrow('syncLimit must be a whole number');
});
