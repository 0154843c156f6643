import type { Config } from '../config/parse-config.ts';
import type { Gitlab } from '../gitlab/client.ts';
import type { NewestTags } from '../gitlab/registry-tags.ts';
import type { Logger } from '../log.ts';
import type { KnownProject, LockedStore, Store } from '../store/store.ts';
import type { PlacedState } from '../store/progress/save-progress.ts';
import { coverBranches } from '../streams/coverage.ts';
import { streams } from '../streams/index.ts';
import type { FirstPage } from '../gitlab/batch.ts';
import type { Stream, StreamOptions } from '../streams/stream.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Gaps } from './gaps.ts';
import type { QuietWalks } from './quiet-walks.ts';
import type { Tally } from './report.ts';
import type { Landmarks } from './restore.ts';
import type { Tips } from './tips.ts';

/** What a pass works with. */
export interface Pass {
  readonly config: Config;
  readonly gitlab: Gitlab;
  readonly store: Store;
  readonly log: Logger;
  /** Our clock: for durations and bookkeeping, never for watermarks. */
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  /** Called whenever a figure has moved. */
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
  /** Reconcile every project now. */
  readonly reconcile?: boolean | undefined;
  /** Extend the backfill of every known project to this moment. */
  readonly backfillTo?: Date | undefined;
}

/** How far a pass has come, for `onProgress`. */
export interface SyncProgress {
  /** Projects found so far; grows while lists are read. */
  readonly projects: number;
  readonly projectsDone: number;
  readonly requests: number;
  readonly fetched: number;
  readonly stored: number;
}

/** The states of a project's walks, by stream and scope. */
export type ProjectStates = Map<string, PlacedState>;

/** A pass that holds the lock of what it reads. */
export interface LockedPass extends Omit<Pass, 'store'> {
  readonly store: LockedStore;
}

/** A pass under way: what it works with, what was known when it began, and what it has found. */
export interface PassState extends LockedPass {
  readonly options: StreamOptions;
  /** The streams that are read. */
  readonly streams: readonly Stream[];
  readonly tally: Tally;
  readonly circuitBreaker: CircuitBreaker;
  readonly known: ReadonlyMap<number, KnownProject>;
  readonly states: Map<number, ProjectStates>;
  readonly progress: Progress;
  readonly tips: Tips;
  /** The newest tags of a container repository at rest; undefined when GitLab does not say them. */
  readonly newestTags: (repositoryId: number) => Promise<NewestTags | undefined>;
  readonly gaps: Gaps;
  readonly quiet: QuietWalks;
  /** When the upcoming releases of projects come out; the earliest of each project. */
  readonly upcoming: ReadonlyMap<number, Date>;
  /** Rows that GitLab must still have, as far as this pass has not found them yet. */
  readonly landmarks: Landmarks;
  /** Projects whose walks begin again, because GitLab was restored from a backup. */
  readonly rewound: readonly number[];
}

/** Counts for `onProgress`. */
export interface Progress {
  readonly projectsFound: (count: number) => void;
  readonly projectsEnded: (count: number) => void;
  readonly update: () => void;
}

const streamsOfBranches = new Set(streams.filter(({ isOfBranches: is }) => is).map(({ name }) => name));
const isOfBranches = ({ stream, scope }: PlacedState) => scope === '' && streamsOfBranches.has(stream);

/** The lists of a batch that streams read. */
export const listsOf = (read: readonly Stream[]): FirstPage[] => [...new Set(read.flatMap(({ lists = [] }) => lists))];

/** Key of a walk's state. */
export const walkKey = (stream: string, scope: string): string => `${stream}\n${scope}`;

/** The states by project, as far as they hold for the branches that are asked for now. */
export function statesByProject(states: readonly PlacedState[], branches: readonly string[]): Map<number, ProjectStates> {
  const byProject = new Map<number, ProjectStates>();
  for (const state of states) {
    const ofProject: ProjectStates = byProject.get(state.projectId) ?? new Map();
    byProject.set(
      state.projectId,
      ofProject.set(walkKey(state.stream, state.scope), isOfBranches(state) ? coverBranches(state, branches) : state),
    );
  }
  return byProject;
}

/** Counts that start at zero. */
export function createProgress({ onProgress, gitlab }: Pick<Pass, 'onProgress' | 'gitlab'>, tally: Tally): Progress {
  let projects = 0;
  let projectsDone = 0;
  const update = () =>
    onProgress?.({ projects, projectsDone, requests: gitlab.requests.graphql + gitlab.requests.rest, ...tally.totals() });
  return {
    update,
    projectsFound: (count) => {
      projects += count;
      update();
    },
    projectsEnded: (count) => {
      projectsDone += count;
      update();
    },
  };
}

/** Waits for all promises, so that nothing runs on in the background, and then throws the first error. */
export async function everyOne<T>(promises: ReadonlyArray<Promise<T>>): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Parts of a list, in its order. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Whether a project is among those to read, as far as is known. */
export const isSelected = (project: KnownProject | undefined): project is KnownProject =>
  project !== undefined && project.goneAt === null && project.unselectedAt === null;
