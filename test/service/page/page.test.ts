import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { pagePasswordOf } from '../../../src/service/page/password.ts';
import { parseQuery } from '../../../src/service/page/query.ts';
import { visible } from '../../../src/printable.ts';

const now = new Date('2026-11-23T10:15:00Z');
const parse = (query: string) => parseQuery(new URLSearchParams(query), now);

describe('the URL of the page', () => {
  test.each([
    ['', '2026-11-23T09:15:00.000Z', '2026-11-23T10:15:00.000Z'],
    ['last=15m', '2026-11-23T10:00:00.000Z', '2026-11-23T10:15:00.000Z'],
    ['from=10:00&to=10:20', '2026-11-23T10:00:00.000Z', '2026-11-23T10:20:00.000Z'],
    ['from=yesterday+23:50&to=0:20', '2026-11-22T23:50:00.000Z', '2026-11-23T00:20:00.000Z'],
    ['around=10:00&minutes=5', '2026-11-23T09:55:00.000Z', '2026-11-23T10:05:00.000Z'],
    ['from=10:00&tz=Europe/Berlin', '2026-11-23T09:00:00.000Z', '2026-11-23T10:15:00.000Z'],
  ])('%s is a window', (query, from, to) => {
    const { query: found, problems } = parse(query);
    expect(problems).toEqual([]);
    expect([found?.from.toISOString(), found?.to.toISOString()]).toEqual([from, to]);
  });

  test.each([
    'from=25:00',
    'to=soon',
    'around=x',
    'minutes=0&around=10:00',
    'type=mrs',
    'tz=Mars/Olympus',
    'by=luck',
    'after=1',
    'from=10:00&to=9:00x',
    'last=soon',
  ])('%s is named as wrong', (query) => {
    const { query: found, problems } = parse(query);
    expect(found).toBeNull();
    expect(problems.length).toBeGreaterThan(0);
  });
});

describe('who may look', () => {
  const config = { page: true, pagePassword: undefined, pagePasswordFile: undefined, healthHost: '127.0.0.1', healthPort: 8080 } as const;
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'page-')), 'password');
  writeFileSync(file, 'secret\n');

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', 'a.localhost', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'])(
    'on %s needs no password',
    (healthHost) => {
      expect(pagePasswordOf({ ...config, healthHost })).toBeNull();
    },
  );

  test.each(['0.0.0.0', '::', '10.0.0.1', 'gitlab-connector', '127.0.0.1.evil.example', '128.0.0.1', '::2', '1::1', 'localhost.example'])(
    'elsewhere (%s) the poller refuses to start without one',
    (healthHost) => {
      expect(() => pagePasswordOf({ ...config, healthHost })).toThrow(`HEALTH_HOST is ${healthHost}`);
      expect(pagePasswordOf({ ...config, healthHost, page: false })).toBeNull();
      expect(pagePasswordOf({ ...config, healthHost, healthPort: 'off' })).toBeNull();
      expect(pagePasswordOf({ ...config, healthHost, pagePassword: 'x' })).toBe('x');
      expect(pagePasswordOf({ ...config, healthHost, pagePasswordFile: file })).toBe('secret');
    },
  );

  test('a password is given once, and its file can be read', () => {
    expect(() => pagePasswordOf({ ...config, pagePassword: 'x', pagePasswordFile: file })).toThrow('both set');
    expect(() => pagePasswordOf({ ...config, pagePasswordFile: `${file}.not` })).toThrow('PAGE_PASSWORD_FILE cannot be read');
  });
});

test('characters that are not printable are shown as signs', () => {
  expect(visible('a\u001bb\u202ec\u007f')).toBe('a␛b⟨U+202E⟩c␡');
});
