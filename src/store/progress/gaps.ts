import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';
import type { Gap, GapChanges } from '../../walk-state.ts';
import { GitlabGapEntity } from '../entities/gitlab-gap.ts';
import { storableJson } from '../events/storable.ts';

/** A gap with its project and stream. */
export interface PlacedGap extends Gap {
  readonly projectId: number;
  readonly stream: string;
}

/** Changes of gaps with their project and stream. */
export interface PlacedGapChanges extends GapChanges {
  readonly projectId: number;
  readonly stream: string;
}

/** The gaps of a connection, or of some of its projects. */
export async function readGaps(em: SqlEntityManager, connectionId: number, projectIds?: readonly number[]): Promise<PlacedGap[]> {
  const rows = await em.find(GitlabGapEntity, { connectionId, ...(projectIds ? { projectId: [...projectIds] } : {}) });
  return rows.map(({ changedAt, errorCode, ...row }) => ({
    projectId: row.projectId,
    stream: row.stream,
    scope: row.scope,
    key: row.key,
    changedAt: changedAt ?? null,
    isMissing: row.isMissing,
    breaksLists: row.breaksLists,
    since: row.since,
    lastTriedAt: row.lastTriedAt,
    tries: row.tries,
    reason: row.reason,
    errorCode: errorCode ?? null,
  }));
}

/** Stores gaps, and deletes those that are closed. Changes come in the order of their pages. */
export async function saveGaps(kysely: QueryExecutorProvider, connectionId: number, changes: readonly PlacedGapChanges[]): Promise<void> {
  const latest = new Map<string, { readonly isOpen: boolean; readonly gap: object }>();
  for (const { projectId, stream, open, closed } of changes) {
    const place = ({ scope, key }: { readonly scope: string; readonly key: string }) => JSON.stringify([projectId, stream, scope, key]);
    for (const gap of closed) latest.set(place(gap), { isOpen: false, gap: { ...gap, projectId, stream } });
    for (const gap of open) latest.set(place(gap), { isOpen: true, gap: { ...gap, projectId, stream } });
  }
  const those = (isOpen: boolean) => [...latest.values()].filter((one) => one.isOpen === isOpen).map(({ gap }) => gap);
  const [open, closed] = [those(true), those(false)];
  if (open.length > 0) {
    await sql`
      insert into gitlab_gaps (
        connection_id, project_id, stream, scope, key, changed_at, is_missing, breaks_lists, since, last_tried_at, tries, reason, error_code
      )
      select ${connectionId}, "projectId", stream, scope, key, "changedAt", "isMissing", "breaksLists", since, "lastTriedAt", tries, reason, "errorCode"
      from json_to_recordset(${storableJson(open)}::json) as g (
        "projectId" bigint, stream text, scope text, key text, "changedAt" timestamptz, "isMissing" boolean, "breaksLists" boolean,
        since timestamptz, "lastTriedAt" timestamptz, tries int, reason text, "errorCode" text
      )
      on conflict (connection_id, project_id, stream, scope, key) do update set
        changed_at = excluded.changed_at, is_missing = excluded.is_missing, breaks_lists = excluded.breaks_lists,
        last_tried_at = excluded.last_tried_at, tries = excluded.tries, reason = excluded.reason, error_code = excluded.error_code`.execute(
      kysely,
    );
  }
  if (closed.length > 0) {
    await sql`
      delete from gitlab_gaps g
      using json_to_recordset(${storableJson(closed)}::json) as c ("projectId" bigint, stream text, scope text, key text)
      where g.connection_id = ${connectionId} and g.project_id = c."projectId" and g.stream = c.stream and g.scope = c.scope and g.key = c.key`.execute(
      kysely,
    );
  }
}
