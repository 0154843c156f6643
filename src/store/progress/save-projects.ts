import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { EventProject } from '../../events/event-project.ts';
import type { EventTarget } from '../events/save-events.ts';
import { moveEvents } from '../events/move-events.ts';
import type { MovedProject } from '../events/move-events.ts';
import { GitlabProjectEntity } from '../entities/gitlab-project.ts';

/** A project as GitLab describes it now. */
export interface SeenProject {
  readonly id: number;
  readonly fullPath: string;
  readonly webUrl: string;
}

/** Projects that a pass has seen. */
export interface SeenProjects extends EventTarget {
  readonly projects: readonly SeenProject[];
  readonly seenAt: Date;
}

/** Stores what is new of projects. Updates the events of projects whose path has changed. Resolves to the projects by id, each with the path for its event ids. */
export async function saveProjects(
  em: SqlEntityManager,
  { connectionId, table, projects, seenAt }: SeenProjects,
): Promise<Map<number, EventProject>> {
  const known = await em.find(GitlabProjectEntity, { connectionId, projectId: projects.map(({ id }) => id) });
  const byId = new Map(known.map((project) => [project.projectId, project]));
  const taken = await em.find(GitlabProjectEntity, { connectionId, eventPath: projects.map(({ fullPath }) => fullPath) });
  const takenPaths = new Set(taken.map(({ eventPath }) => eventPath));
  const result = new Map<number, EventProject>();
  const moved: MovedProject[] = [];
  for (const { id, fullPath, webUrl } of projects) {
    const stored = byId.get(id);
    // A path belongs to the first project that had it, even when that project has moved: this project gets a path of its own.
    const eventPath = stored?.eventPath ?? (takenPaths.has(fullPath) ? `${fullPath}~${id}` : fullPath);
    const now = { fullPath, webUrl, lastSeenAt: seenAt, goneAt: null, unselectedAt: null };
    if (stored) {
      if (stored.fullPath !== fullPath || stored.webUrl !== webUrl)
        moved.push({ id, fullPath, webUrl, former: { fullPath: stored.fullPath, webUrl: stored.webUrl } });
      // Nothing is written of a project that is as it was.
      if (stored.fullPath !== fullPath || stored.webUrl !== webUrl || stored.goneAt || stored.unselectedAt) Object.assign(stored, now);
    } else
      em.persist(
        em.create(GitlabProjectEntity, { connectionId, projectId: id, eventPath, reconciledAt: seenAt, createdAt: seenAt, ...now }),
      );
    takenPaths.add(eventPath);
    result.set(id, { id, fullPath, webUrl, eventPath });
  }
  await em.flush();
  await table.renameFormerRows?.(connectionId, [...result.values()]).execute(em.getKysely());
  await moveEvents(em.getKysely(), { connectionId, table }, moved);
  return result;
}
