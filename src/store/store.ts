import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { EventProject } from '../events/event-project.ts';
import type { TagChanges, TagCount, TagLook, WalkState } from '../walk-state.ts';
import { countEvents } from './events/count-events.ts';
import type { StoredCountQuery } from './events/count-events.ts';
import { withDatabaseErrors } from './database/database-errors.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { GitlabProjectEntity } from './entities/gitlab-project.ts';
import { GitlabStreamStateEntity } from './entities/gitlab-stream-state.ts';
import { groupCommit } from './group-commit.ts';
import { linkEvents } from './events/link-events.ts';
import { withPassLock } from './database/pass-lock.ts';
import type { PassScope } from './database/pass-lock.ts';
import { countTags, readStates, readTags } from './progress/read-progress.ts';
import { eventTableOf, saveEvents } from './events/save-events.ts';
import type { EventPage, SavedEvents } from './events/save-events.ts';
import { saveStates, saveTags } from './progress/save-progress.ts';
import type { PlacedState } from './progress/save-progress.ts';
import { saveProjects } from './progress/save-projects.ts';
import type { SeenProject } from './progress/save-projects.ts';

/** The database as a pass sees it: one connection's events, projects and progress. */
export interface Store {
  /** Runs an action while no other pass reads the same: these projects, or the whole connection. Resolves to null at once when one does. */
  exclusively<T>(action: () => Promise<T>, projectIds?: readonly number[]): Promise<T | null>;
  /** These projects as far as they are known, or every one of the connection. */
  readProjects(projectIds?: readonly number[]): Promise<KnownProject[]>;
  /** The states of every walk of these projects, or of the connection. */
  readStates(projectIds?: readonly number[]): Promise<PlacedState[]>;
  /** What is known of a container repository's tags. */
  readTags(projectId: number, repositoryId: number): Promise<TagLook[]>;
  /** How many tags are known of each container repository that was read. */
  countTags(): Promise<TagCount[]>;
  /** How many events of a project are stored. */
  countEvents(query: StoredCountQuery): Promise<number>;
  /** Notes that GitLab returned these projects, and gives each its lasting event path. */
  saveProjects(projects: readonly SeenProject[], seenAt: Date): Promise<Map<number, EventProject>>;
  /** Stores a page's events with a version of each change, and the progress that comes with it, in one transaction. */
  savePage(page: StoredPage): Promise<SavedEvents>;
  /** Links events of these projects, or of the connection, that are related, as far as they have changed since the last time. */
  linkEvents(projectIds?: readonly number[]): Promise<void>;
  /** Notes that known projects are not returned any more. */
  markGone(projectIds: readonly number[], at: Date, reason: string): Promise<void>;
  /** Notes that known projects are not among those to read any more. */
  markUnselected(projectIds: readonly number[], at: Date): Promise<void>;
  /** Stores progress that comes with no page. */
  saveStates(states: readonly PlacedState[]): Promise<void>;
  /** Notes that everything without a trace was read again. */
  markReconciled(projectIds: readonly number[], at: Date): Promise<void>;
  /** Notes the end of a pass. */
  markSynced(at: Date): Promise<void>;
}

/** A project that was read before. */
export interface KnownProject extends EventProject {
  readonly lastSeenAt: Date;
  readonly reconciledAt: Date;
  /** Null while GitLab returns it. */
  readonly goneAt: Date | null;
  /** Null while it is among the projects to read. */
  readonly unselectedAt: Date | null;
}

/** One page of one walk. */
export interface StoredPage extends EventPage {
  readonly scope: string;
  readonly state: WalkState;
  readonly tags?: TagChanges | undefined;
}

/** Pages that are stored in one transaction at the most. */
const largestGroup = 200;

/** A store over a host's EntityManager. Throws DatabaseError when `connectionId` names no connection. */
export async function createStore(em: SqlEntityManager, connectionId: number): Promise<Store> {
  const root = em.fork({ clear: true });
  const fork = () => root.fork({ clear: true });
  const connection = await withDatabaseErrors(() => fork().findOne(ConnectionEntity, connectionId));
  if (!connection) throw new DatabaseError(`there is no connection ${connectionId} in the table connections`);
  const table = await withDatabaseErrors(() => eventTableOf(fork()));
  const inTransaction = <T>(action: (em: SqlEntityManager) => Promise<T>) => withDatabaseErrors(() => fork().transactional(action));
  const updateProjects = async (
    projectIds: readonly number[],
    change: { readonly unselectedAt: Date } | { readonly reconciledAt: Date },
  ) => {
    await withDatabaseErrors(() => fork().nativeUpdate(GitlabProjectEntity, { connectionId, projectId: [...projectIds] }, change));
  };
  const savePages = (pages: readonly StoredPage[]) =>
    inTransaction(async (em) => {
      const kysely = em.getKysely();
      const saved = await saveEvents(kysely, { connectionId, table }, pages);
      await saveStates(
        kysely,
        connectionId,
        pages.map(({ state, projectId, stream, scope }) => ({ ...state, projectId, stream, scope })),
      );
      await saveTags(
        kysely,
        connectionId,
        pages.flatMap(({ tags, projectId }) => (tags ? [{ ...tags, projectId }] : [])),
      );
      return saved;
    });
  return {
    exclusively: (action, projectIds) => exclusively(root, { connectionId, projectIds }, action),
    readProjects: (projectIds) =>
      withDatabaseErrors(() =>
        fork()
          .find(GitlabProjectEntity, { connectionId, ...(projectIds ? { projectId: [...projectIds] } : {}) })
          .then((rows) => rows.map(knownProject)),
      ),
    readStates: (projectIds) => withDatabaseErrors(() => readStates(fork().getKysely(), connectionId, projectIds)),
    readTags: (projectId, repositoryId) =>
      withDatabaseErrors(() => readTags(fork().getKysely(), { connectionId, projectId, repositoryId })),
    countTags: () => withDatabaseErrors(() => countTags(fork().getKysely(), connectionId)),
    countEvents: (query) => withDatabaseErrors(() => countEvents(fork().getKysely(), { connectionId, table }, query)),
    saveProjects: (projects, seenAt) => inTransaction((em) => saveProjects(em, { connectionId, projects, seenAt })),
    savePage: groupCommit(savePages, largestGroup),
    linkEvents: (projectIds) => withDatabaseErrors(() => linkEvents(fork().getKysely(), connectionId, projectIds)),
    markGone: (projectIds, at, reason) =>
      inTransaction(async (em) => {
        const project = projectIds.map((id) => [connectionId, id] as [number, number]);
        await em.nativeUpdate(GitlabProjectEntity, { connectionId, projectId: [...projectIds], goneAt: null }, { goneAt: at });
        await em.nativeUpdate(GitlabStreamStateEntity, { project }, { outcome: 'gone', error: reason });
      }),
    markUnselected: (projectIds, at) => updateProjects(projectIds, { unselectedAt: at }),
    saveStates: (states) => inTransaction((em) => saveStates(em.getKysely(), connectionId, states)),
    markReconciled: (projectIds, at) => updateProjects(projectIds, { reconciledAt: at }),
    markSynced: async (at) => {
      await withDatabaseErrors(() => fork().nativeUpdate(ConnectionEntity, { id: connectionId }, { lastSync: at }));
    },
  };
}

function knownProject(row: GitlabProjectEntity): KnownProject {
  const { projectId, eventPath, fullPath, webUrl, lastSeenAt, reconciledAt, goneAt, unselectedAt } = row;
  return {
    id: projectId,
    eventPath,
    fullPath,
    webUrl,
    lastSeenAt,
    reconciledAt,
    goneAt: goneAt ?? null,
    unselectedAt: unselectedAt ?? null,
  };
}

/** What the action itself throws is no failure of the lock, and comes back as it is. */
async function exclusively<T>(em: SqlEntityManager, scope: PassScope, action: () => Promise<T>): Promise<T | null> {
  const ended = await withDatabaseErrors(() =>
    withPassLock(em, scope, () =>
      action().then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    ),
  );
  if (ended && 'error' in ended) throw ended.error;
  return ended && ended.value;
}
