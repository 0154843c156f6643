import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import type { EventProject } from '../events/event-project.ts';
import { withDatabaseErrors } from './database-errors.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { GitlabProjectEntity } from './entities/gitlab-project.ts';
import { GitlabStreamStateEntity } from './entities/gitlab-stream-state.ts';
import { eventTableOf, saveEvents } from './save-events.ts';
import type { SavedEvents } from './save-events.ts';

/** The database as a pass sees it: one connection's events, projects and progress. */
export interface Store {
  /** Notes that GitLab returned these projects, and gives each its lasting event path. */
  saveProjects(projects: readonly SeenProject[], seenAt: Date): Promise<Map<number, EventProject>>;
  /** Stores a page's events and the progress that comes with it, in one transaction. */
  savePage(page: StoredPage): Promise<SavedEvents>;
  /** Notes that known projects were asked for and not returned. Resolves to those that were known. */
  markGone(projectIds: readonly number[], reason: string): Promise<ReadonlyMap<number, string>>;
  /** Notes the end of a pass. */
  markSynced(at: Date): Promise<void>;
}

/** A project as GitLab describes it now. */
export interface SeenProject {
  readonly id: number;
  readonly fullPath: string;
  readonly webUrl: string;
}

/** One page of one walk. */
export interface StoredPage {
  readonly projectId: number;
  readonly stream: string;
  readonly scope: string;
  readonly events: readonly ChangeEvent[];
  /** Fields of the walk's state to change; the others stay. */
  readonly state: StreamStateChange;
  /** When the page was read; the time of events that have none of their own. */
  readonly seenAt: Date;
}

/** What a page changes in gitlab_stream_state. */
export interface StreamStateChange {
  readonly watermark?: Date | null;
  readonly cursor?: string | null;
  readonly frontier?: string | null;
  readonly outcome?: string;
  readonly error?: string | null;
}

/** A store over a host's EntityManager. Throws DatabaseError when `connectionId` names no connection. */
export async function createStore(em: SqlEntityManager, connectionId: number): Promise<Store> {
  const root = em.fork({ clear: true });
  const connection = await withDatabaseErrors(() => root.findOne(ConnectionEntity, connectionId));
  if (!connection) throw new DatabaseError(`there is no connection ${connectionId} in the table connections`);
  const table = await withDatabaseErrors(() => eventTableOf(root));
  const inTransaction = <T>(action: (em: SqlEntityManager) => Promise<T>) =>
    withDatabaseErrors(() => root.fork({ clear: true }).transactional(action));
  return {
    saveProjects: (projects, seenAt) => inTransaction((em) => saveProjects(em, { connectionId, projects, seenAt })),
    savePage: (page) =>
      inTransaction(async (em) => {
        const saved = await saveEvents(em.getKysely(), { ...page, connectionId, table });
        await saveState(em, connectionId, page);
        return saved;
      }),
    markGone: (projectIds, reason) => inTransaction((em) => markGone(em, { connectionId, projectIds, reason })),
    markSynced: async (at) => {
      await withDatabaseErrors(() => root.fork().nativeUpdate(ConnectionEntity, { id: connectionId }, { lastSync: at }));
    },
  };
}

async function saveProjects(
  em: SqlEntityManager,
  { connectionId, projects, seenAt }: { readonly connectionId: number; readonly projects: readonly SeenProject[]; readonly seenAt: Date },
): Promise<Map<number, EventProject>> {
  const known = await em.find(GitlabProjectEntity, { connectionId, projectId: projects.map(({ id }) => id) });
  const byId = new Map(known.map((project) => [project.projectId, project]));
  const taken = await em.find(GitlabProjectEntity, { connectionId, eventPath: projects.map(({ fullPath }) => fullPath) });
  const takenPaths = new Set(taken.map(({ eventPath }) => eventPath));
  const result = new Map<number, EventProject>();
  for (const { id, fullPath, webUrl } of projects) {
    const stored = byId.get(id);
    if (stored) Object.assign(stored, { fullPath, webUrl, lastSeenAt: seenAt });
    // A path that another project had first stays that one's, although it has moved away.
    const eventPath = stored?.eventPath ?? (takenPaths.has(fullPath) ? `${fullPath}~${id}` : fullPath);
    if (!stored)
      em.persist(
        em.create(GitlabProjectEntity, { connectionId, projectId: id, eventPath, fullPath, webUrl, lastSeenAt: seenAt, createdAt: seenAt }),
      );
    takenPaths.add(eventPath);
    result.set(id, { id, fullPath, webUrl, eventPath });
  }
  await em.flush();
  return result;
}

async function saveState(
  em: SqlEntityManager,
  connectionId: number,
  { projectId, stream, scope, state, seenAt }: StoredPage,
): Promise<void> {
  const key = { project: [connectionId, projectId] as [number, number], stream, scope };
  const stored = await em.findOne(GitlabStreamStateEntity, key);
  const success = state.outcome === 'ok' ? { lastSuccessAt: seenAt } : {};
  const change = { ...state, ...success, lastAttemptAt: seenAt };
  if (stored) Object.assign(stored, change);
  else em.persist(em.create(GitlabStreamStateEntity, { ...key, outcome: 'partial', error: 'the first walk has not ended yet', ...change }));
  await em.flush();
}

async function markGone(
  em: SqlEntityManager,
  { connectionId, projectIds, reason }: { readonly connectionId: number; readonly projectIds: readonly number[]; readonly reason: string },
): Promise<Map<number, string>> {
  const known = await em.find(GitlabProjectEntity, { connectionId, projectId: [...projectIds] });
  const keys = known.map(({ projectId }) => [connectionId, projectId] as [number, number]);
  if (keys.length > 0) await em.nativeUpdate(GitlabStreamStateEntity, { project: keys }, { outcome: 'gone', error: reason });
  return new Map(known.map(({ projectId, fullPath }) => [projectId, fullPath]));
}
