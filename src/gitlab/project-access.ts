import { completeData, required } from './graphql-response.ts';
import type { ProjectAccessQuery, Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';

/** A project with its features, as the token sees them. `repository` is null when the token may not read code. */
export type ProjectAccess = NonNullable<NonNullable<NonNullable<ProjectAccessQuery['projects']>['nodes']>[number]>;

/** How many projects one request reads. */
const projectsPerRequest = 50;

/** Returns the projects that the token may see, in any order. */
export async function readProjectAccess(graphql: Sdk, ids: readonly number[]): Promise<ProjectAccess[]> {
  const found: ProjectAccess[] = [];
  for (let start = 0; start < ids.length; start += projectsPerRequest) {
    const some = ids.slice(start, start + projectsPerRequest).map(projectGlobalId);
    const answer = await graphql.ProjectAccess({ ids: some, projects: some.length });
    const { nodes } = required(completeData(answer, 'ProjectAccess').projects, 'ProjectAccess');
    found.push(...(nodes ?? []).filter((node) => node !== null));
  }
  return found;
}
