import { batchSizes } from '../gitlab/batch.ts';
import type { CountsQuery, ProjectCounts } from '../gitlab/counts.ts';
import type { TagCount } from '../walk-state.ts';
import { largestPage } from './backfill.ts';
import type { Identities } from './identities.ts';
import type { Stream, StreamOptions } from './stream.ts';

/** The part of a query for counts that narrows the rows of one stream. */
export type CountsFilter = Partial<Omit<CountsQuery, 'ids' | 'branches'>>;

/** The filters of several streams in one query: each has fields of its own. */
export function allFilters(filters: readonly CountsFilter[]): CountsFilter {
  const all: CountsFilter = {};
  for (const filter of filters) Object.assign(all, filter);
  return all;
}

/** What GitLab counts of a stream. */
export type StreamCount = WindowCount | TotalCount | NoCount;

/** GitLab counts the rows from a moment on. */
export interface WindowCount {
  readonly kind: 'window';
  /** The rows in GitLab's answer. Null where the token may read none. */
  readonly rowsIn: (counts: ProjectCounts) => number | null;
  /** The filter for rows from a moment on. Null = all rows. */
  readonly since: (moment: Date | null) => CountsFilter;
  /** Which time of an event `since` filters by: GitLab's time of creation, or the event's own. */
  readonly by: 'created' | 'timestamp';
  /** How an audit lists the rows. Absent: an audit cannot tell whether any is missing. */
  readonly identities?: Identities;
}

/** GitLab counts all rows, and has no filter. */
export interface TotalCount {
  readonly kind: 'total';
  readonly rowsIn: (counts: ProjectCounts) => number;
  /** How an audit lists the rows. Absent: an audit cannot tell whether any is missing. */
  readonly identities?: Identities;
}

/** GitLab has no count. */
export interface NoCount {
  readonly kind: 'none';
  /** One line for the audit. */
  readonly reason: string;
}

/** What a batch asks of a project, for a query that counts the same rows. `since` null = everything. */
export type CountedAsk =
  | { readonly kind: 'changes' | 'newest'; readonly since: Date | null }
  | { readonly kind: 'reconcile'; readonly pipelinesSince: Date };

/** What is read of one project, beside the page that comes with its batch. */
export interface PlannedRows {
  readonly rows: number;
  /** GraphQL requests of this project alone. */
  readonly followUps: number;
}

/** The projects that a pass reads, with GitLab's counts. */
export interface CountedProjects {
  /** Read before, with what changed since. */
  readonly changed: readonly ProjectCounts[];
  /** New, with what there is within the depth. Releases are counted all. */
  readonly fresh: readonly ProjectCounts[];
  /** Of those that were read before: due to be reconciled. Merge requests are the open ones. */
  readonly due: readonly ProjectCounts[];
  /** The known tags of each container repository of the projects that were read before. */
  readonly tags: readonly TagCount[];
  /** How many container repositories of a project are only asked for their newest tags, by project. */
  readonly atRest: ReadonlyMap<number, number>;
}

/** Requests of a stream: at least so many, since what else there is to read shows only when it is read. */
export interface PlannedRequests {
  readonly projects: number;
  readonly graphql: number;
  readonly rest: number;
}

/** What a plan says of a stream. */
export interface StreamPlan {
  /** Counts what a batch asks for. Absent where GitLab has no filter. */
  readonly filter?: (ask: CountedAsk) => CountsFilter;
  /** What a batch and the pages after it read of one project. Absent for a stream that is read with requests of its own. */
  readonly rows?: (counts: ProjectCounts, ask: CountedAsk['kind'], options: StreamOptions) => PlannedRows;
  /** The requests of a stream that is read with requests of its own: the step of the plan that bears its name. */
  readonly requests?: (projects: CountedProjects, options: StreamOptions) => PlannedRequests;
  /** What GitLab has no count of, in words; null when this pass reads nothing of the kind. */
  readonly uncounted?: (projects: CountedProjects, options: StreamOptions) => string | null;
}

/** A stream whose rows GitLab counts for a span of time. */
export type WindowCounted = Stream & { readonly count: WindowCount };

export const isWindowCounted = (stream: Stream): stream is WindowCounted => stream.count.kind === 'window';

/** Requests that so many rows of one list take. */
export const pagesOf = (rows: number): number => Math.ceil(Math.max(0, rows) / largestPage);

/** So many rows, of which the first come with the batch. */
export function rowsAfterBatch(rows: number, ask: CountedAsk['kind'], size: 'pageSize' | 'releasePageSize' = 'pageSize'): PlannedRows {
  return { rows, followUps: pagesOf(rows - batchSizes[ask][size]) };
}

/** The newest rows, as far as the depth goes: all that are counted where it ends at a moment. */
export const newestRows = (rows: number, { depth }: StreamOptions, walks = 1): number =>
  Math.min(rows, (depth.rows ?? Number.POSITIVE_INFINITY) * walks);
