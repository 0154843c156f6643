import * as z from 'zod';
import { databaseShape } from './database-settings.ts';
import { serverShape } from './server-settings.ts';
import { setting } from './setting.ts';
import { filePath, flag, largest, list, proxyUrl, tokenPattern, webUrl, wholeNumber } from './values.ts';

const retentionError = 'must be a number of days of at least 1, such as 400d';
const sinceError = 'must be a date, a moment, or a span such as 90d';
const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The moment that a date (`2026-11-23`), a moment (`2026-11-23T08:00:00Z`) or a span back from `now` (`90m`, `12h`, `7d`) means; null for other texts. */
export function momentOf(text: string, now: Date): Date | null {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (unitMs[unit] ?? 0));
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** Every setting, in the order of the README. */
export const shape = {
  token: setting(
    z
      .string({ error: 'must be text' })
      .trim()
      .regex(tokenPattern, { error: 'must hold no spaces, line breaks or letters beyond ASCII' })
      .optional(),
    {
      env: 'GITLAB_TOKEN',
      value: 'token',
      secret: true,
      description: 'Personal, group or project access token (or OAuth token) with the scope `read_api`.',
    },
  ),
  tokenFile: setting(filePath.optional(), {
    env: 'GITLAB_TOKEN_FILE',
    value: 'file',
    defaultText: 'none',
    description:
      'File that holds the token, in place of GITLAB_TOKEN. The file is read again when GitLab refuses the token, so you can replace it at any time.',
  }),
  url: setting(webUrl.default('https://gitlab.com'), {
    env: 'GITLAB_URL',
    value: 'url',
    description: 'The GitLab to read. A path is kept: `https://host/gitlab`.',
  }),
  allowHttp: setting(flag.default(false), {
    env: 'ALLOW_HTTP',
    value: 'boolean',
    description:
      'Send the token to an `http://` URL, where anyone on the network path can read it. Required for hosts other than this machine.',
  }),
  repos: setting(list.default([]), {
    env: 'REPOS',
    value: 'list',
    defaultText: "the token's memberships",
    description: 'Projects to read, with commas between them: paths, numeric ids, or groups (all projects of a group and its subgroups).',
  }),
  branches: setting(list.default([]), {
    env: 'BRANCHES',
    value: 'list',
    defaultText: 'every branch, no commits',
    description:
      'Store only merge requests into these branches and pipelines of these branches, and read their commits. When not set, no commits are read.',
  }),
  streams: setting(list.default([]), {
    env: 'STREAMS',
    value: 'list',
    defaultText: 'all',
    description:
      'Streams to read, such as `merge-requests,deployments`; `all` = all. When not set: all, but no deployments in tables of PainChain.',
  }),
  projectLimit: setting(wholeNumber(0).default(10), {
    env: 'PROJECT_LIMIT',
    value: 'count',
    description: 'How many projects of the memberships to read when REPOS is not set, most recently active first; 0 = all.',
  }),
  syncLimit: setting(
    z.union([z.literal('all'), wholeNumber(1, largest, ', or all')], { error: 'must be a whole number of at least 1, or all' }).default(50),
    {
      env: 'SYNC_LIMIT',
      value: 'count',
      description:
        'How many of each stream (commits: of each branch) to read when a project is seen for the first time, newest first; `all` = everything.',
    },
  ),
  syncSince: setting(
    z
      .string({ error: sinceError })
      .trim()
      .refine((text) => momentOf(text, new Date(0)) !== null, { error: sinceError })
      .optional(),
    {
      env: 'SYNC_SINCE',
      value: 'when',
      defaultText: 'as many as SYNC_LIMIT',
      description:
        'Read everything from this moment on when a project is seen for the first time, in place of SYNC_LIMIT: `2026-01-31`, `2026-01-31T08:00:00Z`, or `90d` (also `12h`, `30m`) back.',
    },
  ),
  reconcileInterval: setting(wholeNumber(0, 31_536_000).default(21_600), {
    env: 'RECONCILE_INTERVAL',
    value: 'seconds',
    description:
      'Seconds between two reconciles, which read again the rows that may change without a new update time: open merge requests, recent pipelines, releases and all tags; 0 = in every pass.',
  }),
  tagChecks: setting(wholeNumber(0).default(5), {
    env: 'TAG_CHECKS',
    value: 'count',
    description:
      'How many known tags of each container repository a pass reads again where GitLab does not say which were pushed (without the metadata database of the registry, or before 17.5): names that move first, such as `latest` or `prod`, then the least recently read.',
  }),
  tagLimit: setting(wholeNumber(0).default(100), {
    env: 'TAG_LIMIT',
    value: 'count',
    description:
      'How many tags of a container repository to read when it is seen for the first time: names that move first, such as `latest` or `prod`, then the last pushed where GitLab knows them, then the highest versions; 0 = all. Later, every new tag is read, and every other one that moves.',
  }),
  imageArtifacts: setting(flag.default(false), {
    env: 'IMAGE_ARTIFACTS',
    value: 'boolean',
    description:
      'Read signatures, attestations and SBOMs of images (tags such as `sha256-….sig`) as images. Without it they are counted, and not stored.',
  }),
  pollInterval: setting(wholeNumber(1, 86_400).default(300), {
    env: 'POLL_INTERVAL',
    value: 'seconds',
    description: 'Seconds between the starts of two passes of the poller.',
  }),
  workers: setting(wholeNumber(1, 50).default(4), {
    env: 'WORKERS',
    value: 'count',
    description: 'How many connections, and how many parts of large ones, one poller reads at once.',
  }),
  shareToken: setting(flag.default(false), {
    env: 'SHARE_TOKEN',
    value: 'boolean',
    description:
      'With `poll --all`: rows of `connections` that have no token are read with this token (GITLAB_TOKEN or GITLAB_TOKEN_FILE) if their URL is GITLAB_URL. People who can write such a row can then read what this token can read.',
  }),
  allowedHosts: setting(list.default([]), {
    env: 'ALLOWED_HOSTS',
    value: 'list',
    defaultText: 'all hosts',
    description:
      'With `poll --all`: the hosts that the rows of `connections` may name, with commas between them: names, `.example.com` for all names below it, addresses, and ranges such as `10.0.0.0/8`. Names are not looked up. People who can write a row decide where this process sends requests.',
  }),
  gracePeriod: setting(wholeNumber(1, 3_600).default(25), {
    env: 'GRACE_PERIOD',
    value: 'seconds',
    description: 'Seconds that the poller may take to save and stop after SIGTERM or SIGINT. Kubernetes allows 30 by default.',
  }),
  ...serverShape,
  retention: setting(
    z
      .string({ error: retentionError })
      .trim()
      .regex(/^[1-9]\d{0,4}d$/, { error: retentionError })
      .optional(),
    {
      env: 'RETENTION',
      value: 'days',
      defaultText: 'keep everything',
      description:
        'How long the poller keeps history, such as `400d`: once a day it deletes versions that were read before and that a later version of the same event follows, as `prune` does. Each event keeps its last version.',
    },
  ),
  retentionEvents: setting(flag.default(false), {
    env: 'RETENTION_EVENTS',
    value: 'boolean',
    description: 'Delete events too that ended before RETENTION, with all their versions. They are not read again.',
  }),
  logLevel: setting(
    z.enum(['debug', 'info', 'warn', 'error', 'silent'], { error: 'must be debug, info, warn, error or silent' }).default('info'),
    {
      env: 'LOG_LEVEL',
      value: 'level',
      description: 'What the poller logs: `debug`, `info`, `warn`, `error` or `silent`. JSON, or lines for people on a terminal.',
    },
  ),
  concurrency: setting(wholeNumber(1, 100).default(4), {
    env: 'CONCURRENCY',
    value: 'count',
    description: 'How many requests to a GitLab may run at once.',
  }),
  maxRequestsPerMinute: setting(wholeNumber(0, 100_000).default(1_000), {
    env: 'MAX_REQUESTS_PER_MINUTE',
    value: 'count',
    description: 'How many requests to a GitLab may be sent in any 60 seconds, by the whole process; 0 = no limit of the connector.',
  }),
  maxAttempts: setting(wholeNumber(1, 20).default(4), {
    env: 'MAX_ATTEMPTS',
    value: 'count',
    description: 'How many times a request is sent at most, when it fails for a reason that may be temporary, the first time included.',
  }),
  connectTimeout: setting(wholeNumber(1, 300).default(10), {
    env: 'CONNECT_TIMEOUT',
    value: 'seconds',
    description: 'Seconds that a connection may take, TLS included.',
  }),
  responseTimeout: setting(wholeNumber(1, 300).default(45), {
    env: 'RESPONSE_TIMEOUT',
    value: 'seconds',
    description: 'Seconds until the answer to a request must begin. GitLab itself ends a query after 30.',
  }),
  requestTimeout: setting(wholeNumber(1, 3_600).default(60), {
    env: 'REQUEST_TIMEOUT',
    value: 'seconds',
    description: 'Seconds that one request may take, its answer included.',
  }),
  httpsProxy: setting(proxyUrl.optional(), {
    env: 'HTTPS_PROXY',
    value: 'url',
    secret: true,
    isCommon: true,
    defaultText: 'none',
    description: 'Proxy for an `https://` GitLab: `http://user:password@host:port`. `https_proxy` works too.',
  }),
  httpProxy: setting(proxyUrl.optional(), {
    env: 'HTTP_PROXY',
    value: 'url',
    secret: true,
    isCommon: true,
    defaultText: 'none',
    description: 'Proxy for an `http://` GitLab. `http_proxy` works too.',
  }),
  noProxy: setting(list.default([]), {
    env: 'NO_PROXY',
    value: 'list',
    isCommon: true,
    defaultText: 'none',
    description:
      'Hosts to reach without a proxy: names (with all names below them) and addresses, each with or without a port; ranges of addresses such as `10.0.0.0/8`; `*` = all. `no_proxy` works too.',
  }),
  caFile: setting(filePath.optional(), {
    env: 'CA_FILE',
    value: 'file',
    defaultText: "only Node's own",
    description: 'File of CA certificates in PEM to trust in addition to those of Node, for a GitLab with a certificate of your own CA.',
  }),
  insecureTls: setting(flag.default(false), {
    env: 'INSECURE_TLS',
    value: 'boolean',
    description: 'Trust any certificate: anyone on the network path can read the token. For tests only; use CA_FILE instead.',
  }),
  connectionId: setting(wholeNumber(1, 2_147_483_647).optional(), {
    env: 'CONNECTION_ID',
    value: 'id',
    defaultText: 'the connection with this URL, created when missing',
    description: 'Row of `connections` to store events under.',
  }),
  ...databaseShape,
} as const;
