/** How reading a stream of a project ended. Forbidden is never empty. */
export type Outcome = 'ok' | 'partial' | 'disabled' | 'forbidden' | 'gone' | 'failed';

/** Stands in `depth` for everything that GitLab has. */
export const beginningOfTime = new Date(0);

/** How far a walk has come: forwards from its watermark, backwards to its depth. Stored with the page it describes. */
export interface WalkState {
  /** The branches that it was read for, with commas between them; empty = all. */
  readonly selection: string;
  /** Everything that GitLab changed before this moment is stored, down to the depth. GitLab's clock. */
  readonly watermark: Date | null;
  /** Where a walk goes on that moves its watermark only at its end. */
  readonly cursor: string | null;
  /** GitLab's clock when that walk began. */
  readonly walkStartedAt: Date | null;
  /** The commit up to which history is stored. */
  readonly frontier: string | null;
  /** Everything from this moment on is stored. Null while the first reading goes on. */
  readonly depth: Date | null;
  /** Reading backwards; null before it began. */
  readonly backfill: Backfill | null;
  readonly outcome: Outcome;
  /** Why the outcome is not `ok`, in one line. */
  readonly error: string | null;
  readonly lastAttemptAt: Date;
  readonly lastSuccessAt: Date | null;
}

/** Reading backwards, from the newest to a goal. */
export interface Backfill {
  /** The goal: this moment (ISO 8601), or null for a number of rows, or for everything. */
  readonly since: string | null;
  /** The goal: so many rows more; null = no limit. */
  readonly left: number | null;
  /** Where it goes on; null = at the beginning. */
  readonly cursor: string | null;
  /** What changed later than this moment is known already; absent = nothing is. */
  readonly before?: string;
  /** The goal is reached, or there is nothing older. */
  readonly isDone: boolean;
  /** The end of what GitLab has is reached. */
  readonly isComplete: boolean;
}

/** The part of a walk's state that a page changes; absent fields stay. */
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
  /** Names that the repository has no more. */
  readonly removed: readonly string[];
  readonly repositoryId: number;
}
