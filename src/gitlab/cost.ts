import { GraphqlError } from '../errors.ts';
import { completeData } from './graphql-response.ts';
import { variablesOf } from './batch.ts';
import type { BatchAsk, FirstPage } from './batch.ts';
import type { Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';

/** The properties of a batch that decide its complexity. Which projects it reads, and their data, do not matter. */
export interface CostQuery {
  readonly source: 'ids' | 'membership' | 'group';
  /** How many projects the query asks for. */
  readonly projects: number;
  readonly ask: BatchAsk;
  readonly branches: readonly string[];
  /** Default: all. */
  readonly lists?: readonly FirstPage[];
}

/** The complexity of a query in points, and the limit for a query with this token. */
export interface Cost {
  readonly operation: 'ProjectChanges' | 'GroupChanges';
  readonly score: number;
  readonly limit: number;
}

/** Points that the field queryComplexity adds to the score. */
const questionScore = 3;

/** No project or group has this id or path: the query has the same complexity, and GitLab reads no rows. */
const nobody = { id: 0, path: '-' };

/** Reads the complexity of a batch from GitLab. Null when GitLab does not return it. */
export async function readCost(graphql: Sdk, { source, projects, ask, branches, lists }: CostQuery): Promise<Cost | null> {
  const operation = source === 'group' ? 'GroupChanges' : 'ProjectChanges';
  const variables = { ...variablesOf({ ask, branches, ...(lists ? { lists } : {}) }, 1), projects, askCost: true };
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
    // The query is too complex. The error names the score and the limit.
    if (!(error instanceof GraphqlError) || !error.complexity) throw error;
    const { score, limit } = error.complexity;
    return { operation, score: score - questionScore, limit };
  }
}

interface Complexity {
  readonly score: number | null;
  readonly limit: number | null;
}
