import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { escapeLike, likePattern, pathMatches } from './patterns.ts';

/**
 * Which events, or changes of events, to read. Absent or empty = all. Patterns are compared without regard to case; `*` in a pattern stands
 * for any characters, `/` among them.
 */
export interface EventConditions {
  readonly connectionIds?: readonly number[] | undefined;
  /** Patterns of project paths. A path without `*` may also be that of a group, for all its projects. */
  readonly projects?: readonly string[] | undefined;
  /** The words in the titles: `MR`, `Pipeline`, `Release`, `Commit`, `Image`, `Deployment`. */
  readonly types?: readonly string[] | undefined;
  /** Patterns of the author. */
  readonly authors?: readonly string[] | undefined;
  /** Patterns of the environment that a deployment went to. */
  readonly environments?: readonly string[] | undefined;
  /** Statuses, such as `merged` or `failed`: of changes, those after the change. */
  readonly statuses?: readonly string[] | undefined;
  /** A part of the title or of the event id, in any case. */
  readonly text?: string | undefined;
}

/** Where a query has what the conditions are about. */
export type FilteredColumns = Readonly<
  Record<'connectionId' | 'project' | 'title' | 'author' | 'environment' | 'status' | 'eventId', string>
>;

/** The conditions in SQL; all of them must hold. */
export function conditionsOf(conditions: EventConditions, columns: FilteredColumns): Array<RawBuilder<unknown>> {
  const { connectionIds = [], projects = [], types = [], authors = [], environments = [], statuses = [], text = '' } = conditions;
  const [connectionId, project, title, author, environment, status, eventId] = (
    ['connectionId', 'project', 'title', 'author', 'environment', 'status', 'eventId'] as const
  ).map((name) => sql.raw(columns[name])) as [Raw, Raw, Raw, Raw, Raw, Raw, Raw];
  const contained = `%${escapeLike(text.toLowerCase())}%`;
  return [
    ...(connectionIds.length === 0 ? [] : [sql`${connectionId} = any (${[...connectionIds]}::int[])`]),
    ...anyOf(projects.map((pattern) => pathMatches(project, pattern))),
    ...anyOf(types.map((type) => sql`starts_with(${title}, ${`[${type}] `})`)),
    ...anyOf(authors.map((pattern) => sql`lower(${author}) like ${likePattern(pattern)}`)),
    ...anyOf(environments.map((pattern) => sql`lower(${environment}) like ${likePattern(pattern)}`)),
    ...(statuses.length === 0 ? [] : [sql`${status} = any (${statuses.map((one) => one.toLowerCase())}::text[])`]),
    ...(text === '' ? [] : [sql`(lower(${title}) like ${contained} or lower(${eventId}) like ${contained})`]),
  ];
}

type Raw = RawBuilder<unknown>;

const anyOf = (conditions: readonly Raw[]): Raw[] => (conditions.length === 0 ? [] : [sql`(${sql.join(conditions, sql` or `)})`]);
