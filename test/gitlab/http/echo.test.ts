import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createGitlab } from '../../../src/gitlab/client.ts';
import type { Gitlab } from '../../../src/gitlab/client.ts';

/** A GitLab that answers every request with what it was sent. */
const echoing =
  (answer: (authorization: string) => Response): typeof globalThis.fetch =>
  async (_, init) =>
    answer(new Headers(init?.headers).get('authorization') ?? '');
const json = { 'content-type': 'application/json' };

async function failure(token: string, answer: (authorization: string) => Response, ask: (gitlab: Gitlab) => Promise<unknown>) {
  const fetch = echoing(answer);
  const gitlab = createGitlab({
    url: 'https://gitlab.example.com',
    token,
    userAgent: 'test',
    concurrency: 1,
    timeoutMs: 30_000,
    fetch,
    retry: { attempts: 1 },
  });
  const error = await ask(gitlab).then(
    (value) => value,
    (thrown: unknown) => thrown,
  );
  return { error, all: inspect(error, { depth: null, showHidden: true, maxStringLength: null }) };
}

const version = ({ rest }: Gitlab) => rest.version();
const ask = (gitlab: Gitlab) => gitlab.ask('query Test { x }', {});

/** What a GitLab, or a proxy before it, may send back. */
const answers: ReadonlyArray<readonly [string, (authorization: string) => Response, (gitlab: Gitlab) => Promise<unknown>]> = [
  ['an error in JSON', (sent) => new Response(JSON.stringify({ message: `bad ${sent}` }), { status: 400, headers: json }), version],
  ['an error of GraphQL', (sent) => new Response(JSON.stringify({ errors: [{ message: `bad ${sent}` }] }), { headers: json }), ask],
  ['an answer', (sent) => new Response(JSON.stringify({ version: sent }), { headers: json }), version],
  ['a redirect', (sent) => new Response(null, { status: 302, headers: { location: `/sign_in/${encodeURIComponent(sent)}` } }), version],
  ['a request id', (sent) => new Response('{}', { status: 404, headers: { ...json, 'x-request-id': sent } }), version],
  ['a content type', (sent) => new Response('x', { headers: { 'content-type': `text/${sent}` } }), version],
];

test.each(answers)('a token that comes back in %s is taken out', async (_, answer, question) => {
  for (const token of ['glpat-plain-very-secret', 'glpat-"very-secret"', String.raw`glpat-\very-secret\x`, 'glpat-/<very-secret>&+%']) {
    const { all } = await failure(token, answer, question);
    expect([token, all]).toEqual([token, expect.stringContaining('[token]')]);
    expect(all).not.toMatch(/very-secret/);
  }
});

test('what GitLab says is printable in every error, and so is what its headers say', async () => {
  const bad = 'odd \u001b[2J\u0007\u009b31m\u202etext';
  // A header holds bytes, which become C1 characters.
  const badHeader = 'odd \u009b31m \u0085';
  for (const [, answer, question] of [
    ['', () => new Response(JSON.stringify({ message: bad }), { status: 403, headers: json }), version],
    ['', () => new Response(JSON.stringify({ errors: [{ message: bad }] }), { headers: json }), ask],
    ['', () => new Response(JSON.stringify({ data: { x: 1 }, errors: [{ message: bad }] }), { headers: json }), ask],
    ['', () => new Response(null, { status: 302, headers: { location: badHeader } }), version],
    ['', () => new Response('x', { headers: { 'content-type': badHeader } }), version],
    ['', () => new Response('{}', { status: 404, headers: { ...json, 'x-request-id': badHeader } }), version],
  ] as const) {
    const { error } = await failure('glpat-very-secret', answer, question);
    const { message, requestId, errors } = error as { message: string; requestId?: string; errors?: unknown };
    const said = [message, requestId ?? '', JSON.stringify(errors ?? [])].join('');
    expect(said).toMatch(/odd/);
    // oxlint-disable-next-line no-control-regex -- these are what is looked for
    expect(said).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]|\\u00/);
  }
});
