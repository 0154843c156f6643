import { GraphqlError, NotFoundError } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { answeredAt, completeData, required } from './graphql-response.ts';
import type { Answer } from './graphql-response.ts';
import type { Gitlab } from './client.ts';
import type { Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';
import { noteRows } from './note-rows.ts';
import { hasFailedRows, salvageList, salvageRow } from './salvage.ts';

/** Operations about one project, which they take as the variable `project`. */
type ProjectOperation = {
  [O in keyof Sdk]: Parameters<Sdk[O]>[0] extends { project: string | number } ? O : never;
}[keyof Sdk];

type Variables<O extends ProjectOperation> = Omit<Parameters<Sdk[O]>[0], 'project'>;

type Projects<N> = { readonly projects: { readonly nodes: ReadonlyArray<N | null> | null } | null };

type ProjectOf<O extends ProjectOperation> = Awaited<ReturnType<Sdk[O]>>['data'] extends Projects<infer N> ? N : never;

/** How a page of a list is asked for. */
export interface PageOptions {
  /** Exactly `first` rows, or an error; else as many as GitLab bears. */
  readonly isExact?: true;
  /** Rows that GitLab could not answer are null, and the list has `hasFailedRows`; else they are an error. */
  readonly mayLackRows?: true;
}

/**
 * The project in the answer to an operation about one project; a page of at most `first` rows holds as many as GitLab
 * bears, and may have rows with `unknownFields`. Throws NotFoundError when the project has gone out of sight, and GraphqlError when more is
 * missing in the answer.
 */
export async function askProject<O extends ProjectOperation>(
  gitlab: Pick<Gitlab, 'graphql' | 'fit' | 'host'>,
  operation: O,
  variables: Variables<O> & { readonly projectId: number },
  options: PageOptions = {},
): Promise<ProjectOf<O>> {
  const { first } = variables as { readonly first?: number };
  const asked = { operation, ...options };
  if (first === undefined || options.isExact) return ask(gitlab, asked, variables);
  // A server error in a list that can be read around a row says nothing of its size.
  const patience = options.mayLackRows ? 1 : undefined;
  return gitlab.fit({ kind: operation, largest: first, patience, ask: (size) => ask(gitlab, asked, { ...variables, first: size }) });
}

/** One row in the answer to an operation about it, perhaps with `unknownFields`; null when there is none. Throws GraphqlError when GitLab cannot answer it. */
export async function askRow<O extends ProjectOperation, K extends keyof ProjectOf<O>>(
  gitlab: Pick<Gitlab, 'graphql' | 'host'>,
  { operation, key }: { readonly operation: O; readonly key: K },
  { projectId, ...variables }: Variables<O> & { readonly projectId: number },
): Promise<ProjectOf<O>[K] | null> {
  const { data, errors = [] } = await send(gitlab, operation, { ...variables, projectId } as never);
  const project = data.projects?.nodes?.[0];
  const row = (project?.[key] ?? null) as (ProjectOf<O>[K] & object) | null;
  if (errors.length === 0) {
    if (!project) throw outOfSight(operation);
    return row;
  }
  const whole = salvageRow(row, errors, ['projects', 'nodes', 0, String(key)]);
  if (!whole) throw new GraphqlError(errors, { operation });
  return whole;
}

const outOfSight = (operation: string) =>
  new NotFoundError(`the project went out of sight while it was read (${operation})`, { operation });

interface Salvage {
  readonly operation: string;
  readonly isSmallest: boolean;
  readonly mayLackRows: boolean;
}

/** The project with the rows of its list as far as GitLab has answered. Throws GraphqlError when more is missing. */
function salvaged<P extends object>(project: P, errors: readonly GraphqlErrorEntry[], { operation, isSmallest, mayLackRows }: Salvage): P {
  const key = String(errors[0]?.path?.[placeOfList] ?? '');
  const path = ['projects', 'nodes', 0, key];
  const list = salvageList((project as Record<string, List | null>)[key] ?? null, errors, { path, isSmallest });
  if (!list || (hasFailedRows(list) && !mayLackRows)) throw new GraphqlError(errors, { operation });
  return { ...project, [key]: list };
}

/** Where an error's path names the list: `projects`, `nodes`, 0, and then. */
const placeOfList = 3;
type List = { readonly nodes: ReadonlyArray<object | null> | null };

async function send<O extends ProjectOperation>(
  { graphql }: Pick<Gitlab, 'graphql'>,
  operation: O,
  { projectId, ...variables }: Variables<O> & { readonly projectId: number },
): Promise<Answer<Projects<ProjectOf<O>>>> {
  const ask = graphql[operation] as (variables: object) => Promise<Answer<Projects<ProjectOf<O>>>>;
  return ask({ ...variables, project: projectGlobalId(projectId) });
}

async function ask<O extends ProjectOperation>(
  gitlab: Pick<Gitlab, 'graphql' | 'host'>,
  { operation, mayLackRows }: PageOptions & { readonly operation: O },
  variables: Variables<O> & { readonly projectId: number },
): Promise<ProjectOf<O>> {
  const { host } = gitlab;
  const answer = await send(gitlab, operation, variables);
  const { data, errors = [] } = answer;
  const { first } = variables as { readonly first?: number };
  const complete = first === undefined ? completeData(answer, operation) : data;
  const project = required(complete.projects, operation).nodes?.[0];
  if (!project) throw outOfSight(operation);
  noteRows(host, [project], answeredAt(answer) ?? host.clock.date());
  return errors.length === 0
    ? project
    : salvaged(project, errors, { operation, isSmallest: first === 1, mayLackRows: mayLackRows ?? false });
}
