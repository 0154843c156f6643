import { GraphqlError, UnsupportedGitlabError } from '../errors.ts';
import { answeredAt } from './graphql-response.ts';
import type { Gitlab } from './client.ts';

/** The oldest GitLab that has what is asked for. */
export const oldestVersion = '16.2';

/** What a GitLab says of itself, and of whoever asks. Null where the token may not know. */
export interface Instance {
  /** Such as `18.8.2-ee` or `19.0.0-pre`. */
  readonly version: string | null;
  readonly isEnterprise: boolean | null;
  /** Whose the token is: a person's, or that of a bot. */
  readonly username: string | null;
  /** What one query may cost. */
  readonly complexityLimit: number | null;
  /** GitLab's clock when it answered, in whole seconds. */
  readonly at: Date | null;
}

/** Asks a GitLab who it is. Throws UnauthorizedError or ForbiddenError when it takes the token for none of its own. */
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
    // One that is too old refuses the query, for what it does not know in it.
    return { version: await rest.version(), isEnterprise: null, username: null, complexityLimit: null, at: null };
  }
}

/** Whether a version is too old for the connector. False for one that cannot be read. */
export function isTooOld(version: string): boolean {
  const [major = Number.NaN, minor = 0] = numbersOf(version);
  const [oldestMajor = 0, oldestMinor = 0] = numbersOf(oldestVersion);
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}

const numbersOf = (version: string) => (/^\d+(\.\d+)?/.exec(version)?.[0] ?? '').split('.').filter(Boolean).map(Number);
