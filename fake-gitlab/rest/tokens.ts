import { isFineGrained } from '../world/world.ts';
import type { FakeToken, World } from '../world/world.ts';
import type { RestReply } from './reply.ts';

/** The token of a request. Null without a token, undefined for an unknown token. */
export function tokenOf(world: World, request: Request): FakeToken | null | undefined {
  const given = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? request.headers.get('private-token');
  return given === null ? null : world.tokens.get(given);
}

export const unauthorized: RestReply = { status: 401, body: { message: '401 Unauthorized' } };

interface Place {
  readonly isGraphql: boolean;
  readonly endpoint: string;
}

/** GitLab's answer to a missing, unknown or expired token, or a token without the scope. Null for a valid token. */
export function refusedToken(token: FakeToken | null | undefined, { isGraphql, endpoint }: Place): RestReply | null {
  const isAboutItself = endpoint === '/v4/personal_access_tokens/self';
  // Any token may read about itself, except a fine-grained token without this permission.
  const scopes = isAboutItself ? token?.scopes : ['read_api', 'api'];
  const isFine = token ? isFineGrained(token) : false;
  const mayRead = token?.scopes.some((scope) => scopes?.includes(scope));
  if (token?.state === 'active' && mayRead && !isFine) return null;
  if (token?.state === 'active' && isFine && (isGraphql || (isAboutItself && token.readsItself))) return null;
  if (isGraphql) return { status: 401, body: { errors: [{ message: 'Invalid token' }] } };
  if (!token) return unauthorized;
  if (token.state !== 'active') return { status: 401, body: { error: 'invalid_token', error_description: endings[token.state] } };
  if (isFine) {
    const description =
      'Access denied: This operation requires a fine-grained personal access token with the following user permissions: [Personal Access Token: Read].';
    return { status: 403, body: { error: 'insufficient_granular_scope', error_description: description } };
  }
  return {
    status: 403,
    body: {
      error: 'insufficient_scope',
      error_description: 'The request requires higher privileges than provided by the access token.',
      scope: 'api read_api',
    },
  };
}

const endings = {
  expired: 'Token is expired. You can either do re-authorization or token refresh.',
  revoked: 'Token was revoked. You have to re-authorize from the user.',
};

/** `GET /personal_access_tokens/self` */
export function describeToken({ kind, name = 'connector', scopes, expiresOn = null }: FakeToken): RestReply {
  if (kind === 'oauth') {
    return { status: 400, body: { message: '400 Bad request - This endpoint requires token type to be a personal access token' } };
  }
  const body = {
    id: 42,
    name,
    revoked: false,
    created_at: '2026-01-05T08:00:00.000Z',
    description: null,
    scopes,
    user_id: 7,
    last_used_at: '2026-11-20T08:00:00.000Z',
    active: true,
    expires_at: expiresOn,
  };
  return { status: 200, body };
}

/** This path is not below /api. */
export const isTokenInfo = (endpoint: string): boolean => endpoint.endsWith('/oauth/token/info');

/** `GET /oauth/token/info` */
export function tokenInfo(token: FakeToken | null | undefined): RestReply {
  if (token?.kind !== 'oauth' || token.state !== 'active') {
    const description = 'The request is missing a required parameter, includes an unsupported parameter value, or is otherwise malformed.';
    return { status: 400, body: { error: 'invalid_request', error_description: description } };
  }
  const { scopes, expiresInSeconds = 7_200 } = token;
  const body = {
    resource_owner_id: 7,
    scope: scopes,
    expires_in: expiresInSeconds,
    application: { uid: 'a-client' },
    created_at: 1_767_600_000,
    scopes,
    expires_in_seconds: expiresInSeconds,
  };
  return { status: 200, body };
}
