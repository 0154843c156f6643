import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { QueryExecutorProvider } from 'kysely';
import type { EventProject } from '../events/event-project.ts';
import type { Arrivals, EnvironmentLooks, GapChanges, TagChanges, WalkState } from '../walk-state.ts';
import { isEndedByServer, withDatabaseErrors } from './database/database-errors.ts';
import type { PassLock } from './database/pass-lock.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { GitlabProjectEntity } from './entities/gitlab-project.ts';
import { GitlabStreamStateEntity } from './entities/gitlab-stream-state.ts';
import { dateArrivals } from './events/date-arrivals.ts';
import { linkEvents } from './events/link-events.ts';
import { publishReleases } from './events/publish-releases.ts';
import type { PublishQuery } from './events/publish-releases.ts';
import { followDeployments } from './events/follow-deployments.ts';
import { endPushes } from './events/end-pushes.ts';
import type { SeenTags } from './events/end-pushes.ts';
import { markDeleted } from './events/mark-deleted.ts';
import { saveEvents } from './events/save-events.ts';
import type { EventPage, EventTarget, SavedEvents } from './events/save-events.ts';
import { groupCommit } from './group-commit.ts';
import { saveGaps } from './progress/gaps.ts';
import { clearLandmarks, takeLandmarks, unlistLandmarks } from './progress/landmarks.ts';
import type { Landmark, LandmarkQuery } from './progress/landmarks.ts';
import { endRewind, markRewindDue, rewind } from './progress/rewind.ts';
import type { RewindQuery } from './progress/rewind.ts';
import { saveProjects } from './progress/save-projects.ts';
import type { SeenProject } from './progress/save-projects.ts';
import { shareTimes, unshareTimes } from './progress/shared-times.ts';
import type { QuietWalks } from './progress/shared-times.ts';
import { saveStates, saveTags } from './progress/save-progress.ts';
import type { GoneTag, PlacedState } from './progress/save-progress.ts';

/** Everything that a pass writes of one connection. Throws LostLockError, and writes nothing, once the pass has lost its lock. */
export interface Writer {
  /** Notes that GitLab returned these projects, and gives each its lasting event path. */
  saveProjects(projects: readonly SeenProject[], seenAt: Date): Promise<Map<number, EventProject>>;
  /** Publishes the upcoming releases of projects whose time has come. */
  publishReleases(query: PublishQuery): Promise<void>;
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
  /** Moves the times of walks in which a pass has found nothing. Resolves to the id of the row that they share from here on. */
  shareTimes(quiet: QuietWalks): Promise<string>;
  /** Notes that everything without a trace was read again. */
  markReconciled(projectIds: readonly number[], at: Date): Promise<void>;
  /** Notes that GitLab was restored from a backup: the next pass over each project of the connection begins with `rewind`. */
  markRewindDue(): Promise<void>;
  /** Adds the rows that changed last to the landmarks, and resolves to those that no pass has found since. */
  takeLandmarks(query: LandmarkQuery): Promise<Landmark[]>;
  /** Removes the landmarks of these projects, or of the connection. */
  clearLandmarks(projectIds?: readonly number[]): Promise<void>;
  /** Notes that rows are not in the lists of a pass, for a reason that is no restore. */
  unlistLandmarks(eventIds: readonly string[]): Promise<void>;
  /** Moves the walks of projects back to before GitLab was restored, and makes the projects due to be reconciled. */
  rewind(query: RewindQuery): Promise<void>;
  /** Notes that projects were read since `rewind`. */
  endRewind(projectIds: readonly number[]): Promise<void>;
  /** Notes the end of a pass over the whole connection, complete or not, as `last_sync`. */
  markSynced(at: Date): Promise<void>;
}

/** One page of one walk. */
export interface StoredPage extends EventPage {
  readonly scope: string;
  /** Absent: the state of the walk stays. */
  readonly state?: WalkState | undefined;
  /** The state stays too when nothing of the page's events was written. */
  readonly isStateOfNews?: boolean | undefined;
  readonly tags?: TagChanges | undefined;
  readonly environments?: EnvironmentLooks | undefined;
  readonly arrivals?: Arrivals | undefined;
  /** Ids of events whose objects GitLab no longer has. */
  readonly deleted?: readonly string[] | undefined;
  readonly gaps?: GapChanges | undefined;
}

/** What a writer works with. */
export interface WriterOptions extends EventTarget {
  readonly em: SqlEntityManager;
  readonly lock: PassLock;
}

/** Pages that are stored in one transaction at the most. */
const largestGroup = 200;

/** The writer of a pass that holds the lock. Every transaction begins with the question whether it does. */
export function createWriter({ em: root, connectionId, table, lock }: WriterOptions): Writer {
  const fork = () => root.fork({ clear: true });
  const inTransaction = fenced(fork, lock);
  const updateProjects = (
    projectIds: readonly number[],
    change: { readonly unselectedAt: Date } | { readonly reconciledAt: Date },
  ): Promise<void> =>
    inTransaction(async (em) => {
      await em.nativeUpdate(GitlabProjectEntity, { connectionId, projectId: [...projectIds] }, change);
    });
  const savePages = (pages: readonly StoredPage[]) => inTransaction((em) => storePages(em.getKysely(), { connectionId, table }, pages));
  return {
    saveProjects: (projects, seenAt) => inTransaction((em) => saveProjects(em, { connectionId, table, projects, seenAt })),
    publishReleases: (query) => inTransaction((em) => publishReleases(em.getKysely(), { connectionId, table }, query)),
    savePage: groupCommit(savePages, largestGroup),
    linkEvents: (projectIds) =>
      withDatabaseErrors(() =>
        linkEvents(
          { kysely: fork().getKysely(), inTransaction: (action) => inTransaction((em) => action(em.getKysely())) },
          { connectionId, table },
          projectIds,
        ),
      ),
    markGone: (projectIds, at, reason) =>
      inTransaction(async (em) => {
        const project = projectIds.map((id) => [connectionId, id] as [number, number]);
        await unshareTimes(em.getKysely(), connectionId, projectIds);
        await em.nativeUpdate(GitlabProjectEntity, { connectionId, projectId: [...projectIds], goneAt: null }, { goneAt: at });
        await em.nativeUpdate(GitlabStreamStateEntity, { project }, { outcome: 'gone', error: reason });
      }),
    markUnselected: (projectIds, at) => updateProjects(projectIds, { unselectedAt: at }),
    saveStates: (states) => inTransaction((em) => saveStates(em.getKysely(), connectionId, states)),
    shareTimes: (quiet) => inTransaction((em) => shareTimes(em.getKysely(), connectionId, quiet)),
    markReconciled: (projectIds, at) => updateProjects(projectIds, { reconciledAt: at }),
    ...restoreWriter({ connectionId, table }, inTransaction),
    markSynced: (at) =>
      inTransaction(async (em) => {
        await em.nativeUpdate(ConnectionEntity, { id: connectionId }, { lastSync: at });
      }),
  };
}

/** Stores pages: their events, the states of their walks, tags and gaps. */
async function storePages(kysely: QueryExecutorProvider, target: EventTarget, pages: readonly StoredPage[]): Promise<SavedEvents[]> {
  const { connectionId } = target;
  const saved = await saveEvents(kysely, target, pages);
  await dateArrivals(
    kysely,
    target,
    pages.flatMap((page) => (page.arrivals ? [{ ...page, arrivals: page.arrivals }] : [])),
  );
  await saveStates(
    kysely,
    connectionId,
    pages.flatMap(({ state, isStateOfNews, projectId, stream, scope }, index) =>
      state && !(isStateOfNews && isNothing(saved[index])) ? [{ ...state, projectId, stream, scope }] : [],
    ),
  );
  const tags = pages.flatMap(({ tags: seen, projectId, seenAt }) => (seen ? [{ ...seen, projectId, seenAt }] : []));
  const gone = await saveTags(kysely, connectionId, tags);
  await endPushes(kysely, target, [...tags, ...removedTags(gone, tags)]);
  await followDeployments(kysely, target, pages);
  await markDeleted(
    kysely,
    target,
    pages.flatMap(({ deleted, seenAt }) => (deleted ? [{ eventIds: deleted, seenAt }] : [])),
  );
  await saveGaps(
    kysely,
    connectionId,
    pages.flatMap(({ gaps, projectId, stream }) => (gaps ? [{ ...gaps, projectId, stream }] : [])),
  );
  return saved;
}

const isNothing = (saved: SavedEvents | undefined): boolean => !saved || saved.inserted + saved.updated === 0;

/** Tags of repositories that are gone, as a page would say it. */
const removedTags = (gone: readonly GoneTag[], pages: readonly SeenTags[]): SeenTags[] =>
  gone.flatMap(({ projectId, repositoryId, name }) => {
    const page = pages.find((one) => one.projectId === projectId && one.repositoryIds);
    return page ? [{ projectId, repositoryId, seenAt: page.seenAt, looked: [], moved: [], removed: [name] }] : [];
  });

/** Runs actions each in a transaction of its own, which the pass may write while it holds its lock. */
const fenced =
  (fork: () => SqlEntityManager, lock: PassLock): InTransaction =>
  (action) =>
    withDatabaseErrors(async () => {
      lock.signal.throwIfAborted();
      try {
        return await fork().transactional(async (em) => {
          await lock.check(em.getKysely());
          return action(em);
        });
      } catch (error) {
        // Where the lock's session was ended as well, that is the reason to name, whichever of the two is heard of first.
        if (isEndedByServer(error)) await lock.confirm();
        throw error;
      }
    });

type InTransaction = <T>(action: (em: SqlEntityManager) => Promise<T>) => Promise<T>;

type RestoreWriter = Pick<Writer, 'markRewindDue' | 'takeLandmarks' | 'clearLandmarks' | 'unlistLandmarks' | 'rewind' | 'endRewind'>;

/** What notices that a GitLab was restored from a backup, and reads it again. */
const restoreWriter = ({ connectionId, table }: EventTarget, inTransaction: InTransaction): RestoreWriter => ({
  markRewindDue: () => inTransaction((em) => markRewindDue(em, connectionId)),
  takeLandmarks: (query) => inTransaction((em) => takeLandmarks(em, { connectionId, table }, query)),
  clearLandmarks: (projectIds) => inTransaction((em) => clearLandmarks(em, connectionId, projectIds)),
  unlistLandmarks: (eventIds) => inTransaction((em) => unlistLandmarks(em, connectionId, eventIds)),
  endRewind: (projectIds) => inTransaction((em) => endRewind(em, connectionId, projectIds)),
  rewind: (query) => inTransaction((em) => rewind(em, connectionId, query)),
});
