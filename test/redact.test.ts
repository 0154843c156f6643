import { expect, test } from 'vitest';
import { redactor } from '../src/redact.ts';

const secrets = [
  'glpat-plain_Secret.123',
  'quo"ted',
  String.raw`back\slash`,
  String.raw`\\two"<&>/'\ `,
  'p%ss+w0rd%2F',
  'ümlaut-日本',
  '😀smile',
];

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The ways in which a secret is written in what GitLab, a proxy or a library says. */
const notations: ReadonlyArray<readonly [string, (secret: string) => string]> = [
  ['as it is', (secret) => secret],
  ['in JSON', (secret) => JSON.stringify({ message: `no ${secret}!` })],
  ['in JSON in JSON in JSON', (secret) => JSON.stringify(JSON.stringify([JSON.stringify(secret)]))],
  ['in JSON as Rails writes it', (secret) => JSON.stringify(secret).replaceAll(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
  ['in JSON as PHP writes it', (secret) => JSON.stringify(secret).replaceAll('/', String.raw`\/`)],
  [
    'in JSON, all escaped',
    (secret) =>
      `"${secret
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`)
        .join('')}"`,
  ],
  ['in a URL', (secret) => `https://x.example.com/?t=${encodeURIComponent(secret)}&u=1`],
  ['in a URL in a URL', (secret) => encodeURIComponent(`https://x.example.com/?t=${encodeURIComponent(secret)}`)],
  ['in a URL in lower case', (secret) => encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase())],
  ['in a URL in JSON', (secret) => JSON.stringify(`https://x.example.com/${encodeURIComponent(secret)}`)],
  ['as Bearer', (secret) => `authorization: Bearer ${secret}`],
];

test.each(notations)('a secret is taken out where it is written %s', (_, write) => {
  for (const secret of secrets) {
    const text = write(secret);
    const redacted = redactor([secret], '[gone]')(text);
    expect([secret, redacted]).toEqual([secret, expect.stringContaining('[gone]')]);
    expect(redactor([secret], '[gone]')(`before ${text} after ${text}`)).toMatch(/^before .*after /);
    // Neither the secret nor most of it is left.
    for (const part of [secret.slice(1), secret.slice(0, -1)]) expect(redacted).not.toContain(part);
    expect(isJson(redacted)).toBe(isJson(text));
  }
});

test('and where it is a part of something in base64, as in Basic', () => {
  for (const secret of secrets.filter((text) => Buffer.byteLength(text) >= 8)) {
    for (const user of ['', 'a', 'ab', 'oauth2', 'gitlab-ci-token']) {
      const text = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
      const redacted = redactor([secret], '[gone]')(text);
      expect([secret, user, redacted]).toEqual([secret, user, expect.stringContaining('[gone]')]);
    }
  }
});

test('several are taken out at once, and texts without any stay as they are', () => {
  expect(redactor(['first-secret', '', 'second-secret'], '***')('first-secret, second-secret, third-secret')).toBe(
    '***, ***, third-secret',
  );
  expect(redactor([], '***')('nothing')).toBe('nothing');
  expect(redactor([''], '***')('nothing')).toBe('nothing');
  const text = JSON.stringify({ title: 'glpat- and "quo" and \\ and %2F', path: 'a/b' });
  expect(redactor(secrets, '***')(text)).toBe(text);
  expect(redactor(['$&secret'], '$&')('a $&secret b')).toBe('a $& b');
});

test('a text that is made to be expensive is not', () => {
  const nasty = [String.raw`\\"\\`, '%25%25%25%25%25', 'aaaaaaaaaaaaaaaa"', String.raw`\u005c\u005c"`];
  const redact = redactor(nasty, '***');
  for (const unit of ['\\', '%25', '%', 'a', '\\u005c', '\\"']) {
    const text = unit.repeat(Math.ceil(300_000 / unit.length));
    // If the work grew faster than the text, this would not end in time.
    expect(redact(text).length).toBeGreaterThan(0);
  }
});
