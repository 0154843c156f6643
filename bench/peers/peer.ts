/** Options of a reader. */
export interface Reading {
  readonly url: string;
  readonly token: string;
  /** Largest number of simultaneous requests. */
  readonly concurrency: number;
  /** Newest projects of the token's memberships; 0 = all. */
  readonly projects: number;
  /** Newest rows of each list of a project. */
  readonly rows: { readonly mergeRequests: number; readonly pipelines: number; readonly releases: number; readonly commits: number };
  /** Tags of each container repository. */
  readonly tags: number;
  /** What was read before, by event id, with the time of its last change: it is not asked for again. Empty = nothing. */
  readonly known: ReadonlyMap<string, string>;
  /** Changes from this moment on are read through GraphQL; null = all rows. */
  readonly since: string | null;
}

/** Called with the event id of every row that was read as a whole, and the time of its last change where it has one. */
export type OnRow = (eventId: string, updatedAt: string) => void;

/** A way to read a GitLab. Rows are handed over and forgotten. */
export type Peer = (reading: Reading, onRow: OnRow) => Promise<void>;
