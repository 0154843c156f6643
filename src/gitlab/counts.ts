import { completeData, required } from './graphql-response.ts';
import type { ProjectFragment, Sdk } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';

/** Whose rows to count, and which. Both sides of a window are inclusive; absent = open. */
export interface CountsQuery {
  /** At most 50. */
  readonly ids: readonly number[];
  /** When merge requests were created. Default: ever. */
  readonly created?: TimeWindow;
  /** From when on merge requests have changed. Default: ever. */
  readonly changedAfter?: Date | null;
  /** In which state merge requests are. Default: any. */
  readonly state?: 'opened';
  /** When pipelines changed last. */
  readonly updated: TimeWindow;
  /** Empty = all. */
  readonly branches: readonly string[];
}

/** A span of time. */
export interface TimeWindow {
  readonly after?: Date | undefined;
  readonly before?: Date | undefined;
}

/** How many rows a project has in GitLab, those included that the token may not see. Null where it may read none. */
export interface ProjectCounts {
  readonly id: number;
  /** Its switches, as the token sees them. */
  readonly project: ProjectFragment;
  readonly mergeRequests: number | null;
  readonly pipelines: number | null;
  /** All of them: GitLab has no filter for releases. */
  readonly releases: number;
  readonly containerRepositories: number;
}

/** Counts of several projects in one request, or in one for each branch where there are several: GitLab filters pipelines by one. */
export async function readCounts(
  graphql: Sdk,
  { ids, created = {}, changedAfter, state, updated, branches }: CountsQuery,
): Promise<ProjectCounts[]> {
  const refs = branches.length === 0 ? [undefined] : branches;
  const answers = await Promise.all(
    refs.map(async (ref) => {
      const answer = await graphql.ProjectCounts({
        ids: ids.map(projectGlobalId),
        projects: ids.length,
        ...(state ? { mergeRequestState: state } : {}),
        ...(changedAfter ? { changedAfter: changedAfter.toISOString() } : {}),
        ...(created.after ? { createdAfter: created.after.toISOString() } : {}),
        ...(created.before ? { createdBefore: created.before.toISOString() } : {}),
        ...(updated.after ? { updatedAfter: updated.after.toISOString() } : {}),
        ...(updated.before ? { updatedBefore: updated.before.toISOString() } : {}),
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
