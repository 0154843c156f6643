/** JSON as it is stored in `description` and `metadata`. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** One change in its present state, as PainChain's table holds it. Made by the mappers, stored by the store. */
export interface ChangeEvent {
  /** Stable within a connection, such as `mr-{path}-{iid}`. */
  readonly eventId: string;
  /** Ids under which an older connector may have stored the same thing; that row is continued. */
  readonly formerEventIds?: readonly string[];
  /** Starts with the prefix that the dashboard tells types apart by, such as `[MR] `. */
  readonly title: string;
  readonly description: JsonObject;
  readonly author: string;
  /** When it happened by GitLab's clock; null where GitLab does not say: then the time of the first sight, kept. */
  readonly timestamp: Date | null;
  readonly url: string;
  /** Lower case. */
  readonly status: string;
  readonly metadata: JsonObject;
  /** What it has in common with related events of the project, such as `sha:…` or `tag:…`. */
  readonly linkKeys?: readonly string[];
  /** Keys of `metadata` whose first stored value stays, because it depends on which way the thing was found. */
  readonly keep?: readonly string[];
}
