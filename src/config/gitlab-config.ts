// Written by `npm run docs` from src/config/parse-config.ts.

/**
 * Settings of the connector, as a host keeps them: a JSON object. Keys may be written in camelCase or in snake_case.
 * What is missing, null or empty has its default; other keys are ignored.
 */
export interface GitlabConfig {
  /** Personal, group or project access token (or OAuth token) with the scope `read_api`. In the environment: `GITLAB_TOKEN`. */
  readonly token?: string | null | undefined;
  /** File that holds the token, in place of GITLAB_TOKEN. It is read again when GitLab refuses the token, so that it may be replaced at any time. Default: none. In the environment: `GITLAB_TOKEN_FILE`. */
  readonly tokenFile?: string | null | undefined;
  /** The GitLab to read. A path is kept: `https://host/gitlab`. Default: `https://gitlab.com`. In the environment: `GITLAB_URL`. */
  readonly url?: string | null | undefined;
  /** Send the token to an `http://` URL, where anyone on the way can read it. Needed for hosts other than this machine. Default: `false`. In the environment: `ALLOW_HTTP`. */
  readonly allowHttp?: boolean | string | null | undefined;
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
  /** How many connections, and how many parts of large ones, one poller reads at once. Default: `4`. In the environment: `WORKERS`. */
  readonly workers?: number | string | null | undefined;
  /** Seconds that the poller may take to save and stop after SIGTERM or SIGINT. Kubernetes allows 30 unless told otherwise. Default: `25`. In the environment: `GRACE_PERIOD`. */
  readonly gracePeriod?: number | string | null | undefined;
  /** Port on which the poller answers `/healthz`, `/readyz`, `/metrics` and `/status`; 0 = any that is free (the log names it), `off` = none. Default: `8080`. In the environment: `HEALTH_PORT`. */
  readonly healthPort?: number | string | null | undefined;
  /** Address on which it does so. `0.0.0.0` = all: the names of projects can be read there, so let nobody in who may not know them. Default: `127.0.0.1`. In the environment: `HEALTH_HOST`. */
  readonly healthHost?: string | null | undefined;
  /** What the poller logs: `debug`, `info`, `warn`, `error` or `silent`. JSON, or lines for people on a terminal. Default: `info`. In the environment: `LOG_LEVEL`. */
  readonly logLevel?: string | null | undefined;
  /** How many requests to a GitLab may be under way at once. Default: `4`. In the environment: `CONCURRENCY`. */
  readonly concurrency?: number | string | null | undefined;
  /** How many requests to a GitLab may be sent in any 60 seconds, by all of this process; 0 = as many as it allows. Default: `1000`. In the environment: `MAX_REQUESTS_PER_MINUTE`. */
  readonly maxRequestsPerMinute?: number | string | null | undefined;
  /** How often a request is sent at the most, when it fails for a reason that may pass. Default: `4`. In the environment: `MAX_ATTEMPTS`. */
  readonly maxAttempts?: number | string | null | undefined;
  /** Seconds that a connection may take, TLS included. Default: `10`. In the environment: `CONNECT_TIMEOUT`. */
  readonly connectTimeout?: number | string | null | undefined;
  /** Seconds until the answer to a request must begin. GitLab itself gives up on a query after 30. Default: `45`. In the environment: `RESPONSE_TIMEOUT`. */
  readonly responseTimeout?: number | string | null | undefined;
  /** Seconds that one request may take, its answer included. Default: `60`. In the environment: `REQUEST_TIMEOUT`. */
  readonly requestTimeout?: number | string | null | undefined;
  /** Proxy for an `https://` GitLab: `http://user:password@host:port`. `https_proxy` is known as well. Default: none. In the environment: `HTTPS_PROXY`. */
  readonly httpsProxy?: string | null | undefined;
  /** Proxy for an `http://` GitLab. `http_proxy` is known as well. Default: none. In the environment: `HTTP_PROXY`. */
  readonly httpProxy?: string | null | undefined;
  /** Hosts to reach without a proxy: names, which stand for all names below them too, and addresses, with a port or without; `*` = all. `no_proxy` is known as well. Default: none. In the environment: `NO_PROXY`. */
  readonly noProxy?: string | ReadonlyArray<string | number> | null | undefined;
  /** File of CA certificates in PEM to trust beside those of Node, for a GitLab with a certificate of your own CA. Default: only Node's own. In the environment: `CA_FILE`. */
  readonly caFile?: string | null | undefined;
  /** Trust any certificate: whoever is on the way can read the token. For tests only; CA_FILE is the way out. Default: `false`. In the environment: `INSECURE_TLS`. */
  readonly insecureTls?: boolean | string | null | undefined;
  /** Row of `connections` to store events under. Default: the connection with this URL, made when missing. In the environment: `CONNECTION_ID`. */
  readonly connectionId?: number | string | null | undefined;
  /** PostgreSQL 13 or later to store events in: `postgres://user:password@host:5432/name`. Default: the embedded database. In the environment: `DATABASE_URL`. */
  readonly databaseUrl?: string | null | undefined;
  /** File that holds the password of the PostgreSQL, in place of one in DATABASE_URL. Read once, at the start. Default: the password in DATABASE_URL. In the environment: `DATABASE_PASSWORD_FILE`. */
  readonly databasePasswordFile?: string | null | undefined;
  /** Folder of the embedded database; used when DATABASE_URL is not set. Default: `./data`. In the environment: `DATA_DIR`. */
  readonly dataDir?: string | null | undefined;
  /** The same in snake_case, and whatever else the host keeps beside them. */
  readonly [key: string]: unknown;
}
