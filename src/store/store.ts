import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { LostLockError } from '../errors.ts';
import type { EventProject } from '../events/event-project.ts';
import type { StoredRow, TagCount, TagLook } from '../walk-state.ts';
import { withDatabaseErrors } from './database/database-errors.ts';
import type { PassScope } from './database/fence.ts';
import { withPassLock } from './database/pass-lock.ts';
import type { PassLock } from './database/pass-lock.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { GitlabProjectEntity } from './entities/gitlab-project.ts';
import { countEvents } from './events/count-events.ts';
import type { StoredCountQuery } from './events/count-events.ts';
import { readUpcoming } from './events/publish-releases.ts';
import { readIdentities, readInStatus, readStatuses, readTimes } from './events/read-identities.ts';
import type { StoredIdentity, StoredInStatusQuery } from './events/read-identities.ts';
import { readEventTable } from './layouts/event-table.ts';
import type { EventTable } from './layouts/event-table.ts';
import { readGaps } from './progress/gaps.ts';
import type { PlacedGap } from './progress/gaps.ts';
import { readLandmarksBefore } from './progress/landmarks.ts';
import type { Landmark, LandmarkQuery } from './progress/landmarks.ts';
import { countTags, readStates, readTags } from './progress/read-progress.ts';
import type { StoredState } from './progress/read-progress.ts';
import { createWriter } from './writer.ts';
import type { Writer } from './writer.ts';

/** Reads the events, projects and progress of one connection. */
export interface StoredRecord {
  /** Whether PainChain made the tables. */
  arePainchains(): Promise<boolean>;
  /** Whether the table may have rows of PainChain's own connector, which are to get other ids. */
  mayHaveFormerRows(): boolean;
  /** The known projects among these ids, or every known project of the connection. */
  readProjects(projectIds?: readonly number[]): Promise<KnownProject[]>;
  /** The states of all walks of these projects, or of the connection. */
  readStates(projectIds?: readonly number[]): Promise<StoredState[]>;
  /** The gaps of these projects, or of the connection. */
  readGaps(projectIds?: readonly number[]): Promise<PlacedGap[]>;
  /** The known tags of a container repository. */
  readTags(projectId: number, repositoryId: number): Promise<TagLook[]>;
  /** The stored rows that changed last of those that changed before a moment. */
  readLandmarksBefore(query: LandmarkQuery & { readonly before: Date }): Promise<Landmark[]>;
  /** The numbers of known tags of each container repository that was read. */
  countTags(): Promise<TagCount[]>;
  /** When the releases of these projects that are still upcoming come out; the earliest of each project. */
  readUpcoming(projectIds?: readonly number[]): Promise<ReadonlyMap<number, Date>>;
  /** How many events of a project are stored. */
  countEvents(query: StoredCountQuery): Promise<number>;
  /** The times of these events of a project, as far as they are stored. */
  readTimes(projectId: number, eventIds: readonly string[]): Promise<Map<string, Date>>;
  /** The statuses of these events, as far as they are stored. */
  readStatuses(eventIds: readonly string[]): Promise<Map<string, string>>;
  /** The events of one stream of a project that have one of these statuses, the newest first. */
  readInStatus(query: Omit<StoredInStatusQuery, 'connectionId'>): Promise<StoredRow[]>;
  /** The id, times and branch of every stored event of one stream of a project. */
  readIdentities(projectId: number, stream: string): Promise<StoredIdentity[]>;
}

/** The store of a pass that holds the lock. */
export interface LockedStore extends StoredRecord, Writer {}

/** The stored data of one connection. Only a pass that holds the lock writes. */
export interface Store extends StoredRecord {
  /**
   * Runs an action under the lock of these projects, or of the whole connection. Resolves to null at once when another pass
   * holds the lock. After the lock is lost, the store of the action rejects every write with LostLockError.
   */
  exclusively<T>(action: (store: LockedStore) => Promise<T>, projectIds?: readonly number[]): Promise<T | null>;
}

/** A project that was read before. */
export interface KnownProject extends EventProject {
  readonly reconciledAt: Date;
  /** Since when GitLab no longer returns the project. Null while it does. */
  readonly goneAt: Date | null;
  /** Since when the configuration no longer selects the project. Null while it does. */
  readonly unselectedAt: Date | null;
  /** Whether its walks are to begin again from before GitLab was restored from a backup. */
  readonly isRewindDue: boolean;
}

/** Options of a store. */
export interface StoreOptions {
  /** Called when a lock is lost: the pass must stop, because it can no longer write. */
  readonly onLockLost?: (error: LostLockError) => void;
}

/** Reads the stored data of one connection over a host's EntityManager. Throws DatabaseError when `connectionId` names no connection. */
export async function openRecord(em: SqlEntityManager, connectionId: number): Promise<StoredRecord> {
  return recordOf(em, connectionId, await usableTable(em, connectionId));
}

/** How the table of events was made. Throws DatabaseError when `connectionId` names no connection. */
async function usableTable(em: SqlEntityManager, connectionId: number): Promise<EventTable> {
  const fork = () => em.fork({ clear: true });
  const connection = await withDatabaseErrors(() => fork().findOne(ConnectionEntity, connectionId));
  if (!connection) throw new DatabaseError(`there is no connection ${connectionId} in the table connections`);
  return withDatabaseErrors(() => readEventTable((statement) => fork().execute(statement)));
}

function recordOf(em: SqlEntityManager, connectionId: number, table: EventTable): StoredRecord {
  const fork = () => em.fork({ clear: true });
  return {
    arePainchains: () => Promise.resolve(table.isPainchains),
    mayHaveFormerRows: () => table.renameFormerRows !== undefined,
    readProjects: (projectIds) =>
      withDatabaseErrors(() =>
        fork()
          .find(GitlabProjectEntity, { connectionId, ...(projectIds ? { projectId: [...projectIds] } : {}) })
          .then((rows) => rows.map(knownProject)),
      ),
    readStates: (projectIds) => withDatabaseErrors(() => readStates(fork().getKysely(), connectionId, projectIds)),
    readGaps: (projectIds) => withDatabaseErrors(() => readGaps(fork(), connectionId, projectIds)),
    readTags: (projectId, repositoryId) =>
      withDatabaseErrors(() => readTags(fork().getKysely(), { connectionId, projectId, repositoryId })),
    readLandmarksBefore: (query) => withDatabaseErrors(() => readLandmarksBefore(fork().getKysely(), { connectionId, table }, query)),
    countTags: () => withDatabaseErrors(() => countTags(fork().getKysely(), connectionId)),
    readUpcoming: (projectIds) => withDatabaseErrors(() => readUpcoming(fork().getKysely(), { connectionId, table }, projectIds)),
    countEvents: (query) => withDatabaseErrors(() => countEvents(fork().getKysely(), { connectionId, table }, query)),
    readTimes: (projectId, eventIds) =>
      withDatabaseErrors(() => readTimes(fork().getKysely(), { connectionId, table, projectId, eventIds })),
    readStatuses: (eventIds) => withDatabaseErrors(() => readStatuses(fork().getKysely(), connectionId, eventIds)),
    readInStatus: (query) => withDatabaseErrors(() => readInStatus(fork().getKysely(), { ...query, connectionId })),
    readIdentities: (projectId, stream) =>
      withDatabaseErrors(() => readIdentities(fork().getKysely(), { connectionId, table, projectId, stream })),
  };
}

/** A store over a host's EntityManager. Throws DatabaseError when `connectionId` names no connection. */
export async function createStore(em: SqlEntityManager, connectionId: number, { onLockLost }: StoreOptions = {}): Promise<Store> {
  const root = em.fork({ clear: true });
  const table = await usableTable(root, connectionId);
  const record = recordOf(root, connectionId, table);
  return {
    ...record,
    exclusively: (action, projectIds) =>
      exclusively(root, { connectionId, projectIds }, async (lock) => {
        lock.signal.addEventListener('abort', () => onLockLost?.(lock.signal.reason as LostLockError), { once: true });
        return action({ ...record, ...createWriter({ em: root, connectionId, table, lock }) });
      }),
  };
}

function knownProject(row: GitlabProjectEntity): KnownProject {
  const { projectId, eventPath, fullPath, webUrl, reconciledAt, goneAt, unselectedAt, isRewindDue } = row;
  return {
    id: projectId,
    eventPath,
    fullPath,
    webUrl,
    reconciledAt,
    goneAt: goneAt ?? null,
    unselectedAt: unselectedAt ?? null,
    isRewindDue,
  };
}

/** Runs an action under a lock. Failures of the lock become DatabaseErrors; an error of the action is thrown unchanged. */
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
