import type { ErrorCode } from '../errors.ts';
import type { ChangeEvent } from '../events/change-event.ts';
import type { EventProject } from '../events/event-project.ts';
import type { BatchProject, FirstPage } from '../gitlab/batch.ts';
import type { Gitlab } from '../gitlab/client.ts';
import type { ListedRow, UnreadRow } from '../gitlab/read-around.ts';
import type { NewestTags } from '../gitlab/registry-tags.ts';
import type {
  Arrivals,
  Backfill,
  EnvironmentLooks,
  Outcome,
  Progress,
  StoredRow,
  StoredState,
  TagChanges,
  TagLook,
  WalkState,
} from '../walk-state.ts';
import type { Access } from './access.ts';
import type { StreamCount, StreamPlan } from './counts.ts';
import type { RowsByName } from './leaving.ts';

/** How far back to read a project that is seen for the first time. */
export interface Depth {
  /** Everything from this moment on; null = the newest `rows`. */
  readonly since: Date | null;
  /** How many of each walk; null = everything. */
  readonly rows: number | null;
}

/** The settings that streams obey. */
export interface StreamOptions {
  /** Empty = every branch, and no commits. */
  readonly branches: readonly string[];
  readonly depth: Depth;
  /** How many tags of a container repository to look at. Infinity = all. */
  readonly tagLimit: number;
  /** How many known tags of a container repository to look at again in a pass. */
  readonly tagChecks: number;
  /** Whether signatures, attestations and SBOMs of images count as images. */
  readonly imageArtifacts: boolean;
}

/** What a stream reads one project with. */
export interface StreamContext {
  readonly project: EventProject;
  readonly gitlab: Gitlab;
  readonly options: StreamOptions;
  /** What came with the batch: the project's switches, and the first page of each stream. */
  readonly batch: BatchProject;
  /** What GitLab dates before this moment, less the overlap, was there when the walk began. Null: no row of this GitLab was seen yet. */
  readonly startedAt: Date | null;
  /** GitLab's clock when it answered the batch, or our clock when GitLab's is unknown. Rows may be dated by another clock. */
  readonly seenAt: Date;
  /** What is stored of a walk. */
  readonly state: (scope: string) => WalkState | undefined;
  /** GitLab is known to fail on lists of this stream: names are asked for first. */
  readonly startsWithNames: boolean;
  /** Whether a row is known to fail, has not changed since, and is not to be asked for now. `scope`: for rows of a scope. */
  readonly isWaiting: (row: ListedRow, scope?: string) => boolean;
  /** The last commit of a branch that was read to its tip, as it was asked for together with other projects; undefined when it is not known so. */
  readonly tipOf: (branch: string) => Promise<string | undefined>;
  /** The newest tags of a container repository whose tags were read, asked for together with others; undefined when they are not known so. */
  readonly newestTags: (repositoryId: number) => Promise<NewestTags | undefined>;
  /** What is stored of events, by id. */
  readonly readStored: (eventIds: readonly string[]) => Promise<ReadonlyMap<string, StoredState>>;
  /** The stored events of this stream that have a status, by these keys of `metadata`. */
  readonly readInStatus: (status: string, by: { readonly key: string; readonly identity: string }) => Promise<readonly StoredRow[]>;
  /** What is stored of a container repository's tags. */
  readonly readTags: (repositoryId: number) => Promise<TagLook[]>;
}

/** How a walk ended, said by its last page. */
export interface WalkEnd {
  readonly outcome: Outcome;
  /** One line, for every outcome but `ok`. */
  readonly reason?: string;
  /** The code of the error behind `reason`, where there is one. */
  readonly errorCode?: ErrorCode;
  /** The rest was left out because of a setting: nothing is wrong. */
  readonly byLimit?: true;
  /** The rest are gaps of single rows. */
  readonly byGaps?: true;
}

/** A page: its events, its progress and its tags are stored in one transaction. The last page of a walk has an `end`. */
export interface Page {
  readonly events: readonly ChangeEvent[];
  readonly progress?: Progress;
  /** Whether the progress is stored only if something of the events is. */
  readonly isProgressOfNews?: boolean;
  readonly tags?: TagChanges;
  readonly environments?: EnvironmentLooks;
  /** Rows that GitLab lists and could not answer. Each becomes a gap. */
  readonly unread?: readonly UnreadRow[];
  /** Names of rows that GitLab no longer has, and shows that it has not. Their gaps end. */
  readonly goneKeys?: readonly string[];
  /** Every scope that the stream has. The gaps of others end. */
  readonly scopes?: readonly string[];
  /** Ids of events whose objects GitLab no longer has: they get the status `deleted`. */
  readonly deleted?: readonly string[];
  /** How commits that were not on the branch before came to it. */
  readonly arrivals?: Arrivals;
  /** How many tags were left out because they are signatures, attestations or SBOMs of images. */
  readonly artifacts?: number;
  /** Only events that are stored already are updated; others are left out. */
  readonly updatesOnly?: boolean;
  readonly end?: WalkEnd;
}

/** What storing a page wrote; given back to the walk that made it. */
export interface Stored {
  readonly inserted: number;
  readonly updated: number;
}

/** Whether nothing of a page was written. */
export const isNothing = ({ inserted, updated }: Stored): boolean => inserted + updated === 0;

/** Pages, pulled: the next page is taken when the page before is stored. It may be read from GitLab meanwhile. */
export type Pages = AsyncGenerator<Page, void, Stored>;

/** A list that is read page by page, and whose progress is kept. */
export interface Walk {
  /** A branch or a container repository where the stream has several walks; else empty. */
  readonly scope: string;
  readonly pages: () => Pages;
}

/**
 * One kind of change: how a pass reads it, and what `plan`, `estimate`, `audit` and `check` ask of it. docs/extending.md
 * shows how one is added.
 */
export interface Stream {
  readonly name: string;
  /** For people, in the plural. */
  readonly label: string;
  /** The word in its events' titles: `[MR] …`. */
  readonly type: string;
  /** The lists of a batch that it reads, or looks at. */
  readonly lists?: readonly FirstPage[];
  /** PainChain's dashboard has no such type: in its tables it is read only where STREAMS names it. */
  readonly isUnknownToPainchain?: true;
  /** What changed since the last pass, and what the backfill still asks for. The walks run one after the other. */
  readonly changes: (context: StreamContext) => Iterable<Walk> | AsyncIterable<Walk>;
  /** Reads again what may have changed without a trace. Absent where every change leaves one. */
  readonly reconcile?: (context: StreamContext) => Iterable<Walk> | AsyncIterable<Walk>;
  /**
   * A backfill to an earlier moment, from where the stored one stands; null when everything down to that moment is
   * stored. Absent for a stream that has no history to read.
   */
  readonly extendBackfill?: (state: WalkState, since: Date) => Backfill | null;
  /**
   * A batch asks for what changed since the watermark. A project without this stream's watermark is read as a new one; `once read`: only
   * where no other stream asks for more.
   */
  readonly isAskedSince?: true | 'once read';
  /** The walk with the empty scope reads the configured branches only: its coverage follows when they change. */
  readonly isOfBranches?: true;
  /** What a project must have for this stream. Absent where GitLab shows nothing of the kind. */
  readonly access?: Access;
  /** What tells a row from the others. Absent: a row that GitLab cannot answer stops its walk. */
  readonly row?: {
    /** The key of `metadata` that names the row. */
    readonly key: string;
    /** Whether GitLab's lists say when it changed: the event's timestamp. */
    readonly isDated?: true;
    /** Whether a name is unique in its scope only. */
    readonly isOfScope?: true;
    /**
     * Reads a row alone that could not be read before; null when GitLab no longer has it. Absent where the walks ask for such rows again
     * by themselves.
     */
    readonly read?: (context: StreamContext, key: string) => Promise<ChangeEvent | null>;
  };
  /** How a reconcile asks for rows that its reading did not find, although they are stored as open, running or published. */
  readonly leaving?: {
    /** Statuses of events that a complete reading has. */
    readonly statuses: readonly string[];
    /** The key of `metadata` that tells a row from every other one. Default: `row.key`. */
    readonly identity?: string;
    /** Whether the reading goes as far as to have a row. Absent: it does. */
    readonly isExpected?: (row: StoredRow, context: StreamContext) => boolean;
    /** Reads rows by name, whatever the settings select. */
    readonly read: (context: StreamContext, keys: readonly string[]) => Promise<RowsByName>;
    /** Whether GitLab shows this token any row of the list. */
    readonly isShown: (context: StreamContext) => Promise<boolean>;
  };
  /** Statuses whose beginning the lists do not tell, and which is asked for when a row has come to one of them. Times by identity, as `leaving` names it. */
  readonly beginnings?: {
    readonly statuses: readonly string[];
    readonly read: (context: StreamContext, keys: readonly string[]) => Promise<ReadonlyMap<string, Date>>;
  };
  /** How to ask for the time of change of one row. Absent where a row's time says nothing about a GitLab that was restored. */
  readonly landmark?: {
    /** The key of `metadata` that holds a row's number in its project. */
    readonly key: string;
    /** When GitLab changed the row last; null when GitLab no longer has it, or no longer shows it. */
    readonly changedAt: (gitlab: Gitlab, row: { readonly projectId: number; readonly iid: string }) => Promise<Date | null>;
  };
  /** What GitLab counts of it: for estimates and audits. */
  readonly count: StreamCount;
  readonly plan: StreamPlan;
}

/** A last page that says only how it ended. */
export const endPage = (end: WalkEnd, progress?: Progress): Page => ({ events: [], end, ...(progress ? { progress } : {}) });
