import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { Backfill, Outcome, TagCount, TagLook } from '../../walk-state.ts';
import { parseCoverage } from './coverage-column.ts';
import type { Coverage } from './coverage-column.ts';
import type { PlacedState } from './save-progress.ts';
import { sharedTimes, walkTimes } from './shared-times.ts';

interface StateRow {
  readonly project_id: string;
  readonly stream: string;
  readonly scope: string;
  readonly selection: string;
  readonly coverage: Coverage | null;
  readonly watermark: string | null;
  readonly cursor: string | null;
  readonly walk_started_at: string | null;
  readonly frontier: string | null;
  readonly children_since: string | null;
  readonly depth: string | null;
  readonly backfill: Backfill | null;
  readonly outcome: Outcome;
  readonly error: string | null;
  readonly last_attempt_at: string;
  readonly last_success_at: string | null;
  readonly shared_times_id: string | null;
}

/** The state of a walk as it is stored. */
export interface StoredState extends PlacedState {
  /** The row of times that it shares with other walks; null = none. */
  readonly sharedTimesId: string | null;
}

const dateOf = (text: string | null) => (text === null ? null : new Date(text));

/** The states of all walks of a connection, or of some of its projects. */
export async function readStates(
  kysely: QueryExecutorProvider,
  connectionId: number,
  projectIds?: readonly number[],
): Promise<StoredState[]> {
  const ids = projectIds ? JSON.stringify(projectIds) : null;
  // As JSON, because the drivers return different types for a bigint and for a time.
  const { rows } = await sql<{ row: StateRow }>`
    select to_json(w) as row from (
      select s.project_id, s.stream, s.scope, s.selection, s.coverage, ${walkTimes.watermark} as watermark, s.cursor, s.walk_started_at,
        s.frontier, s.children_since, s.depth, s.backfill, s.outcome, s.error, ${walkTimes.lastAttemptAt} as last_attempt_at,
        ${walkTimes.lastSuccessAt} as last_success_at, t.id::text as shared_times_id
      from gitlab_stream_state s ${sharedTimes}
      where s.connection_id = ${connectionId}
        and (${ids}::json is null or s.project_id in (select value::bigint from json_array_elements_text(${ids}::json)))
    ) w`.execute(kysely);
  return rows.map(({ row }) => ({
    projectId: Number(row.project_id),
    stream: row.stream,
    scope: row.scope,
    ...parseCoverage(row),
    watermark: dateOf(row.watermark),
    cursor: row.cursor,
    walkStartedAt: dateOf(row.walk_started_at),
    frontier: row.frontier,
    childrenSince: dateOf(row.children_since),
    depth: dateOf(row.depth),
    backfill: row.backfill,
    outcome: row.outcome,
    error: row.error,
    lastAttemptAt: new Date(row.last_attempt_at),
    lastSuccessAt: dateOf(row.last_success_at),
    sharedTimesId: row.shared_times_id,
  }));
}

interface TagRow {
  readonly name: string;
  readonly digest: string | null;
  readonly looked_at: string | null;
  readonly is_left_out: boolean;
  readonly is_broken: boolean;
  readonly pushed_at: string | null;
  readonly previous_digest: string | null;
}

/** The numbers of known tags and of tags with an event, for each container repository of a connection. */
export async function countTags(kysely: QueryExecutorProvider, connectionId: number): Promise<TagCount[]> {
  const { rows } = await sql<{ readonly row: { readonly project_id: number; readonly known: number; readonly stored: number } }>`
    select to_json(t) as row from (
      select project_id, count(*) as known, count(*) filter (where not is_left_out) as stored from gitlab_registry_tags
      where connection_id = ${connectionId} group by project_id, repository_id
    ) t`.execute(kysely);
  return rows.map(({ row }) => ({ projectId: row.project_id, known: row.known, stored: row.stored }));
}

/** A container repository of a project. */
export interface RepositoryKey {
  readonly connectionId: number;
  readonly projectId: number;
  readonly repositoryId: number;
}

/** What is known of a container repository's tags. */
export async function readTags(
  kysely: QueryExecutorProvider,
  { connectionId, projectId, repositoryId }: RepositoryKey,
): Promise<TagLook[]> {
  const { rows } = await sql<{ row: TagRow }>`
    select to_json(t) as row from (
      select name, digest, looked_at, is_left_out, is_broken, pushed_at, previous_digest from gitlab_registry_tags
      where connection_id = ${connectionId} and project_id = ${projectId} and repository_id = ${repositoryId}
      order by name
    ) t`.execute(kysely);
  return rows.map(({ row }) => ({
    repositoryId,
    name: row.name,
    digest: row.digest,
    lookedAt: dateOf(row.looked_at),
    isLeftOut: row.is_left_out,
    isBroken: row.is_broken,
    pushedAt: dateOf(row.pushed_at),
    previousDigest: row.previous_digest,
  }));
}
