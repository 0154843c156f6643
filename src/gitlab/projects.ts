import { UnsupportedGitlabError } from '../errors.ts';
import { completeData, required } from './graphql-response.ts';
import type { Sdk } from './generated/sdk.ts';
import { numberOfGlobalId, projectGlobalId } from './ids.ts';
import { connectionPages } from './paging.ts';
import type { ConnectionPage } from './paging.ts';

/** A project in a list. */
export interface ProjectRef {
  readonly id: number;
  readonly fullPath: string;
}

/** Result of looking up the entries of `repos`. */
export interface ProjectLookup {
  readonly projects: readonly ProjectRef[];
  /** Entries that name no project and no group that this token may see. */
  readonly missing: readonly string[];
}

const pageSize = 100;
/** GitLab's limit for paths in one request. */
const pathsPerRequest = 50;

type Node = { readonly id: string; readonly fullPath: string };
const toRef = ({ id, fullPath }: Node): ProjectRef => ({ id: numberOfGlobalId(id), fullPath });

/** Projects with the token's user as a member: at most `limit`, most recently active first. With limit 0, all projects by id. */
export async function memberProjects(graphql: Sdk, limit: number): Promise<ProjectRef[]> {
  // All projects are read by id, because the order by activity may change between two pages.
  const sort = limit === 0 ? 'id_asc' : 'latest_activity_desc';
  const first = limit === 0 ? pageSize : Math.min(limit, pageSize);
  const read = async (after?: string) => {
    const answer = await graphql.MemberProjects({ first, sort, ...(after ? { after } : {}) });
    return required(completeData(answer, 'MemberProjects').projects, 'MemberProjects');
  };
  return collect(await read(), read, 'MemberProjects', limit);
}

/**
 * Looks up the entries of `repos`. A path names a project, or a group with all its projects and the projects of its subgroups.
 * Returns each project once, in the order of the entries. Returns numeric ids without looking them up.
 */
export async function projectsOf(graphql: Sdk, repos: readonly string[]): Promise<ProjectLookup & { readonly ids: readonly number[] }> {
  const ids = repos.filter((entry) => /^\d+$/.test(entry)).map(Number);
  const paths = repos.filter((entry) => !/^\d+$/.test(entry));
  const byPath = await projectsByPath(graphql, paths);
  const projects = new Map<number, ProjectRef>();
  const missing: string[] = [];
  for (const path of paths) {
    const project = byPath.get(path.toLowerCase());
    const found = project ? [project] : await groupProjects(graphql, path);
    if (!found) missing.push(path);
    for (const ref of found ?? []) projects.set(ref.id, ref);
  }
  return { projects: [...projects.values()], ids, missing };
}

async function projectsByPath(graphql: Sdk, paths: readonly string[]): Promise<Map<string, ProjectRef>> {
  const found = new Map<string, ProjectRef>();
  for (let start = 0; start < paths.length; start += pathsPerRequest) {
    const chunk = paths.slice(start, start + pathsPerRequest);
    for (const [path, project] of await someByPath(graphql, chunk)) found.set(path.toLowerCase(), project);
  }
  return found;
}

type Found = readonly [path: string, project: ProjectRef];

/** GitLab 16.2 accepts no list of paths: the projects are then requested one by one. */
async function someByPath(graphql: Sdk, paths: readonly string[]): Promise<Found[]> {
  try {
    const answer = await graphql.ProjectsByPath({ paths, first: paths.length });
    const nodes = required(completeData(answer, 'ProjectsByPath').projects, 'ProjectsByPath').nodes ?? [];
    return nodes.filter((node) => node !== null).map((node) => [node.fullPath, toRef(node)]);
  } catch (error) {
    if (!(error instanceof UnsupportedGitlabError) || !error.missing.includes('projects(fullPaths:)')) throw error;
    return (await Promise.all(paths.map((path) => oneByPath(graphql, path)))).flat();
  }
}

async function oneByPath(graphql: Sdk, path: string): Promise<Found[]> {
  const { project } = completeData(await graphql.ProjectByPath({ path }), 'ProjectByPath');
  return project ? [[path, toRef(project)]] : [];
}

/** The ids of the given projects that GitLab returns. */
export async function existingProjects(graphql: Sdk, ids: readonly number[]): Promise<Set<number>> {
  const found = new Set<number>();
  for (let start = 0; start < ids.length; start += pageSize) {
    const chunk = ids.slice(start, start + pageSize).map(projectGlobalId);
    const answer = await graphql.ProjectsById({ ids: chunk, first: chunk.length });
    for (const node of required(completeData(answer, 'ProjectsById').projects, 'ProjectsById').nodes ?? []) {
      if (node) found.add(toRef(node).id);
    }
  }
  return found;
}

/** The projects of a group and of its subgroups. Null when there is no such group that this token may see. */
export async function groupProjects(graphql: Sdk, path: string): Promise<ProjectRef[] | null> {
  const read = async (after?: string) => {
    const answer = await graphql.GroupProjects({ path, first: pageSize, ...(after ? { after } : {}) });
    return completeData(answer, 'GroupProjects').group?.projects ?? null;
  };
  const first = await read();
  return first && collect(first, async (after) => required(await read(after), 'GroupProjects'), 'GroupProjects', 0);
}

async function collect(
  first: ConnectionPage<Node>,
  next: (after: string) => Promise<ConnectionPage<Node>>,
  operation: string,
  limit: number,
): Promise<ProjectRef[]> {
  const refs: ProjectRef[] = [];
  for await (const page of connectionPages<Node, ConnectionPage<Node>>(first, next, operation)) {
    for (const node of page.nodes ?? []) if (node) refs.push(toRef(node));
    if (limit > 0 && refs.length >= limit) return refs.slice(0, limit);
  }
  return refs;
}
