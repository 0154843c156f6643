// Written by `npm run docs` from src/config/parse-config.ts.

/**
 * Settings of the connector. Keys may be written in camelCase or in snake_case. What is missing, null or empty has its
 * default. Any other key of an object literal does not compile. A `StoredConfig` is accepted as it is.
 *
 * @example
 * const config: GitlabConfig = { token: process.env.GITLAB_TOKEN, repos: 'my-group', syncLimit: 100 };
 */
export interface GitlabConfig {
  /**
   * Personal, group or project access token (or OAuth token) with the scope `read_api`. In the environment: `GITLAB_TOKEN`.
   */
  readonly token?: string | null | undefined;
  /**
   * File that holds the token, in place of GITLAB_TOKEN. The file is read again when GitLab refuses the token, so you can replace it at any time. In the environment: `GITLAB_TOKEN_FILE`.
   * @default none
   */
  readonly tokenFile?: string | null | undefined;
  /**
   * The GitLab to read. A path is kept: `https://host/gitlab`. In the environment: `GITLAB_URL`.
   * @default `https://gitlab.com`
   */
  readonly url?: string | null | undefined;
  /**
   * Send the token to an `http://` URL, where anyone on the network path can read it. Required for hosts other than this machine. In the environment: `ALLOW_HTTP`.
   * @default `false`
   */
  readonly allowHttp?: boolean | string | null | undefined;
  /**
   * Projects to read, with commas between them: paths, numeric ids, or groups (all projects of a group and its subgroups). In the environment: `REPOS`.
   * @default the token's memberships
   */
  readonly repos?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * Store only merge requests into these branches and pipelines of these branches, and read their commits. When not set, no commits are read. In the environment: `BRANCHES`.
   * @default every branch, no commits
   */
  readonly branches?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * Streams to read, such as `merge-requests,deployments`; `all` = all. When not set: all, but no deployments in tables of PainChain. In the environment: `STREAMS`.
   * @default all
   */
  readonly streams?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * How many projects of the memberships to read when REPOS is not set, most recently active first; 0 = all. In the environment: `PROJECT_LIMIT`.
   * @default `10`
   */
  readonly projectLimit?: number | string | null | undefined;
  /**
   * How many of each stream (commits: of each branch) to read when a project is seen for the first time, newest first; `all` = everything. In the environment: `SYNC_LIMIT`.
   * @default `50`
   */
  readonly syncLimit?: number | string | null | undefined;
  /**
   * Read everything from this moment on when a project is seen for the first time, in place of SYNC_LIMIT: `2026-01-31`, `2026-01-31T08:00:00Z`, or `90d` (also `12h`, `30m`) back. In the environment: `SYNC_SINCE`.
   * @default as many as SYNC_LIMIT
   */
  readonly syncSince?: string | null | undefined;
  /**
   * Seconds between two reconciles, which read again the rows that may change without a new update time: open merge requests, recent pipelines, releases and all tags; 0 = in every pass. In the environment: `RECONCILE_INTERVAL`.
   * @default `21600`
   */
  readonly reconcileInterval?: number | string | null | undefined;
  /**
   * How many known tags of each container repository a pass reads again where GitLab does not say which were pushed (without the metadata database of the registry, or before 17.5): names that move first, such as `latest` or `prod`, then the least recently read. In the environment: `TAG_CHECKS`.
   * @default `5`
   */
  readonly tagChecks?: number | string | null | undefined;
  /**
   * How many tags of a container repository to read when it is seen for the first time: names that move first, such as `latest` or `prod`, then the last pushed where GitLab knows them, then the highest versions; 0 = all. Later, every new tag is read, and every other one that moves. In the environment: `TAG_LIMIT`.
   * @default `100`
   */
  readonly tagLimit?: number | string | null | undefined;
  /**
   * Read signatures, attestations and SBOMs of images (tags such as `sha256-….sig`) as images. Without it they are counted, and not stored. In the environment: `IMAGE_ARTIFACTS`.
   * @default `false`
   */
  readonly imageArtifacts?: boolean | string | null | undefined;
  /**
   * Seconds between the starts of two passes of the poller. In the environment: `POLL_INTERVAL`.
   * @default `300`
   */
  readonly pollInterval?: number | string | null | undefined;
  /**
   * How many connections, and how many parts of large ones, one poller reads at once. In the environment: `WORKERS`.
   * @default `4`
   */
  readonly workers?: number | string | null | undefined;
  /**
   * With `poll --all`: rows of `connections` that have no token are read with this token (GITLAB_TOKEN or GITLAB_TOKEN_FILE) if their URL is GITLAB_URL. People who can write such a row can then read what this token can read. In the environment: `SHARE_TOKEN`.
   * @default `false`
   */
  readonly shareToken?: boolean | string | null | undefined;
  /**
   * With `poll --all`: the hosts that the rows of `connections` may name, with commas between them: names, `.example.com` for all names below it, addresses, and ranges such as `10.0.0.0/8`. Names are not looked up. People who can write a row decide where this process sends requests. In the environment: `ALLOWED_HOSTS`.
   * @default all hosts
   */
  readonly allowedHosts?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * Seconds that the poller may take to save and stop after SIGTERM or SIGINT. Kubernetes allows 30 by default. In the environment: `GRACE_PERIOD`.
   * @default `25`
   */
  readonly gracePeriod?: number | string | null | undefined;
  /**
   * Port on which the poller answers `/healthz`, `/readyz`, `/metrics` and `/status`; 0 = any free port (the log names it), `off` = none. In the environment: `HEALTH_PORT`.
   * @default `8080`
   */
  readonly healthPort?: number | string | null | undefined;
  /**
   * Address on which the poller answers. `::` = all addresses, `0.0.0.0` = those of IPv4. The answers contain project names: do not expose the port to people who may not see them. In the environment: `HEALTH_HOST`.
   * @default `127.0.0.1`
   */
  readonly healthHost?: string | null | undefined;
  /**
   * Host names under which `/metrics` and `/status` answer, with commas between them, such as the name of a Service that Prometheus scrapes; `.example.com` = all names below it, `*` = all names. IP addresses, `localhost` and the name of this machine need no entry. In the environment: `HEALTH_ALLOWED_HOSTS`.
   * @default none
   */
  readonly healthAllowedHosts?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * Serve the page of changes at `/`. Where HEALTH_HOST lets other machines reach it, the poller starts only with PAGE_PASSWORD, or with `off` here. In the environment: `PAGE`.
   * @default `true`
   */
  readonly page?: boolean | string | null | undefined;
  /**
   * Password of the page, with any user name (HTTP Basic). In the environment: `PAGE_PASSWORD`.
   */
  readonly pagePassword?: string | null | undefined;
  /**
   * File that holds the password of the page, in place of PAGE_PASSWORD. Read once, at the start. In the environment: `PAGE_PASSWORD_FILE`.
   * @default none
   */
  readonly pagePasswordFile?: string | null | undefined;
  /**
   * The secret token of the webhooks that GitLab sends to `/hooks/gitlab` of the poller. What a hook names is read within seconds, and polling goes on. Without it the path does not exist. In the environment: `WEBHOOK_SECRET`.
   */
  readonly webhookSecret?: string | null | undefined;
  /**
   * File that holds the secret token of the webhooks, in place of WEBHOOK_SECRET. Read once, at the start. In the environment: `WEBHOOK_SECRET_FILE`.
   * @default none
   */
  readonly webhookSecretFile?: string | null | undefined;
  /**
   * How long the poller keeps history, such as `400d`: once a day it deletes versions that were read before and that a later version of the same event follows, as `prune` does. Each event keeps its last version. In the environment: `RETENTION`.
   * @default keep everything
   */
  readonly retention?: string | null | undefined;
  /**
   * Delete events too that ended before RETENTION, with all their versions. They are not read again. In the environment: `RETENTION_EVENTS`.
   * @default `false`
   */
  readonly retentionEvents?: boolean | string | null | undefined;
  /**
   * What the poller logs: `debug`, `info`, `warn`, `error` or `silent`. JSON, or lines for people on a terminal. In the environment: `LOG_LEVEL`.
   * @default `info`
   */
  readonly logLevel?: string | null | undefined;
  /**
   * How many requests to a GitLab may run at once. In the environment: `CONCURRENCY`.
   * @default `4`
   */
  readonly concurrency?: number | string | null | undefined;
  /**
   * How many requests to a GitLab may be sent in any 60 seconds, by the whole process; 0 = no limit of the connector. In the environment: `MAX_REQUESTS_PER_MINUTE`.
   * @default `1000`
   */
  readonly maxRequestsPerMinute?: number | string | null | undefined;
  /**
   * How many times a request is sent at most, when it fails for a reason that may be temporary, the first time included. In the environment: `MAX_ATTEMPTS`.
   * @default `4`
   */
  readonly maxAttempts?: number | string | null | undefined;
  /**
   * Seconds that a connection may take, TLS included. In the environment: `CONNECT_TIMEOUT`.
   * @default `10`
   */
  readonly connectTimeout?: number | string | null | undefined;
  /**
   * Seconds until the answer to a request must begin. GitLab itself ends a query after 30. In the environment: `RESPONSE_TIMEOUT`.
   * @default `45`
   */
  readonly responseTimeout?: number | string | null | undefined;
  /**
   * Seconds that one request may take, its answer included. In the environment: `REQUEST_TIMEOUT`.
   * @default `60`
   */
  readonly requestTimeout?: number | string | null | undefined;
  /**
   * Proxy for an `https://` GitLab: `http://user:password@host:port`. `https_proxy` works too. In the environment: `HTTPS_PROXY`.
   * @default none
   */
  readonly httpsProxy?: string | null | undefined;
  /**
   * Proxy for an `http://` GitLab. `http_proxy` works too. In the environment: `HTTP_PROXY`.
   * @default none
   */
  readonly httpProxy?: string | null | undefined;
  /**
   * Hosts to reach without a proxy: names (with all names below them) and addresses, each with or without a port; ranges of addresses such as `10.0.0.0/8`; `*` = all. `no_proxy` works too. In the environment: `NO_PROXY`.
   * @default none
   */
  readonly noProxy?: string | ReadonlyArray<string | number> | null | undefined;
  /**
   * File of CA certificates in PEM to trust in addition to those of Node, for a GitLab with a certificate of your own CA. In the environment: `CA_FILE`.
   * @default only Node's own
   */
  readonly caFile?: string | null | undefined;
  /**
   * Trust any certificate: anyone on the network path can read the token. For tests only; use CA_FILE instead. In the environment: `INSECURE_TLS`.
   * @default `false`
   */
  readonly insecureTls?: boolean | string | null | undefined;
  /**
   * Row of `connections` to store events under. In the environment: `CONNECTION_ID`.
   * @default the connection with this URL, created when missing
   */
  readonly connectionId?: number | string | null | undefined;
  /**
   * PostgreSQL 13 or later to store events in: `postgres://user:password@host:5432/name`, with the parameters of libpq and `schema`. In a password write `#` as `%23`, `/` as `%2F` and `%` as `%25`. `PGSSLMODE` and the other variables of libpq complete it. In the environment: `DATABASE_URL`.
   * @default the embedded database
   */
  readonly databaseUrl?: string | null | undefined;
  /**
   * Schema of the tables in the PostgreSQL, in place of `schema` in DATABASE_URL. It must exist. In the environment: `DATABASE_SCHEMA`.
   * @default the first schema of the search path
   */
  readonly databaseSchema?: string | null | undefined;
  /**
   * File that holds the password of the PostgreSQL, in place of a password in DATABASE_URL. Read again for each new session. In the environment: `DATABASE_PASSWORD_FILE`.
   * @default the password in DATABASE_URL
   */
  readonly databasePasswordFile?: string | null | undefined;
  /**
   * Command that prints the password of the PostgreSQL, in place of a password in DATABASE_URL, such as `aws rds generate-db-auth-token …`. A shell runs it for each new session; it may take 30 seconds. In the environment: `DATABASE_PASSWORD_COMMAND`.
   * @default none
   */
  readonly databasePasswordCommand?: string | null | undefined;
  /**
   * Folder of the embedded database; used when DATABASE_URL is not set. In the environment: `DATA_DIR`.
   * @default `./data`
   */
  readonly dataDir?: string | null | undefined;
  /** The same as `tokenFile`. */
  readonly token_file?: GitlabConfig['tokenFile'];
  /** The same as `allowHttp`. */
  readonly allow_http?: GitlabConfig['allowHttp'];
  /** The same as `projectLimit`. */
  readonly project_limit?: GitlabConfig['projectLimit'];
  /** The same as `syncLimit`. */
  readonly sync_limit?: GitlabConfig['syncLimit'];
  /** The same as `syncSince`. */
  readonly sync_since?: GitlabConfig['syncSince'];
  /** The same as `reconcileInterval`. */
  readonly reconcile_interval?: GitlabConfig['reconcileInterval'];
  /** The same as `tagChecks`. */
  readonly tag_checks?: GitlabConfig['tagChecks'];
  /** The same as `tagLimit`. */
  readonly tag_limit?: GitlabConfig['tagLimit'];
  /** The same as `imageArtifacts`. */
  readonly image_artifacts?: GitlabConfig['imageArtifacts'];
  /** The same as `pollInterval`. */
  readonly poll_interval?: GitlabConfig['pollInterval'];
  /** The same as `shareToken`. */
  readonly share_token?: GitlabConfig['shareToken'];
  /** The same as `allowedHosts`. */
  readonly allowed_hosts?: GitlabConfig['allowedHosts'];
  /** The same as `gracePeriod`. */
  readonly grace_period?: GitlabConfig['gracePeriod'];
  /** The same as `healthPort`. */
  readonly health_port?: GitlabConfig['healthPort'];
  /** The same as `healthHost`. */
  readonly health_host?: GitlabConfig['healthHost'];
  /** The same as `healthAllowedHosts`. */
  readonly health_allowed_hosts?: GitlabConfig['healthAllowedHosts'];
  /** The same as `pagePassword`. */
  readonly page_password?: GitlabConfig['pagePassword'];
  /** The same as `pagePasswordFile`. */
  readonly page_password_file?: GitlabConfig['pagePasswordFile'];
  /** The same as `webhookSecret`. */
  readonly webhook_secret?: GitlabConfig['webhookSecret'];
  /** The same as `webhookSecretFile`. */
  readonly webhook_secret_file?: GitlabConfig['webhookSecretFile'];
  /** The same as `retentionEvents`. */
  readonly retention_events?: GitlabConfig['retentionEvents'];
  /** The same as `logLevel`. */
  readonly log_level?: GitlabConfig['logLevel'];
  /** The same as `maxRequestsPerMinute`. */
  readonly max_requests_per_minute?: GitlabConfig['maxRequestsPerMinute'];
  /** The same as `maxAttempts`. */
  readonly max_attempts?: GitlabConfig['maxAttempts'];
  /** The same as `connectTimeout`. */
  readonly connect_timeout?: GitlabConfig['connectTimeout'];
  /** The same as `responseTimeout`. */
  readonly response_timeout?: GitlabConfig['responseTimeout'];
  /** The same as `requestTimeout`. */
  readonly request_timeout?: GitlabConfig['requestTimeout'];
  /** The same as `httpsProxy`. */
  readonly https_proxy?: GitlabConfig['httpsProxy'];
  /** The same as `httpProxy`. */
  readonly http_proxy?: GitlabConfig['httpProxy'];
  /** The same as `noProxy`. */
  readonly no_proxy?: GitlabConfig['noProxy'];
  /** The same as `caFile`. */
  readonly ca_file?: GitlabConfig['caFile'];
  /** The same as `insecureTls`. */
  readonly insecure_tls?: GitlabConfig['insecureTls'];
  /** The same as `connectionId`. */
  readonly connection_id?: GitlabConfig['connectionId'];
  /** The same as `databaseUrl`. */
  readonly database_url?: GitlabConfig['databaseUrl'];
  /** The same as `databaseSchema`. */
  readonly database_schema?: GitlabConfig['databaseSchema'];
  /** The same as `databasePasswordFile`. */
  readonly database_password_file?: GitlabConfig['databasePasswordFile'];
  /** The same as `databasePasswordCommand`. */
  readonly database_password_command?: GitlabConfig['databasePasswordCommand'];
  /** The same as `dataDir`. */
  readonly data_dir?: GitlabConfig['dataDir'];
}

/**
 * Settings as a database stores them, such as the JSON in `connections.config`: the compiler knows neither its keys nor
 * its values, and accepts it wherever it accepts a `GitlabConfig`. Its values are checked when they are used. A key that is
 * not a setting is a warning in the log and in `check`, which names the nearest setting.
 *
 * @example
 * const { id, config } = await em.findOneOrFail(ConnectionEntity, 1);
 * await syncGitlab(em, config ?? {}, id);
 */
export type StoredConfig = Readonly<Record<string, unknown>>;
