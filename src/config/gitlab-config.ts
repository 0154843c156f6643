// Written by `npm run docs` from src/config.ts.

/**
 * Settings of the connector, as a host keeps them: a JSON object. Keys may be written in camelCase or in snake_case.
 * What is missing, null or empty has its default; other keys are ignored.
 */
export interface GitlabConfig {
  /** Personal, group or project access token (or OAuth token) with the scope `read_api`. In the environment: `GITLAB_TOKEN`. */
  readonly token?: string | null | undefined;
  /** The GitLab to read. A path is kept: `https://host/gitlab`. Default: `https://gitlab.com`. In the environment: `GITLAB_URL`. */
  readonly url?: string | null | undefined;
  /** Projects to read, with commas between them: paths, numeric ids, or groups (all projects of a group and its subgroups). Default: the token's memberships. In the environment: `REPOS`. */
  readonly repos?: string | ReadonlyArray<string | number> | null | undefined;
  /** Keep merge requests into and pipelines of these branches only, and read their commits. Without it no commits are read. Default: every branch, no commits. In the environment: `BRANCHES`. */
  readonly branches?: string | ReadonlyArray<string | number> | null | undefined;
  /** How many projects of the memberships to read when REPOS is not set, most recently active first; 0 = all. Default: `10`. In the environment: `PROJECT_LIMIT`. */
  readonly projectLimit?: number | string | null | undefined;
  /** How many of each stream (commits: of each branch) to read when a project is seen for the first time, newest first; `all` = everything. Default: `50`. In the environment: `SYNC_LIMIT`. */
  readonly syncLimit?: number | string | null | undefined;
  /** Read everything from this moment on when a project is seen for the first time, in place of SYNC_LIMIT: `2026-01-31`, `2026-01-31T08:00:00Z`, or `90d` (also `12h`, `30m`) back. Default: as many as SYNC_LIMIT. In the environment: `SYNC_SINCE`. */
  readonly syncSince?: string | null | undefined;
  /** Seconds after which what may change without a trace is read again: open merge requests, recent pipelines, releases and all tags; 0 = in every pass. Default: `21600`. In the environment: `RECONCILE_INTERVAL`. */
  readonly reconcileInterval?: number | string | null | undefined;
  /** How many known tags of each container repository a pass looks at again, the least recently seen first. Default: `5`. In the environment: `TAG_CHECKS`. */
  readonly tagChecks?: number | string | null | undefined;
  /** How many tags of a container repository to read when it is seen for the first time, the highest versions first; 0 = all. Later every new name is read. Default: `100`. In the environment: `TAG_LIMIT`. */
  readonly tagLimit?: number | string | null | undefined;
  /** Seconds between the starts of two passes of the poller. Default: `300`. In the environment: `POLL_INTERVAL`. */
  readonly pollInterval?: number | string | null | undefined;
  /** How many requests may be under way at once. Default: `4`. In the environment: `CONCURRENCY`. */
  readonly concurrency?: number | string | null | undefined;
  /** Seconds that one request may take, its answer included. Default: `60`. In the environment: `REQUEST_TIMEOUT`. */
  readonly requestTimeout?: number | string | null | undefined;
  /** Row of `connections` to store events under. Default: the connection with this URL, made when missing. In the environment: `CONNECTION_ID`. */
  readonly connectionId?: number | string | null | undefined;
  /** PostgreSQL 15 or later to store events in: `postgres://user:password@host:5432/name`. Default: the embedded database. In the environment: `DATABASE_URL`. */
  readonly databaseUrl?: string | null | undefined;
  /** File that holds the password of the PostgreSQL, in place of one in DATABASE_URL. Read once, at the start. Default: the password in DATABASE_URL. In the environment: `DATABASE_PASSWORD_FILE`. */
  readonly databasePasswordFile?: string | null | undefined;
  /** Folder of the embedded database; used when DATABASE_URL is not set. Default: `./data`. In the environment: `DATA_DIR`. */
  readonly dataDir?: string | null | undefined;
  /** The same in snake_case, and whatever else the host keeps beside them. */
  readonly [key: string]: unknown;
}
