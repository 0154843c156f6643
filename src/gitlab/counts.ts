import { completeData, required } from './graphql-response.ts';
import type { ProjectFragment, Sdk } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';

/** Which rows of which projects to count. */
export interface CountsQuery {
  /** At most 50. */
  readonly ids: readonly number[];
  /** Count only merge requests that were created at or after this moment. Default: all. */
  readonly createdAfter?: Date | null;
  /** Count only merge requests that changed at or after this moment. Default: all. */
  readonly changedAfter?: Date | null;
  /** Count only merge requests in this state. Default: all. */
  readonly state?: 'opened';
  /** Count only pipelines that changed at or after this moment. Default: all. */
  readonly updatedAfter?: Date | null;
  /** Count only rows of these branches; empty = all. */
  readonly branches: readonly string[];
}

/** How many rows a project has in GitLab, including rows that the token may not see. Null where the token may read none. */
export interface ProjectCounts {
  readonly id: number;
  /** The project with its features, as the token sees them. */
  readonly project: ProjectFragment;
  readonly mergeRequests: number | null;
  readonly pipelines: number | null;
  /** All releases, because GitLab has no filter for releases. */
  readonly releases: number;
  readonly containerRepositories: number;
}

/** Reads the counts of several projects in one request, or in one request for each branch, because GitLab filters pipelines by a single branch. */
export async function readCounts(
  graphql: Sdk,
  { ids, createdAfter, changedAfter, state, updatedAfter, branches }: CountsQuery,
): Promise<ProjectCounts[]> {
  const refs = branches.length === 0 ? [undefined] : branches;
  const answers = await Promise.all(
    refs.map(async (ref) => {
      const answer = await graphql.ProjectCounts({
        ids: ids.map(projectGlobalId),
        projects: ids.length,
        ...(state ? { mergeRequestState: state } : {}),
        ...(changedAfter ? { changedAfter: changedAfter.toISOString() } : {}),
        ...(createdAfter ? { createdAfter: createdAfter.toISOString() } : {}),
        ...(updatedAfter ? { updatedAfter: updatedAfter.toISOString() } : {}),
        ...(branches.length > 0 ? { targetBranches: [...branches] } : {}),
        ...(ref === undefined ? {} : { ref }),
      });
      return required(completeData(answer, 'ProjectCounts').projects?.nodes, 'ProjectCounts').filter((node) => node !== null);
    }),
  );
  const [first = []] = answers;
  return first.map((node) => {
    const same = answers.map((nodes) => nodes.find(({ id }) => id === node.id)?.pipelines?.count);
    return {
      id: numberOfGlobalId(node.id),
      project: node,
      mergeRequests: node.mergeRequests?.count ?? null,
      pipelines: same.every((count) => count !== undefined) ? same.reduce((sum, count) => sum + count, 0) : null,
      releases: node.releases?.count ?? 0,
      containerRepositories: node.containerRepositoriesCount ?? 0,
    };
  });
}
