import { sql } from 'kysely';
import type { QueryExecutorProvider } from 'kysely';

/**
 * Where the times of a walk are: the row `s` of `gitlab_stream_state`, and the row `t` of `gitlab_shared_times` that it shares with
 * others, which a pass writes when it has found nothing in them.
 */
export const sharedTimes = sql`left join gitlab_shared_times t on t.id = s.shared_times_id`;

/** The times of the walk `s`, with `sharedTimes` joined. */
export const walkTimes = {
  watermark: sql`case when s.watermark is not null then greatest(s.watermark, t.watermark) end`,
  lastAttemptAt: sql`greatest(s.last_attempt_at, t.read_at)`,
  lastSuccessAt: sql`case when s.outcome = 'ok' then greatest(s.last_success_at, t.read_at) else s.last_success_at end`,
};

/** Gives the walks of projects times of their own, before their rows are changed in another way. */
export async function unshareTimes(kysely: QueryExecutorProvider, connectionId: number, projectIds: readonly number[]): Promise<void> {
  await sql`
    update gitlab_stream_state s set
      watermark = ${walkTimes.watermark}, last_attempt_at = ${walkTimes.lastAttemptAt}, last_success_at = ${walkTimes.lastSuccessAt},
      shared_times_id = null
    from gitlab_shared_times t
    where t.id = s.shared_times_id and s.connection_id = ${connectionId} and s.project_id = any (${projectIds.map(String)}::text[]::bigint[])`.execute(
    kysely,
  );
}

/** Walks in which a pass has found nothing, and what changes in all of them: their times. */
export interface QuietWalks {
  readonly walks: readonly QuietWalk[];
  /** The earliest of their watermarks; null when none has a watermark. */
  readonly watermark: Date | null;
  /** The earliest time at which one of them was read. */
  readonly readAt: Date;
}

/** A walk in which a pass has found nothing. */
export interface QuietWalk {
  readonly projectId: number;
  readonly stream: string;
  readonly scope: string;
  /** The row of times that it shares already. */
  readonly sharedTimesId: string | null;
}

/**
 * Moves the times of walks, in one row where they share it and nobody else does. Else they share a new one from here on. Resolves to its id.
 */
export async function shareTimes(
  kysely: QueryExecutorProvider,
  connectionId: number,
  { walks, watermark, readAt }: QuietWalks,
): Promise<string> {
  const { id, members } = mostShared(walks);
  const { rows } = await sql<{ readonly id: string }>`
    update gitlab_shared_times t set watermark = greatest(t.watermark, ${watermark?.toISOString() ?? null}::timestamptz), read_at = greatest(t.read_at, ${readAt.toISOString()}::timestamptz)
    where t.id = ${id}::bigint and t.connection_id = ${connectionId}
      and (select count(*) from gitlab_stream_state s where s.connection_id = t.connection_id and s.shared_times_id = t.id) = ${members}
    returning t.id::text`.execute(kysely);
  const [moved] = rows;
  const others = moved ? walks.filter(({ sharedTimesId }) => sharedTimesId !== moved.id) : walks;
  if (moved && others.length === 0) return moved.id;
  const shared = moved?.id ?? (await insertTimes(kysely, connectionId, { watermark, readAt }));
  await sql`
    update gitlab_stream_state s set shared_times_id = ${shared}::bigint
    from json_to_recordset(${JSON.stringify(others)}::json) as w ("projectId" bigint, stream text, scope text)
    where s.connection_id = ${connectionId} and s.project_id = w."projectId" and s.stream = w.stream and s.scope = w.scope`.execute(kysely);
  await sql`
    delete from gitlab_shared_times t where t.connection_id = ${connectionId} and t.id <> ${shared}::bigint
      and not exists (select from gitlab_stream_state s where s.connection_id = t.connection_id and s.shared_times_id = t.id)`.execute(
    kysely,
  );
  return shared;
}

/** The row of times that most of these walks share. */
function mostShared(walks: readonly QuietWalk[]): { readonly id: string | null; readonly members: number } {
  const members = new Map<string, number>();
  for (const { sharedTimesId: id } of walks) if (id !== null) members.set(id, (members.get(id) ?? 0) + 1);
  return [...members].reduce<ReturnType<typeof mostShared>>((most, [id, count]) => (count > most.members ? { id, members: count } : most), {
    id: null,
    members: 0,
  });
}

async function insertTimes(
  kysely: QueryExecutorProvider,
  connectionId: number,
  { watermark, readAt }: Pick<QuietWalks, 'watermark' | 'readAt'>,
): Promise<string> {
  const { rows } = await sql<{ readonly id: string }>`
    insert into gitlab_shared_times (connection_id, watermark, read_at) values (${connectionId}, ${watermark?.toISOString() ?? null}::timestamptz, ${readAt.toISOString()}::timestamptz)
    returning id::text`.execute(kysely);
  return rows[0]?.id ?? '';
}
