import { GraphqlError, UnsupportedGitlabError } from '../errors.ts';
import { answeredAt } from './graphql-response.ts';
import type { Gitlab } from './client.ts';

/** The oldest supported version of GitLab. */
export const oldestVersion = '16.2';

/** Facts about a GitLab and the user of the token. Null where the token may not read a fact. */
export interface Instance {
  /** Version such as `18.8.2-ee` or `19.0.0-pre`. */
  readonly version: string | null;
  readonly isEnterprise: boolean | null;
  /** User name of the token's user, a person or a bot. */
  readonly username: string | null;
  /** The highest complexity that GitLab allows for one query. */
  readonly complexityLimit: number | null;
  /** The time of GitLab's clock in the answer, in whole seconds. */
  readonly at: Date | null;
}

/** Reads facts about a GitLab and the token's user. Throws UnauthorizedError or ForbiddenError when GitLab refuses the token. */
export async function readInstance({ graphql, rest }: Pick<Gitlab, 'graphql' | 'rest'>): Promise<Instance> {
  try {
    const answer = await graphql.Instance();
    const { metadata, currentUser, queryComplexity } = answer.data;
    return {
      version: metadata?.version ?? null,
      isEnterprise: metadata?.enterprise ?? null,
      username: currentUser?.username ?? null,
      complexityLimit: queryComplexity?.limit ?? null,
      at: answeredAt(answer),
    };
  } catch (error) {
    if (!(error instanceof GraphqlError) && !(error instanceof UnsupportedGitlabError)) throw error;
    // A GitLab that is too old refuses the query because of unknown fields. REST returns the version.
    return { version: await rest.version(), isEnterprise: null, username: null, complexityLimit: null, at: null };
  }
}

/** Whether a version is too old for the connector. False for a text that is not a version. */
export function isTooOld(version: string): boolean {
  const [major = Number.NaN, minor = 0] = numbersOf(version);
  const [oldestMajor = 0, oldestMinor = 0] = numbersOf(oldestVersion);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

const numbersOf = (version: string) => (/^\d+(\.\d+)?/.exec(version)?.[0] ?? '').split('.').filter(Boolean).map(Number);
