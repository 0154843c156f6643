import { completeData, required } from './graphql-response.ts';
import type { ProjectAccessQuery, Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';

/** A project with its switches, as the token sees them. `repository` is null where it may not read code. */
export type ProjectAccess = NonNullable<NonNullable<NonNullable<ProjectAccessQuery['projects']>['nodes']>[number]>;

/** How many projects are asked about at once. */
const projectsPerRequest = 50;

/** Those of the projects that the token may see, in no order. */
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
