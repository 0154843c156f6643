import { printable } from './printable.ts';

/**
 * The code of each error class. Codes do not change between releases: decide by them in alerts and in other languages.
 * docs/errors.md says what each means and what to do.
 */
export type ErrorCode =
  | 'unexpected_error'
  | 'configuration_invalid'
  | 'database_failed'
  | 'data_dir_in_use'
  | 'row_refused'
  | 'lock_lost'
  | 'gitlab_request_failed'
  | 'gitlab_unreachable'
  | 'gitlab_unauthorized'
  | 'gitlab_forbidden'
  | 'gitlab_not_found'
  | 'gitlab_rate_limited'
  | 'gitlab_server_error'
  | 'gitlab_invalid_response'
  | 'gitlab_response_too_large'
  | 'gitlab_graphql_error'
  | 'gitlab_too_old';

/**
 * Everything that this package throws on purpose. `message` is one line for a person: what failed, with what, what to
 * change. It never holds a token or a whole response body. Decide by class, `code` and fields, never by text.
 */
export class GitlabSyncError extends Error {
  override readonly name: string = 'GitlabSyncError';
  /** Stable and different for each class, such as `gitlab_unauthorized`. */
  readonly code: ErrorCode = 'unexpected_error';
  /** Replaces control characters in the message by spaces, because parts of a message come from GitLab. */
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** Settings that cannot be used. `issues` holds one line for each setting. */
export class ConfigurationError extends GitlabSyncError {
  override readonly name = 'ConfigurationError';
  override readonly code = 'configuration_invalid';
  readonly issues: readonly string[];
  constructor(issues: readonly string[]) {
    super(issues.join('; '));
    this.issues = issues.map(printable);
  }
}

/** What is known of every failed request. */
export interface RequestFailure {
  /** Name of the GraphQL operation, or the REST path. */
  readonly operation: string;
  /** HTTP status; absent when no answer arrived. */
  readonly status?: number;
  /** GitLab's X-Request-Id, for its administrators' logs. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

/** A request to GitLab that failed. */
export class GitlabRequestError extends GitlabSyncError {
  override readonly name: string = 'GitlabRequestError';
  override readonly code: ErrorCode = 'gitlab_request_failed';
  readonly operation: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  constructor(message: string, failure: RequestFailure) {
    super(message, { cause: failure.cause });
    this.operation = failure.operation;
    this.status = failure.status;
    this.requestId = failure.requestId;
  }
}

/** No answer from GitLab: name not found, connection refused or cut, certificate not trusted, timeout. */
export class UnreachableError extends GitlabRequestError {
  override readonly name = 'UnreachableError';
  override readonly code = 'gitlab_unreachable';
  /** The code of the operating system or of the HTTP client, such as ECONNREFUSED, or TIMEOUT. Undefined when unknown. */
  readonly systemCode: string | undefined;
  constructor(message: string, failure: RequestFailure & { readonly systemCode?: string }) {
    super(message, failure);
    this.systemCode = failure.systemCode;
  }
}

/** 401: the token is missing, wrong, expired or revoked, or lacks the scope read_api. */
export class UnauthorizedError extends GitlabRequestError {
  override readonly name = 'UnauthorizedError';
  override readonly code = 'gitlab_unauthorized';
}

/** 403: the token is valid, but may not read this. */
export class ForbiddenError extends GitlabRequestError {
  override readonly name = 'ForbiddenError';
  override readonly code = 'gitlab_forbidden';
}

/** 404, or a project that GitLab left out of its answer: it does not exist, or this token may not see it. */
export class NotFoundError extends GitlabRequestError {
  override readonly name = 'NotFoundError';
  override readonly code = 'gitlab_not_found';
}

/** 429, after the attempts that the settings allow; or any status with which GitLab asks for a pause of more than 5 minutes. */
export class RateLimitedError extends GitlabRequestError {
  override readonly name = 'RateLimitedError';
  override readonly code = 'gitlab_rate_limited';
  /** How long GitLab asked to wait, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, failure: RequestFailure & { readonly retryAfterMs?: number }) {
    super(message, failure);
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** 5xx, after the attempts that the settings allow. */
export class ServerError extends GitlabRequestError {
  override readonly name = 'ServerError';
  override readonly code = 'gitlab_server_error';
  /** How long GitLab asked to wait, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, failure: RequestFailure & { readonly retryAfterMs?: number }) {
    super(message, failure);
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** The answer is not one of GitLab's API: HTML, truncated JSON, a redirect, or a page that repeats. */
export class InvalidResponseError extends GitlabRequestError {
  override readonly name = 'InvalidResponseError';
  override readonly code = 'gitlab_invalid_response';
  /** The answer began as JSON and was cut off. */
  readonly isTruncated: boolean;
  constructor(message: string, failure: RequestFailure & { readonly isTruncated?: boolean }) {
    super(message, failure);
    this.isTruncated = failure.isTruncated ?? false;
  }
}

/** An answer that is larger than the limit. The rest of the answer was not read. */
export class ResponseTooLargeError extends GitlabRequestError {
  override readonly name = 'ResponseTooLargeError';
  override readonly code = 'gitlab_response_too_large';
  /** The limit in bytes, after decompression. */
  readonly limitBytes: number;
  constructor(message: string, failure: RequestFailure & { readonly limitBytes: number }) {
    super(message, failure);
    this.limitBytes = failure.limitBytes;
  }
}

/** A GraphQL answer with `errors`, which GitLab sends with status 200. `errors` are GitLab's messages with their paths. */
export class GraphqlError extends GitlabRequestError {
  override readonly name = 'GraphqlError';
  override readonly code = 'gitlab_graphql_error';
  readonly errors: readonly GraphqlErrorEntry[];
  /** The query's score and GitLab's limit, when GitLab refused the query for its score. */
  readonly complexity: { readonly score: number; readonly limit: number } | undefined;
  constructor(errors: readonly GraphqlErrorEntry[], failure: RequestFailure) {
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    super(`GitLab could not answer ${failure.operation}: ${first?.message ?? 'no reason given'}${more}`, failure);
    this.errors = errors;
    const [, score, limit] = errors.map(({ message }) => complexityRefusal.exec(message)).find((match) => match !== null) ?? [];
    this.complexity = score && limit ? { score: Number(score), limit: Number(limit) } : undefined;
  }
}

const complexityRefusal = /complexity of (\d+), which exceeds max complexity of (\d+)/;

/** Whether GitLab ran out of time for a part of a query, and left that part out of its answer. */
export const isTimeout = ({ message }: GraphqlErrorEntry): boolean => message.startsWith('Timeout on ');

/** A GitLab that lacks a required field; `missing` names it, such as `Pipeline.ref` or `jobs(retried:)`. */
export class UnsupportedGitlabError extends GitlabRequestError {
  override readonly name = 'UnsupportedGitlabError';
  override readonly code = 'gitlab_too_old';
  readonly missing: readonly string[];
  constructor(missing: readonly string[], failure: RequestFailure) {
    super(
      `this GitLab is too old: it has no ${missing.join(', ')} (the connector needs 16.2 or later; if this GitLab is newer, update the connector)`,
      failure,
    );
    this.missing = missing;
  }
}

/** One entry of a GraphQL answer's `errors`. */
export interface GraphqlErrorEntry {
  readonly message: string;
  readonly path?: ReadonlyArray<string | number> | undefined;
}

/** The database cannot be reached or opened, or refused a statement. */
export class DatabaseError extends GitlabSyncError {
  override readonly name: string = 'DatabaseError';
  override readonly code: ErrorCode = 'database_failed';
}

/** The database refused a row for what is in it: out of range, not to be encoded, too large for an index, against a rule of somebody else's. */
export class RowRefusedError extends DatabaseError {
  override readonly name = 'RowRefusedError';
  override readonly code = 'row_refused';
}

/**
 * A pass has lost its lock. It ends and writes nothing more. `isSuperseded` true: another pass has taken over. False: the
 * database session that held the lock has ended, or does not answer, or the connection was deleted.
 */
export class LostLockError extends DatabaseError {
  override readonly name = 'LostLockError';
  override readonly code = 'lock_lost';
  readonly connectionId: number;
  readonly isSuperseded: boolean;
  constructor(connectionId: number, options?: { readonly cause: unknown } | { readonly isDeleted: true }) {
    const deleted = options && 'isDeleted' in options;
    super(deleted ? deletedText(connectionId) : lossText(connectionId, options), deleted ? undefined : options);
    this.connectionId = connectionId;
    this.isSuperseded = !options;
  }
}

const deletedText = (connectionId: number) =>
  `connection ${connectionId} was deleted from the table connections during a pass over it, and all that was stored of it with it`;

const lossText = (connectionId: number, ended: { readonly cause: unknown } | undefined) =>
  ended
    ? `the database session that held the lock of the pass over connection ${connectionId} has ended (${messageOf(ended.cause).slice(0, 300)}); what was stored stays, and the next pass continues from there`
    : `another pass took over connection ${connectionId} because this pass had lost its lock; this pass has written nothing since then`;

/** Another process holds the embedded database's folder. */
export class DataDirInUseError extends DatabaseError {
  override readonly name = 'DataDirInUseError';
  override readonly code = 'data_dir_in_use';
  readonly dataDir: string;
  constructor(dataDir: string) {
    super(`${dataDir} is in use by another process: stop it, or set another DATA_DIR, or use a PostgreSQL through DATABASE_URL`);
    this.dataDir = dataDir;
  }
}

/** The message of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.replaceAll(/\s*\n\s*/g, ' ').trim();
}
