import { describe, expect, test } from 'vitest';
import { parseConfig, settings, settingsFromEnv } from '../../src/config/parse-config.ts';
import { ConfigurationError } from '../../src/errors.ts';

const issuesOf = (input: unknown, nameOf?: (name: string) => string): readonly string[] => {
  try {
    parseConfig(input, nameOf);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
};

describe('the configuration', () => {
  test('has defaults for every setting but the token and optional settings', () => {
    expect(parseConfig({})).toEqual({
      url: 'https://gitlab.com',
      allowHttp: false,
      repos: [],
      branches: [],
      streams: [],
      projectLimit: 10,
      syncLimit: 50,
      reconcileInterval: 21_600,
      tagChecks: 5,
      imageArtifacts: false,
      tagLimit: 100,
      pollInterval: 300,
      workers: 4,
      gracePeriod: 25,
      shareToken: false,
      allowedHosts: [],
      healthPort: 8080,
      healthHost: '127.0.0.1',
      page: true,
      healthAllowedHosts: [],
      retentionEvents: false,
      logLevel: 'info',
      concurrency: 4,
      maxRequestsPerMinute: 1_000,
      maxAttempts: 4,
      connectTimeout: 10,
      responseTimeout: 45,
      requestTimeout: 60,
      noProxy: [],
      insecureTls: false,
      dataDir: './data',
    });
  });

  test('may be written in camelCase or snake_case, as text or as values', () => {
    const expected = { pollInterval: 60, repos: ['a/b', '12'], syncLimit: 'all', tagLimit: 0 };
    expect(parseConfig({ poll_interval: '60', repos: 'a/b, 12, a/b,,', sync_limit: 'all', tag_limit: '0' })).toMatchObject(expected);
    expect(parseConfig({ pollInterval: 60, repos: ['a/b', 12], syncLimit: 'all', tagLimit: 0 })).toMatchObject(expected);
  });

  test('treats empty text as not set, and ignores unknown keys', () => {
    expect(parseConfig({ branches: '', url: ' ', syncLimit: '', name: 'x', tags: 'team', databaseUrl: '', connectionId: null })).toEqual(
      parseConfig({}),
    );
  });

  test('keeps the path of a URL, and removes a slash at its end', () => {
    expect(parseConfig({ url: 'https://host.example.com/gitlab/' }).url).toBe('https://host.example.com/gitlab');
  });

  test('names each wrong setting in one line, under the name that the user wrote', () => {
    const wrong = { url: 'ftp://x', syncLimit: 0, tagLimit: -1, concurrency: 'many', repos: {}, connectionId: '1.5' };
    expect(issuesOf(wrong, (name) => `<${name}>`)).toEqual([
      '<url> must be an http:// or https:// URL, such as https://gitlab.example.com, not "ftp://x"',
      '<repos> must be a list, text with commas, or a JSON array as text',
      '<syncLimit> must be a whole number of at least 1, or all, not "0"',
      '<tagLimit> must be a whole number of at least 0, not "-1"',
      '<concurrency> must be a whole number from 1 to 100, not "many"',
      '<connectionId> must be a whole number from 1 to 2147483647, not "1.5"',
    ]);
    expect(issuesOf('text')).toEqual(['the configuration must be an object']);
    expect(issuesOf({ url: 'https://user:secret@host.example.com' })[0]).toContain('must hold no user name');
  });

  test('never repeats a secret', () => {
    const proxy = 'must be the http:// or https:// URL of a proxy, such as http://proxy.example.com:3128';
    const issues = issuesOf({
      token: 'glpat secret',
      httpsProxy: 'socks5://user:secret@proxy:1080',
      httpProxy: 'http://user:secret%@proxy:3128',
      databaseUrl: 'mysql://user:secret@host/name',
    });
    expect(issues).toEqual([
      'token must hold no spaces, line breaks or letters beyond ASCII',
      `httpsProxy ${proxy}`,
      `httpProxy ${proxy}`,
      'databaseUrl must be a postgres:// or postgresql:// URL',
    ]);
    const urls = [
      'https://user:secret@host.example.com/x',
      'https://host.example.com/?private_token=secret',
      'ftp://user:secret@host/#secret',
    ];
    for (const url of urls) {
      const [issue] = issuesOf({ url });
      expect(issue).toMatch(/, not ".*….*"$/);
      expect(issue).not.toContain('secret');
    }
  });

  test.each(['glpat-a\nglpat-b', 'glpat-\u00e4', 'Bearer glpat-a', '\u{1F511}'])(
    'refuses a token that cannot be sent in a header: %j',
    (token) => {
      expect(issuesOf({ token })).toEqual(['token must hold no spaces, line breaks or letters beyond ASCII']);
      expect(parseConfig({ token: ' glpat-a\n' }).token).toBe('glpat-a');
    },
  );

  test('refuses GITLAB_TOKEN together with GITLAB_TOKEN_FILE', () => {
    expect(issuesOf({ token: 'a', tokenFile: '/run/token' }, (name) => `<${name}>`)).toEqual([
      '<token> and <tokenFile> are both set: keep one of them',
    ]);
    expect(parseConfig({ token_file: '/run/token', token: '' })).toMatchObject({ tokenFile: '/run/token' });
  });

  test('allows http:// to this machine only, unless ALLOW_HTTP is set', () => {
    for (const host of [
      'git.example.com',
      '10.0.0.1',
      'localhost.example.com',
      '127.example.com',
      'notlocalhost',
      '[2001:db8::1]',
      '0.0.0.0',
    ])
      expect(issuesOf({ url: `http://${host}/gitlab` }, (name) => `<${name}>`)).toEqual([
        `<url> must be an https:// URL: over http://${host} anyone on the network path can read the token (<allowHttp> = true sends it nevertheless)`,
      ]);
    for (const host of ['localhost:8080', 'git.localhost', '127.0.0.1:3000', '127.8.9.1', '[::1]:80']) {
      const url = `http://${host}/gitlab`;
      expect(parseConfig({ url }).url).toBe(url);
    }
    expect(parseConfig({ url: 'http://git.example.com', allowHttp: 'true' }).url).toBe('http://git.example.com');
  });

  test('accepts true and false in the usual words', () => {
    const insecureTls = (value: unknown) => parseConfig({ insecureTls: value }).insecureTls;
    expect([true, 'true', 'YES', ' on ', '1'].map(insecureTls)).toEqual([true, true, true, true, true]);
    expect([false, 'false', 'No', 'off', '0', '', undefined].map(insecureTls)).toEqual(Array.from({ length: 7 }, () => false));
    expect(issuesOf({ insecureTls: 'maybe' })).toEqual(['insecureTls must be true or false, not "maybe"']);
  });

  test('is read from the environment', () => {
    const env = { GITLAB_TOKEN: 't', GITLAB_URL: 'https://git.example.com', REPOS: 'a', POLL_INTERVAL: '60', OTHER: 'x' };
    expect(parseConfig(settingsFromEnv(env))).toMatchObject({ token: 't', url: 'https://git.example.com', repos: ['a'], pollInterval: 60 });
    const proxies = {
      https_proxy: 'http://a:1',
      HTTP_PROXY: 'http://b:2',
      http_proxy: 'http://c:3',
      NO_PROXY: '',
      no_proxy: 'd, e',
      ca_file: 'x',
    };
    expect(parseConfig(settingsFromEnv(proxies))).toMatchObject({ httpsProxy: 'http://a:1', httpProxy: 'http://b:2', noProxy: ['d', 'e'] });
    expect(parseConfig(settingsFromEnv(proxies)).caFile).toBeUndefined();
    const names = settings.map(({ env: variable }) => variable);
    expect(new Set(names).size).toBe(names.length);
  });
});
