import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { withDatabaseErrors } from '../database/database-errors.ts';
import { GitlabProjectEntity } from '../entities/gitlab-project.ts';

/** A project that a connection reads. */
export interface SelectedProject {
  readonly connectionId: number;
  readonly projectId: number;
}

/** Which of these projects these connections read. An id may stand for projects of several GitLabs. */
export async function readSelected(
  em: SqlEntityManager,
  { connectionIds, projectIds }: { readonly connectionIds: readonly number[]; readonly projectIds: readonly number[] },
): Promise<SelectedProject[]> {
  const where = { connectionId: { $in: [...connectionIds] }, projectId: { $in: [...projectIds] }, goneAt: null, unselectedAt: null };
  const rows = await withDatabaseErrors(() => em.fork({ clear: true }).find(GitlabProjectEntity, where));
  return rows.map(({ connectionId, projectId }) => ({ connectionId, projectId }));
}
