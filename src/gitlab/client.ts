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

/** One GitLab, read with one token. */
export interface Gitlab {
  /** The typed GraphQL operations of queries/. An answer's `errors` name what is missing in its `data`. */
  readonly graphql: Sdk;
  /** Asks something that is not in queries/, such as about the schema itself. Throws GraphqlError when anything is missing in the answer. */
  readonly ask: (query: string, variables: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>;
  /** Asks for as much at once as this GitLab can answer in time. */
  readonly fit: <T>(request: ResizableRequest<T>) => Promise<T>;
  /** The few REST endpoints that GraphQL has no answer for. */
  readonly rest: GitlabRest;
  /** Requests sent so far, retries included. */
  readonly requests: { readonly graphql: number; readonly rest: number };
  /** What is shared with others that read the same GitLab. */
  readonly host: HostState;
  /** What this GitLab turned out not to have, of what was asked for so far: `Pipeline.source`, `projects(fullPaths:)`. */
  readonly missingFields: () => readonly string[];
}

/** What a Gitlab is made of. */
export interface GitlabOptions {
  /** Base URL without a slash at the end; a path is kept. */
  readonly url: string;
  /** Null: as a guest. */
  readonly token: string | TokenSource | null;
  /** Sent with every request. */
  readonly userAgent: string;
  /** Requests under way at once at this host. */
  readonly concurrency: number;
  /** Requests to this host in any 60 seconds. Default: 0, no limit of our own. */
  readonly maxRequestsPerMinute?: number | undefined;
  /** For a request with its whole answer. */
  readonly timeoutMs: number;
  /** Until an answer begins. Default: `timeoutMs`. */
  readonly responseTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /** Called before every request. */
  readonly onRequest?: (() => void) | undefined;
  /** Called for every request with what became of it. */
  readonly onAnswer?: ((answer: GitlabAnswer) => void) | undefined;
  /** In place of the global fetch. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Default: one of its own. */
  readonly host?: HostState | undefined;
  /** Which GraphQL operations the caller asks again with a smaller size, so that they are not retried with the same one. */
  readonly isResizable?: ((operation: string) => boolean) | undefined;
  readonly retry?: Partial<RetryOptions> | undefined;
}

/** Opens no connection before the first request. After a 401 that no new token fixes, all requests fail with it and are not sent. */
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
  const rest = createRest(({ path, operation }) =>
    fetch(`${options.url}${path.startsWith('/') ? path : `/api/v4/${path}`}`, {
      method: 'GET',
      headers: { accept: 'application/json' },
      operation,
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
 * From the outside in: retries, the request queue of the host, the token, errors of their own classes, notes about rate
 * limits, timeouts. The token is inside the queue: while a new token is looked for, no other request is sent.
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

/** Whatever the reason of an abort was, its error is named AbortError from here on. */
function throwAsAborted(signal: AbortSignal | undefined, error: unknown): never {
  if (!signal?.aborted || error instanceof GitlabSyncError) throw error;
  throw new DOMException('stopped by its signal', { name: 'AbortError', cause: signal.reason });
}

const defaultRetry: RetryOptions = { attempts: 4, baseDelayMs: 500 };
