/**
 * Everything that this package throws on purpose. `message` is one line for a person: what failed, with what, what to
 * change. It never holds a token or a whole response body. Decide by class and field, never by text.
 */
export class GitlabSyncError extends Error {
  override readonly name: string = 'GitlabSyncError';
}

/** Settings that cannot be used. `issues` holds one line for each of them. */
export class ConfigurationError extends GitlabSyncError {
  override readonly name = 'ConfigurationError';
  readonly issues: readonly string[];
  constructor(issues: readonly string[]) {
    super(issues.join('; '));
    this.issues = issues;
  }
}

/** What every failed request knows about itself. */
export interface RequestFailure {
  /** Name of the GraphQL operation, or the REST path. */
  readonly operation: string;
  /** HTTP status; absent when no answer arrived. */
  readonly status?: number;
  /** GitLab's X-Request-Id, for its administrators' logs. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

/** A request to GitLab that did not bring what was asked for. */
export class GitlabRequestError extends GitlabSyncError {
  override readonly name: string = 'GitlabRequestError';
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

/** No answer: name not found, connection refused or cut, TLS not trusted, time out. */
export class UnreachableError extends GitlabRequestError {
  override readonly name = 'UnreachableError';
  /** The system's code, such as ECONNREFUSED, or TIMEOUT. */
  readonly code: string | undefined;
  constructor(message: string, failure: RequestFailure & { readonly code?: string }) {
    super(message, failure);
    this.code = failure.code;
  }
}

/** 401: the token is missing, wrong, expired or revoked, or has not the scope read_api. */
export class UnauthorizedError extends GitlabRequestError {
  override readonly name = 'UnauthorizedError';
}

/** 403: the token is good, but may not read this. */
export class ForbiddenError extends GitlabRequestError {
  override readonly name = 'ForbiddenError';
}

/** 404, or a node that GitLab left out: it is not there, or this token may not see that it is. */
export class NotFoundError extends GitlabRequestError {
  override readonly name = 'NotFoundError';
}

/** 429, after the attempts that the settings allow; or GitLab asks to wait for longer than 5 minutes, with any status. */
export class RateLimitedError extends GitlabRequestError {
  override readonly name = 'RateLimitedError';
  /** What GitLab asked to wait, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, failure: RequestFailure & { readonly retryAfterMs?: number }) {
    super(message, failure);
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** 5xx, after the attempts that the settings allow. */
export class ServerError extends GitlabRequestError {
  override readonly name = 'ServerError';
  /** What GitLab asked to wait, in milliseconds; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, failure: RequestFailure & { readonly retryAfterMs?: number }) {
    super(message, failure);
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** An answer that is not GitLab's API: HTML, truncated JSON, a redirect, a page that does not move on. */
export class InvalidResponseError extends GitlabRequestError {
  override readonly name = 'InvalidResponseError';
  /** It began as JSON and is none: cut off on its way. */
  readonly isTruncated: boolean;
  constructor(message: string, failure: RequestFailure & { readonly isTruncated?: boolean }) {
    super(message, failure);
    this.isTruncated = failure.isTruncated ?? false;
  }
}

/** GraphQL `errors`: 200 is not success. `errors` are GitLab's messages with their paths. */
export class GraphqlError extends GitlabRequestError {
  override readonly name = 'GraphqlError';
  readonly errors: readonly GraphqlErrorEntry[];
  /** The query's score and GitLab's limit, when it was refused for them. */
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

/** Whether GitLab ran out of time for a part of a query, and left it out. */
export const isTimeout = ({ message }: GraphqlErrorEntry): boolean => message.startsWith('Timeout on ');

/** A GitLab that lacks what cannot be done without; `missing` names it, such as `Pipeline.ref` or `jobs(retried:)`. */
export class UnsupportedGitlabError extends GitlabRequestError {
  override readonly name = 'UnsupportedGitlabError';
  readonly missing: readonly string[];
  constructor(missing: readonly string[], failure: RequestFailure) {
    super(
      `this GitLab is too old: it has no ${missing.join(', ')} (needs 16.2 or later; where GitLab is newer, this program is too old)`,
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
}

/** Another process holds the embedded database's folder. */
export class DataDirInUseError extends DatabaseError {
  override readonly name = 'DataDirInUseError';
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
