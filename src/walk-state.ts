/** How the last reading of a walk ended. Forbidden is never empty. */
export type Outcome = 'ok' | 'partial' | 'disabled' | 'forbidden' | 'gone' | 'failed';

/** Stands in `depth` for everything that GitLab has. */
export const beginningOfTime = new Date(0);

/** How far a walk has come: forwards from its watermark, backwards to its depth. Stored with the page it describes. */
export interface WalkState {
  /** The branches that the walk reads, sorted; empty = all. */
  readonly selection: readonly string[];
  /** Branches that the walk has read before, as far as `selection` and `watermark` say less of them. */
  readonly leftOut: readonly LeftOut[];
  /** Everything that GitLab changed before this moment is stored, down to the depth. GitLab's clock. */
  readonly watermark: Date | null;
  /** Where a stopped walk goes on, for streams whose watermark moves only at the end of a walk. */
  readonly cursor: string | null;
  /** GitLab's clock when the walk of `cursor` began. */
  readonly walkStartedAt: Date | null;
  /** The newest commit up to which the branch is stored. */
  readonly frontier: string | null;
  /** Everything from this moment on is stored. Null until the first backfill has ended. */
  readonly depth: Date | null;
  /** Null before it began. */
  readonly backfill: Backfill | null;
  readonly outcome: Outcome;
  /** Why the outcome is not `ok`, in one line. */
  readonly error: string | null;
  readonly lastAttemptAt: Date;
  readonly lastSuccessAt: Date | null;
}

/** Branches that a walk no longer reads, and how far it had read them. */
export interface LeftOut {
  /** Empty = all. */
  readonly branches: readonly string[];
  /** The watermark when they were left out (ISO 8601). */
  readonly watermark: string;
  /** The depth when they were left out (ISO 8601); null when the first backfill had not ended. */
  readonly depth: string | null;
}

/** Reading backwards, from the newest to a goal. */
export interface Backfill {
  /** The goal: this moment (ISO 8601), or null for a number of rows, or for everything. */
  readonly since: string | null;
  /** The goal: so many rows more; null = no limit. */
  readonly left: number | null;
  /** Where the backfill goes on; null = at the beginning of the list. */
  readonly cursor: string | null;
  /** What changed later than this moment is stored already; absent = nothing is. */
  readonly before?: string;
  /** The goal is reached, or the end of the list. */
  readonly isDone: boolean;
  /** The end of the list is reached. */
  readonly isComplete: boolean;
}

/** What a page changes in the state of its walk; absent fields stay. */
export type Progress = Partial<Omit<WalkState, 'outcome' | 'error' | 'lastAttemptAt' | 'lastSuccessAt'>>;

/** A look at a container tag. */
export interface TagLook {
  readonly repositoryId: number;
  readonly name: string;
  /** Null when it could not be described, or was not looked at. */
  readonly digest: string | null;
  /** Null: known by name only. */
  readonly lookedAt: Date | null;
}

/** How many tags of a container repository are known. */
export interface TagCount {
  readonly projectId: number;
  /** All of them. */
  readonly known: number;
  /** Those that were looked at. */
  readonly looked: number;
}

/** What looking at a container repository's tags changes. */
export interface TagChanges {
  readonly looked: readonly TagLook[];
  /** Names that the repository no longer has. */
  readonly removed: readonly string[];
  readonly repositoryId: number;
}
