import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { QueryExecutorProvider, RawBuilder } from 'kysely';
import { GitlabLandmarkEntity } from '../entities/gitlab-landmark.ts';
import type { EventTarget } from '../events/save-events.ts';
import { sharedTimes, walkTimes } from './shared-times.ts';

/** A stored row that GitLab must still have, with a time of change that is not earlier. */
export interface Landmark {
  readonly projectId: number;
  readonly stream: string;
  readonly eventId: string;
  /** The number of the row in its project, as GitLab's queries take it. */
  readonly iid: string;
  /** When GitLab changed the row last. */
  readonly changedAt: Date;
  /** The row was stored before this moment. The same for all that became landmarks together. */
  readonly storedBefore: Date;
}

/** Which stored rows may be landmarks. */
export interface LandmarkQuery {
  /** The streams, each with the key of `metadata` that holds a row's number in its project. */
  readonly keys: Readonly<Record<string, string>>;
  /** Only rows of these projects. Absent = of all that are read. */
  readonly projectIds?: readonly number[] | undefined;
}

const atOnce = 20;
/** After passes that were stopped there are more. */
const atMost = 200;

/**
 * Adds the stored rows that changed last to the landmarks, and resolves to all that were not found since they were added. A row is a
 * landmark when it is dated later than the latest watermark: the next pass lists it again without a request of its own.
 */
export async function takeLandmarks(em: SqlEntityManager, target: EventTarget, query: LandmarkQuery): Promise<Landmark[]> {
  const kysely = em.getKysely();
  const { connectionId } = target;
  const latest = sql`(
    select max(${walkTimes.watermark}) from gitlab_stream_state s ${sharedTimes}
    where s.connection_id = ${connectionId} and s.stream = any (${Object.keys(query.keys)}::text[])
  )`;
  await sql`delete from gitlab_landmarks where connection_id = ${connectionId} and not is_listed and changed_at < ${latest}`.execute(
    kysely,
  );
  // Landmarks are left by passes that were stopped. Everything stored that changed after them counts as well.
  const left = sql`(select min(changed_at) from gitlab_landmarks where connection_id = ${connectionId} and is_listed)`;
  await sql`
    insert into gitlab_landmarks (connection_id, event_id, project_id, stream, iid, changed_at)
    select ${connectionId}, event_id, project_id, stream, iid, changed_at from (
      ${newestRows(target, query, { comparison: sql`>=`, moment: sql`least(${latest}, ${left})`, limit: sql`case when ${left} is null then ${atOnce}::int else ${atMost}::int end` })}
    ) r
    on conflict (connection_id, event_id) do nothing`.execute(kysely);
  const ofProjects = query.projectIds ? { projectId: [...query.projectIds] } : {};
  const rows = await em.find(GitlabLandmarkEntity, { connectionId, isListed: true, ...ofProjects });
  return rows.map(({ projectId, stream, eventId, iid, changedAt, notedAt }) => ({
    projectId,
    stream,
    eventId,
    iid,
    changedAt,
    storedBefore: notedAt,
  }));
}

/** The stored rows that changed last of those that changed before a moment. */
export async function readLandmarksBefore(
  kysely: QueryExecutorProvider,
  target: EventTarget,
  { before, ...query }: LandmarkQuery & { readonly before: Date },
): Promise<Landmark[]> {
  const { rows } = await sql<{ readonly row: StoredLandmark }>`
    select to_json(r) as row from (${newestRows(target, query, { comparison: sql`<`, moment: sql`${before.toISOString()}::timestamptz`, limit: sql`${atOnce}::int` })}) r`.execute(
    kysely,
  );
  return rows.map(({ row }) => ({
    projectId: row.project_id,
    stream: row.stream,
    eventId: row.event_id,
    iid: row.iid,
    changedAt: new Date(row.changed_at),
    // Earlier than any landmark.
    storedBefore: new Date(0),
  }));
}

interface StoredLandmark {
  readonly event_id: string;
  readonly project_id: number;
  readonly stream: string;
  readonly iid: string;
  readonly changed_at: string;
}

interface Range {
  /** Compares the time of change with the moment. */
  readonly comparison: RawBuilder<unknown>;
  readonly moment: RawBuilder<unknown>;
  readonly limit: RawBuilder<unknown>;
}

/** Rows of projects that are read, the last changed first. */
function newestRows(
  { connectionId, table }: EventTarget,
  { keys, projectIds }: LandmarkQuery,
  { comparison, moment, limit }: Range,
): RawBuilder<unknown> {
  const ids = projectIds ? JSON.stringify(projectIds) : null;
  const at = sql.raw(table.timestamp('e'));
  // The column stays as it is, so that its index is used.
  const bound = sql`(select ${sql.raw(table.toTimestamp('b.moment'))} from (select ${moment} as moment) b)`;
  return sql`
    select e.event_id, e.project_id, e.stream, e.metadata::jsonb ->> (${JSON.stringify(keys)}::json ->> e.stream) as iid, ${at} as changed_at
    from change_events e
    join gitlab_projects p on p.connection_id = e.connection_id and p.project_id = e.project_id and p.gone_at is null and p.unselected_at is null
    where e.connection_id = ${connectionId} and e.stream = any (${Object.keys(keys)}::text[]) and e."timestamp" ${comparison} ${bound}
      and e.metadata::jsonb ->> (${JSON.stringify(keys)}::json ->> e.stream) is not null
      and (${ids}::json is null or e.project_id in (select value::bigint from json_array_elements_text(${ids}::json)))
    order by e."timestamp" desc limit ${limit}`;
}

/** Removes the landmarks of these projects, or of the connection: GitLab has their rows. */
export async function clearLandmarks(em: SqlEntityManager, connectionId: number, projectIds?: readonly number[]): Promise<void> {
  await em.nativeDelete(GitlabLandmarkEntity, { connectionId, isListed: true, ...(projectIds ? { projectId: [...projectIds] } : {}) });
}

/** Notes that rows are not in the lists of a pass, for a reason that is no restore: they are no landmarks any more. */
export async function unlistLandmarks(em: SqlEntityManager, connectionId: number, eventIds: readonly string[]): Promise<void> {
  await em.nativeUpdate(GitlabLandmarkEntity, { connectionId, eventId: [...eventIds] }, { isListed: false });
}
