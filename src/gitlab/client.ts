import { GraphQLClient } from 'graphql-request';
import { GitlabSyncError } from '../errors.ts';
import { silentLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { checkedAnswer, completeData } from './graphql-response.ts';
import type { Fetch, FetchInit } from './http/fetch.ts';
import { withAnswers } from './http/with-answers.ts';
import type { GitlabAnswer } from './http/with-answers.ts';
import { withErrors } from './http/with-errors.ts';
import { delayBefore, withRetry } from './http/with-retry.ts';
import type { RetryOptions } from './http/with-retry.ts';
import { withTimeout } from './http/with-timeout.ts';
import { withToken } from './http/with-token.ts';
import { withLimitsNoted, withRequestQueue } from './http/with-request-queue.ts';
import { getSdk } from './generated/sdk.ts';
import type { Sdk } from './generated/sdk.ts';
import { createHostStates } from './limits/host-state.ts';
import type { HostState } from './limits/host-state.ts';
import { createRest } from './rest.ts';
import { fitRequest, isResizableOperation } from './limits/adaptive-size.ts';
import type { ResizableRequest } from './limits/adaptive-size.ts';
import type { GitlabRest } from './rest.ts';
import { fixedToken } from './http/token-source.ts';
import type { TokenSource } from './http/token-source.ts';
import { withMissingFields } from './compat/with-missing-fields.ts';

/** A client of one GitLab with one token. */
export interface Gitlab {
  /** The typed GraphQL operations of queries/. The `errors` of an answer name what is missing in its `data`. */
  readonly graphql: Sdk;
  /** Sends a query that is not in queries/, such as an introspection. Throws GraphqlError when the answer has `errors`. */
  readonly ask: (query: string, variables: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>;
  /** Sends a request in the largest size that this GitLab answers in time. */
  readonly fit: <T>(request: ResizableRequest<T>) => Promise<T>;
  /** The few REST endpoints for data that GraphQL lacks. */
  readonly rest: GitlabRest;
  /** Requests sent so far, retries included. */
  readonly requests: { readonly graphql: number; readonly rest: number };
  /** The state that all clients of the same GitLab share. */
  readonly host: HostState;
  /** The fields and arguments that this GitLab is known to lack: `Pipeline.source`, `projects(fullPaths:)`. */
  readonly missingFields: () => readonly string[];
}

/** Options of a client. */
export interface GitlabOptions {
  /** Base URL without a slash at the end. May have a path. */
  readonly url: string;
  /** Null: requests are sent without a token. */
  readonly token: string | TokenSource | null;
  /** Value of the header User-Agent. */
  readonly userAgent: string;
  /** Largest number of simultaneous requests to this host. */
  readonly concurrency: number;
  /** Largest number of requests to this host in any 60 seconds. Default: 0, no limit except GitLab's. */
  readonly maxRequestsPerMinute?: number | undefined;
  /** Longest time from a request to the end of its answer. */
  readonly timeoutMs: number;
  /** Longest time from a request to the beginning of its answer. Default: `timeoutMs`. */
  readonly responseTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /** Called before every request. */
  readonly onRequest?: (() => void) | undefined;
  /** Called after every request with its result. */
  readonly onAnswer?: ((answer: GitlabAnswer) => void) | undefined;
  /** Default: the global fetch. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: a new state that only this client uses. */
  readonly host?: HostState | undefined;
  /** Whether the caller repeats a GraphQL operation in a smaller size after a failure. Such an operation is not retried in the same size. */
  readonly isResizable?: ((operation: string) => boolean) | undefined;
  readonly retry?: Partial<RetryOptions> | undefined;
}

/** Creates a client. Opens no connection before the first request. After a 401 without a new token, all requests fail with its error unsent. */
export function createGitlab(options: GitlabOptions): Gitlab {
  const requests = { graphql: 0, rest: 0 };
  const host = options.host ?? createHostStates().at(options.url);
  const fetch = layeredFetch(options, host, (kind) => {
    requests[kind]++;
    options.onRequest?.();
  });
  const endpoint = `${options.url}/api/graphql`;
  const client = new GraphQLClient(endpoint, {
    errorPolicy: 'all',
    fetch: (_url: unknown, init: RequestInit = {}) => {
      const body = typeof init.body === 'string' ? init.body : '';
      const operation = /"operationName":"(\w+)"/.exec(body)?.[1] ?? 'GraphQL';
      const headers = Object.fromEntries(new Headers(init.headers));
      return fetch(endpoint, {
        method: 'POST',
        headers,
        body,
        operation,
        isResizable: (options.isResizable ?? isResizableOperation)(operation),
      });
    },
  });
  const rest = createRest(({ path, operation, isResizable = false }) =>
    fetch(`${options.url}${path.startsWith('/') ? path : `/api/v4/${path}`}`, {
      method: 'GET',
      headers: { accept: 'application/json' },
      operation,
      isResizable,
    }),
  );
  const { attempts, baseDelayMs } = { ...defaultRetry, ...options.retry };
  const { sizes, clock, learned } = host;
  const wait = (attempt: number, error: unknown) =>
    clock.sleep(delayBefore(attempt, error, { baseDelayMs, random: clock.random }), options.signal);
  const fit = <T>(request: ResizableRequest<T>) => fitRequest({ sizes, attempts, wait, now: clock.now }, request);
  const graphql = getSdk(withMissingFields(client, { learned, log: options.log ?? silentLogger }), checkedAnswer);
  const ask: Gitlab['ask'] = async (query, variables) => {
    const operation = /^query (\w+)/.exec(query)?.[1] ?? 'GraphQL';
    const send = () => client.rawRequest<Readonly<Record<string, unknown>>>(query, variables);
    return completeData(await checkedAnswer(send, operation), operation);
  };
  return { graphql, ask, fit, rest, requests, host, missingFields: () => learned.missing() };
}

/**
 * The layers from the outermost to the innermost: retries, the request queue of the host, the token, error classes, notes
 * of rate limits, metrics, timeouts. The token is inside the queue, so that a request keeps its place while a new token is read.
 */
function layeredFetch(options: GitlabOptions, host: HostState, count: (kind: 'graphql' | 'rest') => void): Fetch {
  const { token, concurrency, maxRequestsPerMinute = 0, timeoutMs, responseTimeoutMs = timeoutMs, log = silentLogger } = options;
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const tokens = typeof token === 'string' ? fixedToken(token) : token;
  const timed = withTimeout(sendWith(options, count), { responseMs: responseTimeoutMs, requestMs: timeoutMs });
  const answered = options.onAnswer ? withAnswers(timed, options.onAnswer) : timed;
  const checked = withErrors(withLimitsNoted(answered, host));
  const authorised = tokens ? withToken(checked, tokens, (reason) => ended.abort(reason)) : checked;
  const inTurn = withRequestQueue(authorised, host, { concurrency, maxRequestsPerMinute });
  const retried = withRetry(inTurn, { ...defaultRetry, ...options.retry, host, log });
  return (url, init) => retried(url, { ...init, signal }).catch((error: unknown) => throwAsAborted(options.signal, error));
}

function sendWith({ userAgent, fetch }: GitlabOptions, count: (kind: 'graphql' | 'rest') => void): Fetch {
  return (url, { operation: _operation, isResizable: _isResizable, attempt: _attempt, headers, ...init }: FetchInit) => {
    count(init.method === 'POST' ? 'graphql' : 'rest');
    return (fetch ?? globalThis.fetch)(url, { ...init, headers: { ...headers, 'user-agent': userAgent }, redirect: 'manual' });
  };
}

/** After an abort of the caller's signal, throws an AbortError, whatever the reason of the abort is. */
function throwAsAborted(signal: AbortSignal | undefined, error: unknown): never {
  if (!signal?.aborted || error instanceof GitlabSyncError) throw error;
  throw new DOMException('aborted by its signal', { name: 'AbortError', cause: signal.reason });
}

const defaultRetry: RetryOptions = { attempts: 4, baseDelayMs: 500 };
