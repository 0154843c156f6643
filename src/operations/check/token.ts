import type { Config } from '../../config/parse-config.ts';
import { tokenOf } from '../connect.ts';
import { ForbiddenError, GitlabRequestError, UnauthorizedError } from '../../errors.ts';
import type { Gitlab } from '../../gitlab/client.ts';
import { readTokenFacts, unusableKind } from '../../gitlab/inspect-token.ts';
import type { TokenFacts, TokenKind } from '../../gitlab/inspect-token.ts';
import { dayText, endOf, failure, failureBy, ok, skipped, warning } from './check.ts';
import type { Check, CheckScope, Finding } from './check.ts';

const makeOne = (config: Config) =>
  `make a personal, project or group access token with the scope read_api, for the role Reporter or higher, and ${putIt(config)}`;

const putIt = ({ tokenFile }: Config) => (tokenFile ? `write it into ${tokenFile} (GITLAB_TOKEN_FILE)` : 'set GITLAB_TOKEN to it');

const kinds: Readonly<Record<TokenKind, string>> = {
  personal: 'personal access token',
  project: 'project access token',
  group: 'group access token',
  oauth: 'OAuth token',
  'fine-grained': 'fine-grained personal access token',
};

/** Scopes that allow to read GraphQL and REST. */
const readingScopes = new Set(['read_api', 'api']);
const canRead = (scopes: readonly string[] | null) => scopes === null || scopes.some((scope) => readingScopes.has(scope));

/** GitLab allows the queries of administrators to cost more than those of others. */
const usualComplexityLimit = 250;

/** Shows the kind, name and user of the token. Never shows the token itself. */
export const token: Check = {
  name: 'token',
  after: ['url'],
  look: async (scope) => {
    const { facts, config } = scope;
    if (facts.refusal instanceof ForbiddenError) {
      return failureBy(facts.refusal, 'see in GitLab whether the user of the token is blocked, or has terms to accept');
    }
    const found = await factsOf(scope);
    if ('result' in found) return found;
    facts.token = found;
    if (facts.refusal && canRead(found.scopes)) return failureBy(facts.refusal, makeOne(config));
    return kindFinding(found, scope);
  },
};

async function factsOf({ config, gitlab, apart, facts, now }: CheckScope): Promise<TokenFacts | Finding> {
  const read = ({ rest }: Gitlab) => readTokenFacts(rest, { username: facts.instance?.username ?? null, now: now() });
  try {
    // GraphQL refuses a token that lacks a scope as if the token did not exist. REST returns what the token is.
    return await (facts.refusal ? apart(config.url, read) : read(gitlab));
  } catch (error) {
    if (!(error instanceof GitlabRequestError)) throw error;
    const other = unusableKind((await tokenOf(config)).current());
    if (error instanceof UnauthorizedError) {
      return {
        ...failureBy(error, makeOne(config)),
        ...(other ? { detail: `it looks like a ${other}, which GitLab's API does not accept` } : {}),
      };
    }
    if (facts.refusal) return failureBy(facts.refusal, makeOne(config));
    return skipped(`GitLab accepts the token, but does not return its kind (${error.message})`);
  }
}

function kindFinding({ kind, name }: TokenFacts, { config, facts: { instance } }: CheckScope): Finding {
  const { tokenFile } = config;
  const detail = [
    kinds[kind],
    ...(name ? [`"${name}"`] : []),
    ...(instance?.username ? [`of ${instance.username}`] : []),
    ...(tokenFile ? [`from ${tokenFile}`] : []),
  ].join(' ');
  if (kind === 'fine-grained') {
    return failure(`${detail}: GitLab lets it read only parts of GraphQL, and returns null for the rest`, makeOne(config));
  }
  const limit = instance?.complexityLimit ?? usualComplexityLimit;
  if (limit > usualComplexityLimit) {
    return warning(
      `${detail}, an administrator: it can change everything, and its queries may cost ${limit} points where others have ${usualComplexityLimit}`,
      'use the token of someone who is no administrator, or of a project or group',
    );
  }
  return ok(detail);
}

/** Scopes that give no warning: they change nothing but the token itself. */
const harmless = /^read_|^(openid|profile|email|self_rotate)$/;

/** Checks that the token has a scope that can read, and no more. */
export const scopes: Check = {
  name: 'token-scopes',
  after: ['token'],
  look: async ({ config, facts: { token: found } }) => {
    if (!found?.scopes) return skipped('GitLab does not return the scopes of the token');
    const list = found.scopes.join(', ') || 'none';
    if (!canRead(found.scopes)) return failure(`read_api is missing: its scopes are ${list}`, makeOne(config));
    const excess = found.scopes.filter((scope) => !harmless.test(scope));
    if (excess.length === 0) return ok(list);
    return warning(`more than is needed: ${excess.join(', ')}`, 'read_api is enough: make a token with this scope alone');
  },
};

/** Checks when the token expires. */
export const expiry: Check = {
  name: 'token-expiry',
  after: ['token'],
  look: async ({ config, facts: { token: found }, now }) => {
    const end = found?.expiresAt;
    if (end === undefined) return skipped('GitLab does not return when the token expires');
    if (end === null) return ok('it never expires');
    const at = now();
    if (endOf(end, at) === 'past') return failure(`it expired on ${dayText(end, at)}`, makeOne(config));
    if (endOf(end, at) === 'far') return ok(`it expires on ${dayText(end, at)}`);
    const fix =
      found?.kind === 'oauth'
        ? 'use a project or group access token: the connector does not renew OAuth tokens'
        : `make a new token before it expires, and ${putIt(config)}`;
    return warning(`it expires on ${dayText(end, at)}`, fix);
  },
};
