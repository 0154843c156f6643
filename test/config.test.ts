import { describe, expect, test } from 'vitest';
import { parseConfig, settings, settingsFromEnv } from '../src/config.ts';
import { ConfigurationError } from '../src/errors.ts';

const issuesOf = (input: unknown, nameOf?: (name: string) => string): readonly string[] => {
  try {
    parseConfig(input, nameOf);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
};

describe('a configuration', () => {
  test('has defaults for everything but the token and the optional ones', () => {
    expect(parseConfig({})).toEqual({
      url: 'https://gitlab.com',
      repos: [],
      branches: [],
      projectLimit: 10,
      syncLimit: 50,
      reconcileInterval: 21_600,
      tagChecks: 5,
      tagLimit: 100,
      pollInterval: 300,
      workers: 4,
      gracePeriod: 25,
      healthPort: 8080,
      healthHost: '127.0.0.1',
      logLevel: 'info',
      concurrency: 4,
      requestTimeout: 60,
      dataDir: './data',
    });
  });

  test('may be written in camelCase or snake_case, as text or as values', () => {
    const expected = { pollInterval: 60, repos: ['a/b', '12'], syncLimit: 'all', tagLimit: 0 };
    expect(parseConfig({ poll_interval: '60', repos: 'a/b, 12, a/b,,', sync_limit: 'all', tag_limit: '0' })).toMatchObject(expected);
    expect(parseConfig({ pollInterval: 60, repos: ['a/b', 12], syncLimit: 'all', tagLimit: 0 })).toMatchObject(expected);
  });

  test('takes empty text for not set, and knows nothing of other keys', () => {
    expect(parseConfig({ branches: '', url: ' ', syncLimit: '', name: 'x', tags: 'team', databaseUrl: '', connectionId: null })).toEqual(
      parseConfig({}),
    );
  });

  test('keeps the path of a URL, and drops the slash at its end', () => {
    expect(parseConfig({ url: 'https://host.example.com/gitlab/' }).url).toBe('https://host.example.com/gitlab');
  });

  test('names every wrong setting in one line each, as its user knows it', () => {
    const wrong = { url: 'ftp://x', syncLimit: 0, tagLimit: -1, concurrency: 'many', repos: {}, connectionId: '1.5' };
    expect(issuesOf(wrong, (name) => `<${name}>`)).toEqual([
      '<url> must be an http:// or https:// URL, such as https://gitlab.example.com, not "ftp://x"',
      '<repos> must be a list, or text with commas',
      '<syncLimit> must be a whole number of at least 1, or all, not "0"',
      '<tagLimit> must be a whole number of at least 0, not "-1"',
      '<concurrency> must be a whole number from 1 to 100, not "many"',
      '<connectionId> must be a whole number from 1 to 2147483647, not "1.5"',
    ]);
    expect(issuesOf('text')).toEqual(['the configuration must be an object']);
    expect(issuesOf({ url: 'https://user:secret@host.example.com' })[0]).toContain('must hold no user name');
  });

  test('never repeats a secret', () => {
    const issues = issuesOf({ token: 'glpat secret', databaseUrl: 'mysql://user:secret@host/name' });
    expect(issues).toEqual(['token must hold no spaces or line breaks', 'databaseUrl must be a postgres:// or postgresql:// URL']);
  });

  test('comes from the environment', () => {
    const env = { GITLAB_TOKEN: 't', GITLAB_URL: 'https://git.example.com', REPOS: 'a', POLL_INTERVAL: '60', OTHER: 'x' };
    expect(parseConfig(settingsFromEnv(env))).toMatchObject({ token: 't', url: 'https://git.example.com', repos: ['a'], pollInterval: 60 });
    const names = settings.map(({ env: variable }) => variable);
    expect(new Set(names).size).toBe(names.length);
  });
});
