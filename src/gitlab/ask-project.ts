import { GraphqlError, NotFoundError } from '../errors.ts';
import type { GraphqlErrorEntry } from '../errors.ts';
import { answeredAt, completeData, required } from './graphql-response.ts';
import type { Answer } from './graphql-response.ts';
import type { Gitlab } from './client.ts';
import type { Sdk } from './generated/sdk.ts';
import { projectGlobalId } from './ids.ts';
import { noteRows } from './note-rows.ts';
import { salvageList } from './salvage.ts';

/** Operations about one project, which they take as the variable `project`. */
type ProjectOperation = {
  [O in keyof Sdk]: Parameters<Sdk[O]>[0] extends { project: string | number } ? O : never;
}[keyof Sdk];

type Variables<O extends ProjectOperation> = Omit<Parameters<Sdk[O]>[0], 'project'>;

type Projects<N> = { readonly projects: { readonly nodes: ReadonlyArray<N | null> | null } | null };

type ProjectOf<O extends ProjectOperation> = Awaited<ReturnType<Sdk[O]>>['data'] extends Projects<infer N> ? N : never;

/**
 * The project in the answer to an operation about one project; a page of at most `first` rows holds as many as GitLab
 * bears, and may have rows with `unknownFields`. Throws NotFoundError when the project has gone out of sight, and GraphqlError when more is
 * missing in the answer.
 */
export async function askProject<O extends ProjectOperation>(
  gitlab: Pick<Gitlab, 'graphql' | 'fit' | 'host'>,
  operation: O,
  variables: Variables<O> & { readonly projectId: number },
): Promise<ProjectOf<O>> {
  const { first } = variables as { readonly first?: number };
  if (first === undefined) return ask(gitlab, operation, variables);
  return gitlab.fit({ kind: operation, largest: first, ask: (size) => ask(gitlab, operation, { ...variables, first: size }) });
}

interface Salvage {
  readonly operation: string;
  readonly isSmallest: boolean;
}

/** The project with the rows of its list as far as GitLab has answered. Throws GraphqlError when more than fields of rows is missing. */
function salvaged<P extends object>(project: P, errors: readonly GraphqlErrorEntry[], { operation, isSmallest }: Salvage): P {
  const key = String(errors[0]?.path?.[placeOfList] ?? '');
  const path = ['projects', 'nodes', 0, key];
  const list = salvageList((project as Record<string, List | null>)[key] ?? null, errors, { path, isSmallest });
  if (!list) throw new GraphqlError(errors, { operation });
  return { ...project, [key]: list };
}

/** Where an error's path names the list: `projects`, `nodes`, 0, and then. */
const placeOfList = 3;
type List = { readonly nodes: ReadonlyArray<object | null> | null };

async function ask<O extends ProjectOperation>(
  { graphql, host }: Pick<Gitlab, 'graphql' | 'host'>,
  operation: O,
  { projectId, ...variables }: Variables<O> & { readonly projectId: number },
): Promise<ProjectOf<O>> {
  const send = graphql[operation] as (variables: object) => Promise<Answer<Projects<ProjectOf<O>>>>;
  const answer = await send({ ...variables, project: projectGlobalId(projectId) });
  const { data, errors = [] } = answer;
  const { first } = variables as { readonly first?: number };
  const complete = first === undefined ? completeData(answer, operation) : data;
  const project = required(complete.projects, operation).nodes?.[0];
  if (!project) throw new NotFoundError(`the project went out of sight while it was read (${operation})`, { operation });
  noteRows(host, [project], answeredAt(answer) ?? host.clock.date());
  return errors.length === 0 ? project : salvaged(project, errors, { operation, isSmallest: first === 1 });
}
