/** JSON as it is stored in `description` and `metadata`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** One change in its current state, as PainChain's table stores it. Mappers create it and the store saves it. */
export interface ChangeEvent {
  /** Stable within a connection, such as `mr-{path}-{iid}`. */
  readonly eventId: string;
  /** Ids under which an older connector may have stored the same change. The store then updates that row. */
  readonly formerEventIds?: readonly string[];
  /** Starts with a prefix such as `[MR] `, by which the dashboard distinguishes types. */
  readonly title: string;
  readonly description: JsonObject;
  readonly author: string;
  /** When the change happened, by GitLab's clock. Null when GitLab does not say: the store then keeps the time at which the event was first seen. */
  readonly timestamp: Date | null;
  /** When its present status began, by GitLab's clock. Absent or null where GitLab does not say: then at `timestamp`. */
  readonly statusSince?: Date | null;
  readonly url: string;
  /** Lower case. */
  readonly status: string;
  readonly metadata: JsonObject;
  /** Keys such as `sha:…` or `tag:…`. Events of a project that share a key are related. */
  readonly linkKeys?: readonly string[];
  /**
   * The keys of `metadata` that tell the event from another one with the same id. Absent where the id cannot be that of another: names
   * with hyphens make `release-{path}-{tag}` the same for the tag `c-d` of `a/b` and the tag `d` of `a/b-c`.
   */
  readonly identifiedBy?: readonly string[];
  /** What GitLab could not answer: a stored value of these keys, and of the author, stays. */
  readonly unknown?: {
    readonly metadata: readonly string[];
    readonly description: readonly string[];
    readonly isAuthor: boolean;
    /** GitLab fails on lists with this row in it. */
    readonly breaksLists?: true;
  };
  /** Keys of `metadata` whose stored value stays: the branch on which a commit was found first, and what the store makes of several events. */
  readonly keep?: readonly string[];
}
