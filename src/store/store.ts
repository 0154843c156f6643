import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { LostLockError } from '../errors.ts';
import type { EventProject } from '../events/event-project.ts';
import type { TagCount, TagLook } from '../walk-state.ts';
import { withDatabaseErrors } from './database/database-errors.ts';
import { takeFence } from './database/fence.ts';
import { withPassLock } from './database/pass-lock.ts';
import type { PassLock, PassScope } from './database/pass-lock.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { GitlabProjectEntity } from './entities/gitlab-project.ts';
import { countEvents } from './events/count-events.ts';
import type { StoredCountQuery } from './events/count-events.ts';
import { readIdentities } from './events/read-identities.ts';
import type { StoredIdentity } from './events/read-identities.ts';
import { eventTableOf } from './events/save-events.ts';
import { readLandmarksBefore } from './progress/landmarks.ts';
import type { Landmark, LandmarkQuery } from './progress/landmarks.ts';
import { countTags, readStates, readTags } from './progress/read-progress.ts';
import type { PlacedState } from './progress/save-progress.ts';
import { createWriter } from './writer.ts';
import type { Writer } from './writer.ts';

/** What is known of one connection: its events, projects and progress. */
export interface StoredRecord {
  /** These projects as far as they are known, or every one of the connection. */
  readProjects(projectIds?: readonly number[]): Promise<KnownProject[]>;
  /** The states of every walk of these projects, or of the connection. */
  readStates(projectIds?: readonly number[]): Promise<PlacedState[]>;
  /** What is known of a container repository's tags. */
  readTags(projectId: number, repositoryId: number): Promise<TagLook[]>;
  /** The stored rows that changed last of those that changed before a moment. */
  readLandmarksBefore(query: LandmarkQuery & { readonly before: Date }): Promise<Landmark[]>;
  /** How many tags are known of each container repository that was read. */
  countTags(): Promise<TagCount[]>;
  /** How many events of a project are stored. */
  countEvents(query: StoredCountQuery): Promise<number>;
  /** Every stored event of one stream of a project, by its id. */
  readIdentities(projectId: number, stream: string): Promise<StoredIdentity[]>;
}

/** The store of a pass that holds the lock. */
export interface LockedStore extends StoredRecord, Writer {}

/** The database of one connection. It is written to by passes only, and those hold its lock. */
export interface Store extends StoredRecord {
  /**
   * Runs an action while no other pass reads the same: these projects, or the whole connection. Resolves to null at once
   * when one does. The store that the action gets refuses to write with LostLockError once the lock is lost.
   */
  exclusively<T>(action: (store: LockedStore) => Promise<T>, projectIds?: readonly number[]): Promise<T | null>;
}

/** A project that was read before. */
export interface KnownProject extends EventProject {
  readonly lastSeenAt: Date;
  readonly reconciledAt: Date;
  /** Null while GitLab returns it. */
  readonly goneAt: Date | null;
  /** Null while it is among the projects to read. */
  readonly unselectedAt: Date | null;
  /** Whether its walks are to begin again from before GitLab was restored from a backup. */
  readonly isRewindDue: boolean;
}

/** Options of a store. */
export interface StoreOptions {
  /** Called when a lock that is held has been lost: what is under way has no sense any more. */
  readonly onLockLost?: (error: LostLockError) => void;
}

/** A store over a host's EntityManager. Throws DatabaseError when `connectionId` names no connection. */
export async function createStore(em: SqlEntityManager, connectionId: number, { onLockLost }: StoreOptions = {}): Promise<Store> {
  const root = em.fork({ clear: true });
  const fork = () => root.fork({ clear: true });
  const connection = await withDatabaseErrors(() => fork().findOne(ConnectionEntity, connectionId));
  if (!connection) throw new DatabaseError(`there is no connection ${connectionId} in the table connections`);
  const table = await withDatabaseErrors(() => eventTableOf(fork()));
  const record: StoredRecord = {
    readProjects: (projectIds) =>
      withDatabaseErrors(() =>
        fork()
          .find(GitlabProjectEntity, { connectionId, ...(projectIds ? { projectId: [...projectIds] } : {}) })
          .then((rows) => rows.map(knownProject)),
      ),
    readStates: (projectIds) => withDatabaseErrors(() => readStates(fork().getKysely(), connectionId, projectIds)),
    readTags: (projectId, repositoryId) =>
      withDatabaseErrors(() => readTags(fork().getKysely(), { connectionId, projectId, repositoryId })),
    readLandmarksBefore: (query) => withDatabaseErrors(() => readLandmarksBefore(fork().getKysely(), { connectionId, table }, query)),
    countTags: () => withDatabaseErrors(() => countTags(fork().getKysely(), connectionId)),
    countEvents: (query) => withDatabaseErrors(() => countEvents(fork().getKysely(), { connectionId, table }, query)),
    readIdentities: (projectId, stream) =>
      withDatabaseErrors(() => readIdentities(fork().getKysely(), { connectionId, table, projectId, stream })),
  };
  return {
    ...record,
    exclusively: (action, projectIds) =>
      exclusively(root, { connectionId, projectIds }, async (lock) => {
        const fence = await takeFence({ em: root, scope: { connectionId, projectIds }, lock });
        fence.signal.addEventListener('abort', () => onLockLost?.(fence.signal.reason as LostLockError), { once: true });
        return action({ ...record, ...createWriter({ em: root, connectionId, table, fence }) });
      }),
  };
}

function knownProject(row: GitlabProjectEntity): KnownProject {
  const { projectId, eventPath, fullPath, webUrl, lastSeenAt, reconciledAt, goneAt, unselectedAt, isRewindDue } = row;
  return {
    id: projectId,
    eventPath,
    fullPath,
    webUrl,
    lastSeenAt,
    reconciledAt,
    goneAt: goneAt ?? null,
    unselectedAt: unselectedAt ?? null,
    isRewindDue,
  };
}

/** What the action itself throws is no failure of the lock, and comes back as it is. */
async function exclusively<T>(em: SqlEntityManager, scope: PassScope, action: (lock: PassLock) => Promise<T>): Promise<T | null> {
  const ended = await withDatabaseErrors(() =>
    withPassLock(em, scope, (lock) =>
      action(lock).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    ),
  );
  if (ended && 'error' in ended) throw ended.error;
  return ended && ended.value;
}
