import { expect, test } from 'vitest';
import { createLog, createSecrets, passwordsOf } from '../../src/service/log.ts';
import { createPassLog } from '../../src/service/pass-log.ts';
import { failedSummary } from '../../src/service/pass-summary.ts';
import type { PassSummary } from '../../src/service/pass-summary.ts';

function logTo(isTTY = false) {
  const lines: string[] = [];
  const secrets = createSecrets();
  const log = createLog({ level: 'info', target: { write: (text) => lines.push(text), isTTY }, secrets });
  return { lines, secrets, log };
}
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('the poller’s log is one line of JSON for each entry of its level', () => {
  const { lines, log } = logTo();
  log.debug({ a: 1 }, 'not this');
  log.info({ connection: 1 }, 'pass ended');
  expect(parsed(lines)).toEqual([{ level: 'info', time: expect.any(String) as string, connection: 1, msg: 'pass ended' }]);
});

test('the poller’s log contains no secret, in any field and spelling', () => {
  const { lines, secrets, log } = logTo();
  secrets.set('settings', ['glpat-secret', ...passwordsOf('postgres://user:p%40ssword@host/name')]);
  secrets.set('connection 1', ['glpat-other']);
  log.info({ error: 'refused glpat-secret', nested: { deep: 'p@ssword and p%40ssword' } }, 'with glpat-other');
  log.info({ token: 'unknown-so-far', config: { token: 'also-unknown' }, headers: { authorization: 'Bearer x' } }, 'fields');
  expect(lines.join('')).not.toMatch(/glpat-|ssword|unknown|Bearer/);
  expect(lines[0]).toContain('refused [redacted]');
  secrets.set('connection 1', []);
  log.info({}, 'with glpat-other');
  expect(lines.at(-1)).toContain('glpat-other');
});

test('no secret is in it that JSON escapes, or that somebody else has escaped or encoded', () => {
  const { lines, secrets, log } = logTo();
  const token = String.raw`glpat-"very"\secret`;
  const password = 'pass"word';
  secrets.set('settings', [token, ...passwordsOf(`http://user:${encodeURIComponent(password)}@proxy.example.com`)]);
  const basic = Buffer.from(`user:${password}`).toString('base64');
  log.info({ error: `refused ${token}`, said: JSON.stringify({ token }), url: `https://x/?t=${encodeURIComponent(token)}` }, 'echoed');
  log.info({ error: `Proxy-Authorization: Basic ${basic}`, headers: { x: password } }, `with ${token}`);
  expect(parsed(lines).map(({ msg }) => msg)).toEqual(['echoed', 'with [redacted]']);
  expect(lines.join('')).not.toMatch(/very|secret|word/);
  expect(lines.join('')).not.toContain(basic.slice(-8));
});

test('it is printable, and as JSON it still holds what it was told', () => {
  const { lines, log } = logTo();
  const error = 'odd \u001b[2J \u009b31m \u0007 \u202e\u2066 \u2028 text';
  log.warn({ error, path: String.raw`C:\new\u001b` }, 'not everything could be read');
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  expect(lines.join('').trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  expect(parsed(lines)[0]).toMatchObject({ error, path: String.raw`C:\new\u001b` });
});

test('the poller’s log on a terminal is text for people, without control characters from GitLab', () => {
  const { lines, log } = logTo(true);
  log.warn({ error: 'odd \u001b[2J\u0007 \u009b31m \u202e text', path: String.raw`C:\new\u001b` }, 'not everything could be read');
  const text = lines.join('');
  expect(text.startsWith('{')).toBe(false);
  expect(text).toContain('not everything could be read');
  expect(text).not.toContain('\u001b[2J');
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  expect(text).not.toMatch(/[\u0007\u0080-\u009f\u202e]/);
  expect(text).toContain('odd  [2J   31m   text');
  expect(text).toContain(String.raw`C:\new\u001b`);
});

test('the poller’s log has a line for each pass that read the connection, and one for each failure and recovery', () => {
  const { lines, log } = logTo();
  const passLog = createPassLog(log);
  const served = { id: 1, name: 'gitlab.com' };
  const ok: PassSummary = { ...failedSummary(''), result: 'ok', error: null };
  const refused: PassSummary = { ...failedSummary('refused the token'), result: 'gitlab', errorCode: 'gitlab_unauthorized' };
  const away: PassSummary = { ...failedSummary('cannot reach it'), result: 'gitlab', errorCode: 'gitlab_unreachable' };
  const partly: PassSummary = { ...failedSummary('acme/x: forbidden'), result: 'incomplete' };
  for (const summary of [ok, ok, refused, { ...refused, error: 'refused the token again' }, away, ok, partly, partly, ok]) {
    passLog.ended(served, summary, 10);
  }
  const codes = parsed(lines).flatMap(({ level, errorCode }) => (level === 'error' ? [errorCode] : []));
  expect(codes).toEqual(['gitlab_unauthorized', 'gitlab_unreachable']);
  expect(parsed(lines).map(({ level, msg, error }) => [level, msg, ...(error === undefined ? [] : [error])].map(String).join(' '))).toEqual(
    [
      'info pass ended',
      'info pass ended',
      'error pass failed; retrying until it succeeds refused the token',
      'error pass failed; retrying until it succeeds cannot reach it',
      'info connection recovered: everything is read again',
      'info pass ended',
      'warn pass incomplete: /status lists what could not be read acme/x: forbidden',
      'info pass ended',
      'info pass ended',
      'info connection recovered: everything is read again',
      'info pass ended',
    ],
  );
});
