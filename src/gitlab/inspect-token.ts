import { ForbiddenError, GitlabRequestError, UnauthorizedError, UnreachableError } from '../errors.ts';
import type { GitlabRest } from './rest.ts';

/** The kind of a token. A project or group access token is a personal access token of a bot. */
export type TokenKind = 'personal' | 'project' | 'group' | 'oauth' | 'fine-grained';

/** Facts that GitLab returns about a token. */
export interface TokenFacts {
  readonly kind: TokenKind;
  readonly name: string | null;
  /** Null when GitLab does not return the scopes: a fine-grained token may not read facts about itself. */
  readonly scopes: readonly string[] | null;
  /** When the token expires; null = never; undefined when GitLab does not return it. */
  readonly expiresAt: Date | null | undefined;
}

/** The user name that GraphQL returned, null when unknown; and this machine's time, because GitLab returns a remaining time for OAuth tokens. */
export interface TokenOwner {
  readonly username: string | null;
  readonly now: Date;
}

/**
 * Reads facts about the token in use. A token of any scope may do this. Throws UnauthorizedError when GitLab refuses the token.
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
    // Only a fine-grained token needs a permission to read facts about itself.
    if (error instanceof ForbiddenError) return { kind: 'fine-grained', name: null, scopes: null, expiresAt: undefined };
    const oauth = await rest.oauthToken().catch(() => null);
    if (!oauth) throw error;
    const { scope, expires_in: seconds } = oauth;
    const expiresAt = typeof seconds === 'number' ? new Date(now.getTime() + seconds * 1000) : null;
    return { kind: 'oauth', name: null, scopes: scope, expiresAt };
  }
}

/** The names of the bots of access tokens begin like this. https://docs.gitlab.com/administration/internal_users/ */
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
 * The kind of a token that GraphQL never accepts, by the default prefixes of GitLab, which an administrator can change. Null
 * for all other tokens. https://docs.gitlab.com/security/tokens/
 */
export function unusableKind(token: string): string | null {
  return otherKinds.find(([prefix]) => token.startsWith(prefix))?.[1] ?? null;
}
