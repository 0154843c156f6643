import { GraphqlError } from '../errors.ts';
import { completeData } from './graphql-response.ts';
import { variablesOf } from './batch.ts';
import type { BatchAsk } from './batch.ts';
import type { Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';

/** A batch, as far as GitLab charges for it: data and the projects themselves do not count. */
export interface CostQuery {
  readonly source: 'ids' | 'membership' | 'group';
  /** How many projects there are room for. */
  readonly projects: number;
  readonly ask: BatchAsk;
  readonly branches: readonly string[];
}

/** What GitLab charges, in points, and what it allows one query of this token. */
export interface Cost {
  readonly operation: 'ProjectChanges' | 'GroupChanges';
  readonly score: number;
  readonly limit: number;
}

/** What asking for the score adds to the score. */
const questionScore = 3;

/** No project and no group has this id: the query costs the same, and GitLab reads no rows for it. */
const nobody = { id: 0, path: '-' };

/** Asks GitLab what it charges for a batch. Null when it does not say. */
export async function readCost(graphql: Sdk, { source, projects, ask, branches }: CostQuery): Promise<Cost | null> {
  const operation = source === 'group' ? 'GroupChanges' : 'ProjectChanges';
  const variables = { ...variablesOf({ ask, branches }, 1), projects, askCost: true };
  try {
    const answer =
      operation === 'GroupChanges'
        ? await graphql.GroupChanges({ ...variables, path: nobody.path })
        : await graphql.ProjectChanges({
            ...variables,
            ids: [projectGlobalId(nobody.id)],
            ...(source === 'membership' ? { membership: true, sort: 'id_asc' } : {}),
          });
    const { score = null, limit = null } = completeData<{ queryComplexity?: Complexity | null }>(answer, operation).queryComplexity ?? {};
    return score === null || limit === null ? null : { operation, score: score - questionScore, limit };
  } catch (error) {
    // Too dear, with the question: the refusal names both figures.
    if (!(error instanceof GraphqlError) || !error.complexity) throw error;
    const { score, limit } = error.complexity;
    return { operation, score: score - questionScore, limit };
  }
}

interface Complexity {
  readonly score: number | null;
  readonly limit: number | null;
}
