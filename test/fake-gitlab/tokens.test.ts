import { beforeEach, describe, expect, test } from 'vitest';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createAsking } from './asking.ts';

let { world, project, send, ask, queryOf } = createAsking();

beforeEach(() => {
  ({ world, project, send, ask, queryOf } = createAsking());
});

describe('tokens', () => {
  test('an unknown, expired or narrow token is 401 in GraphQL', async () => {
    world.tokens.set('old', { state: 'expired', scopes: ['read_api'] });
    world.tokens.set('narrow', { state: 'active', scopes: ['read_repository'] });
    for (const token of ['nobody', 'old', 'narrow']) {
      expect(await ask(queryOf('id'), {}, token)).toMatchObject({ status: 401, body: { errors: [{ message: 'Invalid token' }] } });
    }
  });

  test('REST tells a missing token from a narrow one', async () => {
    world.tokens.set('narrow', { state: 'active', scopes: ['read_user'] });
    const path = `/api/v4/projects/${project.id}/repository/commits`;
    expect(await send(path, { token: 'nobody' })).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
    expect(await send(path, { token: 'narrow' })).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
  });
});

describe('what GitLab says of itself and of tokens', () => {
  const self = (token: string) => send('/api/v4/personal_access_tokens/self', { token });
  const info = (token: string) => send('/oauth/token/info', { token });

  test('version, edition and user are asked together, and the price of a query is its own', async () => {
    world.version = '17.5.0';
    world.tokens.set('glpat-admin', { state: 'active', scopes: ['api'], isAdmin: true, username: 'root' });
    const query = '{ metadata { version enterprise } currentUser { username } queryComplexity { score limit } }';
    expect((await ask(query)).body.data).toEqual({
      metadata: { version: '17.5.0', enterprise: false },
      currentUser: { username: 'ada' },
      queryComplexity: { score: 8, limit: 250 },
    });
    const { currentUser, queryComplexity } = (await ask(query, {}, 'glpat-admin')).body.data;
    expect([currentUser.username, queryComplexity.limit]).toEqual(['root', 300]);
    expect((await send('/api/v4/version')).body).toMatchObject({ version: '17.5.0' });
  });

  test('fields that are left out cost nothing', async () => {
    const query = 'query ($is: Boolean! = false) { queryComplexity { score } metadata @include(if: $is) { version enterprise } }';
    expect((await ask(query)).body.data).toEqual({ queryComplexity: { score: 2 } });
    expect((await ask(query, { is: true })).body.data.queryComplexity.score).toBe(5);
    expect((await ask(query.replace('include', 'skip'), { is: true })).body.data.queryComplexity.score).toBe(2);
  });

  test('a token of any scope may be asked about itself, as long as it is good', async () => {
    world.tokens.set('glpat-narrow', { state: 'active', scopes: ['read_user'], name: 'narrow', expiresOn: '2026-12-31' });
    expect(await self('glpat-narrow')).toMatchObject({
      status: 200,
      body: { name: 'narrow', scopes: ['read_user'], expires_at: '2026-12-31', active: true, revoked: false },
    });
    world.tokens.set('glpat-ended', { state: 'expired', scopes: ['api'] });
    world.tokens.set('glpat-revoked', { state: 'revoked', scopes: ['api'] });
    expect(await self('glpat-ended')).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('Token is expired') },
    });
    expect(await self('glpat-revoked')).toMatchObject({
      status: 401,
      body: { error: 'invalid_token', error_description: expect.stringContaining('Token was revoked') },
    });
    expect(await self('glpat-unknown')).toMatchObject({ status: 401, body: { message: '401 Unauthorized' } });
  });

  test('an OAuth token is described elsewhere, and no other token is', async () => {
    world.tokens.set('oauth', { state: 'active', scopes: ['read_api'], kind: 'oauth', expiresInSeconds: 90 });
    expect(await self('oauth')).toMatchObject({ status: 400 });
    expect(await info('oauth')).toMatchObject({ status: 200, body: { scope: ['read_api'], expires_in: 90 } });
    expect(await info(goodToken)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await ask(queryOf('id'), {}, 'oauth')).status).toBe(200);
  });

  test('a fine-grained token gets nothing of GraphQL, and REST as far as it has leave', async () => {
    world.tokens.set('fine', { state: 'active', scopes: ['granular'] });
    const { status, body } = await ask(queryOf('id'), {}, 'fine');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      data: { projects: null },
      errors: [{ message: expect.stringContaining('fine-grained'), path: ['projects'] }],
    });
    expect(await self('fine')).toMatchObject({ status: 403, body: { error: 'insufficient_granular_scope' } });
    world.tokens.set('fine', { state: 'active', scopes: ['granular'], readsItself: true });
    expect(await self('fine')).toMatchObject({ status: 200, body: { scopes: ['granular'] } });
    expect((await send('/api/v4/version', { token: 'fine' })).status).toBe(403);
  });
});
