import { ForbiddenError, GitlabRequestError, UnauthorizedError, UnreachableError } from '../errors.ts';
import type { GitlabRest } from './rest.ts';

/** What kind of token it is. Those of projects and groups are the personal ones of a bot. */
export type TokenKind = 'personal' | 'project' | 'group' | 'oauth' | 'fine-grained';

/** What GitLab says of a token. */
export interface TokenFacts {
  readonly kind: TokenKind;
  readonly name: string | null;
  /** Null when GitLab does not say: a fine-grained token may not read about itself. */
  readonly scopes: readonly string[] | null;
  /** When it ends: undefined when GitLab does not say, null = never. */
  readonly expiresAt: Date | null | undefined;
}

/** Whose it is, as far as GraphQL said; and our clock, as OAuth tokens have a span left instead of an end. */
export interface TokenOwner {
  readonly username: string | null;
  readonly now: Date;
}

/**
 * Asks what the token in use is, which a token of any scope may. Throws UnauthorizedError when GitLab does not take it.
 * https://docs.gitlab.com/api/personal_access_tokens/, https://docs.gitlab.com/api/oauth2/,
 * https://docs.gitlab.com/auth/tokens/fine_grained_access_tokens/
 */
export async function readTokenFacts(rest: Pick<GitlabRest, 'token' | 'oauthToken'>, { username, now }: TokenOwner): Promise<TokenFacts> {
  try {
    const { name, scopes, expires_at: day } = await rest.token();
    const kind = scopes.length === 1 && scopes[0] === 'granular' ? 'fine-grained' : kindOfOwner(username ?? '');
    return { kind, name: name ?? null, scopes, expiresAt: day ? new Date(day) : null };
  } catch (error) {
    if (!(error instanceof GitlabRequestError) || error instanceof UnauthorizedError || error instanceof UnreachableError) throw error;
    // Only a fine-grained token needs leave to read about itself.
    if (error instanceof ForbiddenError) return { kind: 'fine-grained', name: null, scopes: null, expiresAt: undefined };
    const oauth = await rest.oauthToken().catch(() => null);
    if (!oauth) throw error;
    const { scope, expires_in: seconds } = oauth;
    const expiresAt = typeof seconds === 'number' ? new Date(now.getTime() + seconds * 1000) : null;
    return { kind: 'oauth', name: null, scopes: scope, expiresAt };
  }
}

/** GitLab gives the bots of access tokens such names, with something random behind them. https://docs.gitlab.com/administration/internal_users/ */
function kindOfOwner(username: string): TokenKind {
  if (/^project_\d+_bot/.test(username)) return 'project';
  return /^group_\d+_bot/.test(username) ? 'group' : 'personal';
}

const otherKinds: ReadonlyArray<readonly [prefix: string, kind: string]> = [
  ['gldt-', 'deploy token'],
  ['glcbt-', 'CI/CD job token'],
  ['glrt-', 'runner token'],
  ['glrtr-', 'runner registration token'],
  ['glptt-', 'pipeline trigger token'],
  ['glft-', 'feed token'],
  ['glagent-', 'token of an agent for Kubernetes'],
  ['glsoat-', 'SCIM token'],
  ['gloas-', 'secret of an OAuth application'],
];

/**
 * What a token looks like that GraphQL takes from nobody, by the prefix that GitLab gives it unless an administrator
 * chose others; null for all other tokens. https://docs.gitlab.com/security/tokens/
 */
export function unusableKind(token: string): string | null {
  return otherKinds.find(([prefix]) => token.startsWith(prefix))?.[1] ?? null;
}
