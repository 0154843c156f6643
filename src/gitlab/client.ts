import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLClient } from 'graphql-request';
import { silentLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import { checkedAnswer } from './answer.ts';
import type { Fetch } from './fetch/fetch.ts';
import { withErrors } from './fetch/with-errors.ts';
import { withLimit } from './fetch/with-limit.ts';
import { withRetry } from './fetch/with-retry.ts';
import type { RetryOptions } from './fetch/with-retry.ts';
import { withTimeout } from './fetch/with-timeout.ts';
import { getSdk } from './generated/sdk.ts';
import type { Sdk } from './generated/sdk.ts';
import { createRest } from './rest.ts';
import type { GitlabRest } from './rest.ts';

/** One GitLab, read with one token. */
export interface Gitlab {
  /** The typed GraphQL operations of queries/. An answer's `errors` name what is missing in its `data`. */
  readonly graphql: Sdk;
  /** The few REST endpoints that GraphQL has no answer for. */
  readonly rest: GitlabRest;
  /** Requests sent so far, retries included. */
  readonly requests: { readonly graphql: number; readonly rest: number };
}

/** What a Gitlab is made of. */
export interface GitlabOptions {
  /** Base URL without a slash at the end; a path is kept. */
  readonly url: string;
  readonly token: string;
  /** Sent with every request. */
  readonly userAgent: string;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /** Called after every answer. */
  readonly onRequest?: (() => void) | undefined;
  /** In place of the global fetch. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly retry?: Partial<RetryOptions> | undefined;
}

/** Connects nothing yet: the first request does. */
export function createGitlab(options: GitlabOptions): Gitlab {
  const requests = { graphql: 0, rest: 0 };
  const fetch = layeredFetch(options, (kind) => {
    requests[kind]++;
    options.onRequest?.();
  });
  const endpoint = `${options.url}/api/graphql`;
  const client = new GraphQLClient(endpoint, {
    errorPolicy: 'all',
    fetch: (_url: unknown, init: RequestInit = {}) => {
      const body = typeof init.body === 'string' ? init.body : '';
      const operation = /"operationName":"(\w+)"/.exec(body)?.[1] ?? 'GraphQL';
      return fetch(endpoint, {
        method: 'POST',
        headers: Object.fromEntries(new Headers(init.headers)),
        body,
        operation,
        ...signalOf(options),
      });
    },
  });
  const rest = createRest(({ path, operation }) =>
    fetch(`${options.url}${path.startsWith('/') ? path : `/api/v4/${path}`}`, {
      method: 'GET',
      headers: { accept: 'application/json' },
      operation,
      ...signalOf(options),
    }),
  );
  return { graphql: getSdk(client, checkedAnswer), rest, requests };
}

const signalOf = ({ signal }: GitlabOptions) => (signal ? { signal } : {});

/** From the outside in: errors of their own classes, retries, the limit on requests under way, the time out of each. */
function layeredFetch(options: GitlabOptions, count: (kind: 'graphql' | 'rest') => void): Fetch {
  const identity = { authorization: `Bearer ${options.token}`, 'user-agent': options.userAgent };
  const send: Fetch = async (url, { operation: _operation, headers, ...init }) => {
    count(init.method === 'POST' ? 'graphql' : 'rest');
    return (options.fetch ?? globalThis.fetch)(url, { ...init, headers: { ...headers, ...identity }, redirect: 'manual' });
  };
  const limited = withLimit(withTimeout(send, options.timeoutMs), options.concurrency);
  return withErrors(withRetry(limited, { ...defaultRetry, log: options.log ?? silentLogger, ...options.retry }));
}

const defaultRetry: Omit<RetryOptions, 'log'> = {
  attempts: 4,
  baseDelayMs: 500,
  maxDelayMs: 60_000,
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  random: Math.random,
};
