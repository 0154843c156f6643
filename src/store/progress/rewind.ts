import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { GitlabLandmarkEntity } from '../entities/gitlab-landmark.ts';
import { GitlabProjectEntity } from '../entities/gitlab-project.ts';
import { unshareTimes } from './shared-times.ts';

/** Projects to rewind, and the streams whose walks have a watermark. */
export interface RewindQuery {
  readonly projectIds: readonly number[];
  readonly streams: readonly string[];
}

/** Marks every project of a connection: the next pass over the project begins with `rewind`. */
export async function markRewindDue(em: SqlEntityManager, connectionId: number): Promise<void> {
  await em.nativeUpdate(GitlabProjectEntity, { connectionId }, { isRewindDue: true });
}

/**
 * Moves the watermarks of walks back to the creation of the oldest stored event: no stored row can have changed earlier, so
 * the next walk reads every one of them again. Makes the projects due to be reconciled, and removes their
 * landmarks.
 */
export async function rewind(em: SqlEntityManager, connectionId: number, { projectIds, streams }: RewindQuery): Promise<void> {
  const ids = JSON.stringify(projectIds);
  await unshareTimes(em.getKysely(), connectionId, projectIds);
  await sql`
    update gitlab_stream_state s set
      watermark = least(s.watermark, (
        select min((e.metadata::jsonb ->> 'created_at')::timestamptz) from change_events e
        where e.connection_id = s.connection_id and e.project_id = s.project_id and e.stream = s.stream
      )),
      cursor = null, walk_started_at = null
    where s.connection_id = ${connectionId} and s.stream = any (${[...streams]}::text[]) and s.scope = ''
      and s.project_id in (select value::bigint from json_array_elements_text(${ids}::json))`.execute(em.getKysely());
  const ofProjects = { connectionId, projectId: [...projectIds] };
  await em.nativeUpdate(GitlabProjectEntity, ofProjects, { reconciledAt: new Date(0) });
  // They are known to have gone back.
  await em.nativeDelete(GitlabLandmarkEntity, ofProjects);
}

/** Removes the marks of projects that were read since `rewind`. */
export async function endRewind(em: SqlEntityManager, connectionId: number, projectIds: readonly number[]): Promise<void> {
  await em.nativeUpdate(GitlabProjectEntity, { connectionId, projectId: [...projectIds] }, { isRewindDue: false });
}
