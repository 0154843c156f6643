import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { TagChanges, WalkState } from '../../walk-state.ts';
import { formatCoverage } from './coverage-column.ts';

/** The state of a walk, with its project, stream and scope. */
export interface PlacedState extends WalkState {
  readonly projectId: number;
  readonly stream: string;
  readonly scope: string;
}

/** Stores the states of walks. From here on their times are their own. */
export async function saveStates(kysely: QueryExecutorProvider, connectionId: number, states: readonly PlacedState[]): Promise<void> {
  // The states come in the order of the pages, so the last state of a walk is its current state.
  const latest = new Map(states.map((state) => [JSON.stringify([state.projectId, state.stream, state.scope]), state]));
  if (latest.size === 0) return;
  const json = JSON.stringify([...latest.values()].map((state) => ({ ...state, ...formatCoverage(state) })));
  await sql`
    insert into gitlab_stream_state (
      connection_id, project_id, stream, scope, selection, coverage, watermark, cursor, walk_started_at, frontier, children_since, depth, backfill,
      outcome, error, last_attempt_at, last_success_at
    )
    select ${connectionId}, "projectId", stream, scope, selection, coverage, watermark, cursor, "walkStartedAt", frontier, "childrenSince", depth, backfill,
      outcome, error, "lastAttemptAt", "lastSuccessAt"
    from json_to_recordset(${json}::json) as s (
      "projectId" bigint, stream text, scope text, selection text, coverage jsonb, watermark timestamptz, cursor text, "walkStartedAt" timestamptz,
      frontier text, "childrenSince" timestamptz, depth timestamptz, backfill jsonb, outcome text, error text, "lastAttemptAt" timestamptz, "lastSuccessAt" timestamptz
    )
    on conflict (connection_id, project_id, stream, scope) do update set
      selection = excluded.selection, coverage = excluded.coverage, watermark = excluded.watermark, cursor = excluded.cursor, walk_started_at = excluded.walk_started_at,
      frontier = excluded.frontier, children_since = excluded.children_since, depth = excluded.depth, backfill = excluded.backfill, outcome = excluded.outcome,
      error = excluded.error, last_attempt_at = excluded.last_attempt_at, last_success_at = excluded.last_success_at,
      shared_times_id = null`.execute(kysely);
}

/** Tag changes with their project. */
export interface PlacedTags extends TagChanges {
  readonly projectId: number;
}

/** Stores tags that were looked at, and deletes the rows of tags that no longer exist. Resolves to the tags of repositories that are gone. */
export async function saveTags(kysely: QueryExecutorProvider, connectionId: number, changes: readonly PlacedTags[]): Promise<GoneTag[]> {
  const looked = changes.flatMap((change) => change.looked.map((look) => ({ ...look, projectId: change.projectId })));
  const removed = changes.flatMap(({ projectId, repositoryId, removed: names }) =>
    names.map((name) => ({ projectId, repositoryId, name })),
  );
  if (looked.length > 0) {
    const latest = new Map(looked.map((look) => [JSON.stringify([look.projectId, look.repositoryId, look.name]), look]));
    await sql`
      insert into gitlab_registry_tags (
        connection_id, project_id, repository_id, name, digest, looked_at, is_left_out, is_broken, pushed_at, previous_digest
      )
      select ${connectionId}, "projectId", "repositoryId", name, digest, "lookedAt", "isLeftOut", "isBroken", "pushedAt", "previousDigest"
      from json_to_recordset(${JSON.stringify([...latest.values()])}::json) as t (
        "projectId" bigint, "repositoryId" bigint, name text, digest text, "lookedAt" timestamptz, "isLeftOut" boolean, "isBroken" boolean,
        "pushedAt" timestamptz, "previousDigest" text
      )
      on conflict (connection_id, project_id, repository_id, name) do update set digest = excluded.digest,
        looked_at = excluded.looked_at, is_left_out = excluded.is_left_out, is_broken = excluded.is_broken, pushed_at = excluded.pushed_at,
        previous_digest = excluded.previous_digest`.execute(kysely);
  }
  if (removed.length > 0) {
    await sql`
      delete from gitlab_registry_tags t
      using json_to_recordset(${JSON.stringify(removed)}::json) as r ("projectId" bigint, "repositoryId" bigint, name text)
      where t.connection_id = ${connectionId} and t.project_id = r."projectId" and t.repository_id = r."repositoryId" and t.name = r.name`.execute(
      kysely,
    );
  }
  return deleteTagsOfOthers(kysely, connectionId, changes);
}

/** A tag of a container repository that is gone. */
export interface GoneTag {
  readonly projectId: number;
  readonly repositoryId: number;
  readonly name: string;
}

async function deleteTagsOfOthers(kysely: QueryExecutorProvider, connectionId: number, changes: readonly PlacedTags[]): Promise<GoneTag[]> {
  const lists = changes.flatMap(({ projectId, repositoryIds }) => (repositoryIds ? [{ project_id: projectId, ids: repositoryIds }] : []));
  if (lists.length === 0) return [];
  const { rows } = await sql<{ readonly row: GoneTag }>`
    with gone as (
      delete from gitlab_registry_tags t
      using jsonb_to_recordset(${JSON.stringify(lists)}::jsonb) as l (project_id bigint, ids jsonb)
      where t.connection_id = ${connectionId} and t.project_id = l.project_id and not l.ids @> to_jsonb(t.repository_id)
      returning t.project_id as "projectId", t.repository_id as "repositoryId", t.name
    )
    select to_json(gone) as row from gone`.execute(kysely);
  return rows.map(({ row }) => row);
}
