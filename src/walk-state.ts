/** How the last reading of a walk ended. A list that the token may not read is `forbidden`, never an empty list. `off`: STREAMS leaves its stream out since then. */
export type Outcome = 'ok' | 'partial' | 'disabled' | 'forbidden' | 'gone' | 'failed' | 'off';

/** The value of `depth` when everything that GitLab has is stored. */
export const beginningOfTime = new Date(0);

/** How far a walk has read: forwards to its watermark, backwards to its depth. Stored in the transaction of the page that it describes. */
export interface WalkState {
  /** The branches that the walk reads, sorted; empty = all. */
  readonly selection: readonly string[];
  /** Branches that the walk no longer reads, and how far it had read them. */
  readonly leftOut: readonly LeftOut[];
  /** Every change that GitLab dates before this moment is stored, down to the depth. A time of GitLab's clock. */
  readonly watermark: Date | null;
  /** Where a stopped walk continues, for streams whose watermark moves only at the end of a walk. Deployments: what was seen when they were read last. */
  readonly cursor: string | null;
  /** The time of GitLab's clock when the walk of `cursor` began. */
  readonly walkStartedAt: Date | null;
  /** The newest commit up to which the branch is stored; of a container repository, its newest tags when all of them were stored. */
  readonly frontier: string | null;
  /** Child pipelines that changed since this moment are to be read. Null: none. */
  readonly childrenSince: Date | null;
  /** Everything from this moment on is stored. Null until the first backfill has ended. */
  readonly depth: Date | null;
  /** Null before the first backfill. */
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
  /** The goal: at most this many more rows; null = no limit. */
  readonly left: number | null;
  /** Where the backfill continues; null = at the beginning of the list. */
  readonly cursor: string | null;
  /** Rows that changed after this moment are stored already; absent = no row is. */
  readonly before?: string;
  /** The goal is reached, or the end of the list. */
  readonly isDone: boolean;
  /** The end of the list is reached. */
  readonly isComplete: boolean;
}

/** What a page changes in the state of its walk; absent fields stay. */
export type Progress = Partial<Omit<WalkState, 'outcome' | 'error' | 'lastAttemptAt' | 'lastSuccessAt'>>;

/** A container tag as it was last read. */
export interface TagLook {
  readonly repositoryId: number;
  readonly name: string;
  /** The image that it pointed to when GitLab described it last; null = GitLab never did. */
  readonly digest: string | null;
  /** When the details of the tag were last read; null = only the name is known. */
  readonly lookedAt: Date | null;
  /** No event of the tag is stored, because of TAG_LIMIT, until it moves. */
  readonly isLeftOut: boolean;
  /** GitLab could not describe the tag at the last look. */
  readonly isBroken: boolean;
  /** Since when it points to the image: when it was pushed where GitLab says so, else when that was seen. Null: since before the first look. */
  readonly pushedAt: Date | null;
  /** The image that it pointed to before. Null: none, or none that was seen. */
  readonly previousDigest: string | null;
}

/** How many tags of a container repository are known. */
export interface TagCount {
  readonly projectId: number;
  /** All known tags. */
  readonly known: number;
  /** Known tags of which an event is stored. */
  readonly stored: number;
}

/** What reading the tags of a container repository changes. */
export interface TagChanges {
  readonly looked: readonly TagLook[];
  /** Ids of all container repositories of the project: what is known of the tags of others is over. Absent: not known. */
  readonly repositoryIds?: readonly number[];
  /** Names of those in `looked` that point to another image than at the last look, or were pushed again. */
  readonly moved: readonly string[];
  /** Names that the repository no longer has. */
  readonly removed: readonly string[];
  readonly repositoryId: number;
}

/** How the commits of a page came to their branch. */
export interface Arrivals {
  readonly branch: string;
  /** The commits that the branch has pointed to, as far as the page shows: the tip, its first parent, the first parent of that. */
  readonly mainline: readonly string[];
  /** The position in `mainline` of the commit with which each commit came: itself, or the merge commit that brought it. */
  readonly cameWith: ReadonlyMap<string, number>;
}

/** What a page says of the environments of a project. */
export interface EnvironmentLooks {
  /** The number of the deployment that runs in each environment, as GitLab says it. Null: none, or the environment is stopped. */
  readonly current: ReadonlyArray<{ readonly environmentId: number; readonly iid: number | null }>;
  /** Ids of all environments of the project: nothing runs in any other one. Absent: not known. */
  readonly all?: readonly number[];
}

/** The state of an event that is stored. */
export interface StoredState {
  readonly status: string;
  readonly timestamp: Date;
}

/** An event that is stored. */
export interface StoredRow {
  readonly eventId: string;
  /** What names the row in its project, as its stream says. */
  readonly key: string;
  /** What tells it from every other row. */
  readonly identity: string;
  /** GitLab's time of creation; null where the event has none. */
  readonly createdAt: Date | null;
}

/** What names a row of a stream of a project. */
export interface GapKey {
  /** The container repository; else empty. */
  readonly scope: string;
  /** What names the row in its list: its number in the project, the name of a tag, a sha. Empty = the list as a whole. */
  readonly key: string;
}

/** A row that GitLab or the database did not give or take, or not completely. */
export interface Gap extends GapKey {
  /** When GitLab had changed the row last. Null where GitLab does not say. */
  readonly changedAt: Date | null;
  /** Whether nothing of the row could be stored; else some of its fields are unknown. */
  readonly isMissing: boolean;
  /** Whether GitLab fails on every list with this row in it. */
  readonly breaksLists: boolean;
  /** When the row failed first, by GitLab's clock. */
  readonly since: Date;
  readonly lastTriedAt: Date;
  readonly tries: number;
  /** One line. */
  readonly reason: string;
  /** The code of the error behind the reason. */
  readonly errorCode: string | null;
}

/** What a page changes in the gaps of its stream. */
export interface GapChanges {
  readonly open: readonly Gap[];
  readonly closed: readonly GapKey[];
}
