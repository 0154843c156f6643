import { z } from 'zod';
import { ConfigurationError } from './errors.ts';

/** How a setting appears in the environment, in `--help` and in the README. */
export interface SettingMeta {
  readonly env: string;
  readonly description: string;
  /** Placeholder of the flag's value. */
  readonly value: string;
  /** What to write instead of the default's value. */
  readonly defaultText?: string;
  /** Never shown, not even when it is wrong. */
  readonly secret?: true;
}

const largest = 1_000_000_000;

const wholeNumber = (minimum: number, maximum = largest, otherwise = '') => {
  const range = maximum === largest ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  const error = `must be a whole number ${range}${otherwise}`;
  return z.preprocess(
    (value) => (typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : value),
    z.int({ error }).min(minimum, { error }).max(maximum, { error }),
  );
};

const list = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',') : value),
  z
    .array(
      z.union([z.string(), z.number()]).transform((item) => String(item).trim()),
      { error: 'must be a list, or text with commas' },
    )
    .transform((items) => [...new Set(items.filter((item) => item !== ''))]),
);

const webUrl = z
  .string({ error: 'must be an http:// or https:// URL' })
  .trim()
  .refine((text) => isUrlOf(text, ['http:', 'https:']), { error: 'must be an http:// or https:// URL, such as https://gitlab.example.com' })
  .refine((text) => !isUrlOf(text, ['http:', 'https:']) || !/[?#@]/.test(text), { error: 'must hold no user name, query or fragment' })
  .transform((text) => text.replace(/\/+$/, ''));

const databaseUrl = z
  .string({ error: 'must be a postgres:// URL' })
  .trim()
  .refine((text) => isUrlOf(text, ['postgres:', 'postgresql:']), { error: 'must be a postgres:// or postgresql:// URL' });

function isUrlOf(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

const sinceError = 'must be a date, a moment, or a span such as 90d';
const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The moment that a date (`2026-11-23`), a moment (`2026-11-23T08:00:00Z`) or a span back from `now` (`90m`, `12h`, `7d`) means; null for other texts. */
export function momentOf(text: string, now: Date): Date | null {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() - Number(count) * (unitMs[unit] ?? 0));
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

const setting = <T extends z.ZodType>(schema: T, meta: SettingMeta): T => schema.meta({ ...meta });

const shape = {
  token: setting(
    z
      .string({ error: 'must be text' })
      .trim()
      .regex(/^[\x21-\x7e]*$/, { error: 'must hold no spaces or line breaks' })
      .optional(),
    {
      env: 'GITLAB_TOKEN',
      value: 'token',
      secret: true,
      description: 'Personal, group or project access token (or OAuth token) with the scope `read_api`.',
    },
  ),
  url: setting(webUrl.default('https://gitlab.com'), {
    env: 'GITLAB_URL',
    value: 'url',
    description: 'The GitLab to read. A path is kept: `https://host/gitlab`.',
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
    description: 'Keep merge requests into and pipelines of these branches only, and read their commits. Without it no commits are read.',
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
      'Seconds after which what may change without a trace is read again: open merge requests, recent pipelines, releases and all tags; 0 = in every pass.',
  }),
  tagChecks: setting(wholeNumber(0).default(5), {
    env: 'TAG_CHECKS',
    value: 'count',
    description: 'How many known tags of each container repository a pass looks at again, the least recently seen first.',
  }),
  tagLimit: setting(wholeNumber(0).default(100), {
    env: 'TAG_LIMIT',
    value: 'count',
    description:
      'How many tags of a container repository to read when it is seen for the first time, the highest versions first; 0 = all. Later every new name is read.',
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
  gracePeriod: setting(wholeNumber(1, 3_600).default(25), {
    env: 'GRACE_PERIOD',
    value: 'seconds',
    description: 'Seconds that the poller may take to save and stop after SIGTERM or SIGINT. Kubernetes allows 30 unless told otherwise.',
  }),
  healthPort: setting(
    z
      .union([z.literal('off'), wholeNumber(0, 65_535, ', or off')], { error: 'must be a whole number from 0 to 65535, or off' })
      .default(8080),
    {
      env: 'HEALTH_PORT',
      value: 'port',
      description:
        'Port on which the poller answers `/healthz`, `/readyz`, `/metrics` and `/status`; 0 = any that is free (the log names it), `off` = none.',
    },
  ),
  healthHost: setting(z.string({ error: 'must be a host name or an address' }).trim().default('127.0.0.1'), {
    env: 'HEALTH_HOST',
    value: 'host',
    description:
      'Address on which it does so. `0.0.0.0` = all: the names of projects can be read there, so let nobody in who may not know them.',
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
    description: 'How many requests may be under way at once.',
  }),
  requestTimeout: setting(wholeNumber(1, 3_600).default(60), {
    env: 'REQUEST_TIMEOUT',
    value: 'seconds',
    description: 'Seconds that one request may take, its answer included.',
  }),
  connectionId: setting(wholeNumber(1, 2_147_483_647).optional(), {
    env: 'CONNECTION_ID',
    value: 'id',
    defaultText: 'the connection with this URL, made when missing',
    description: 'Row of `connections` to store events under.',
  }),
  databaseUrl: setting(databaseUrl.optional(), {
    env: 'DATABASE_URL',
    value: 'url',
    secret: true,
    defaultText: 'the embedded database',
    description: 'PostgreSQL 15 or later to store events in: `postgres://user:password@host:5432/name`.',
  }),
  dataDir: setting(z.string({ error: 'must be a path' }).trim().min(1, { error: 'must be a path' }).default('./data'), {
    env: 'DATA_DIR',
    value: 'folder',
    description: 'Folder of the embedded database; used when DATABASE_URL is not set.',
  }),
} as const;

/** Every setting, parsed. The single schema behind the environment, the flags and the library's config object. */
export const configSchema = z.object(shape);

/** Settings with their defaults filled in. `repos` and `branches` are empty lists when not set. */
export type Config = z.output<typeof configSchema>;

/** Name of a setting in the config object. */
export type SettingName = keyof typeof shape;

/** Every setting with its name, its description and its default, in the order of the README. */
export const settings: ReadonlyArray<
  SettingMeta & { readonly name: SettingName; readonly defaultValue: string | number | readonly string[] | undefined }
> = Object.entries(shape).map(([name, schema]) => ({
  ...(schema.meta() as unknown as SettingMeta),
  name: name as SettingName,
  defaultValue: schema.safeParse(undefined).data,
}));

/**
 * Checks settings and fills in defaults. Keys may be camelCase or snake_case; unknown keys are ignored, and empty text
 * counts as not set. `nameOf` says how the caller's users know a setting (default: its camelCase key).
 * Throws ConfigurationError with one line for each wrong setting; secret values are never repeated.
 */
export function parseConfig(input: unknown, nameOf: (name: SettingName) => string = (name) => name): Config {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ConfigurationError(['the configuration must be an object']);
  const entries = Object.entries(input)
    .filter(([, value]) => value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === ''))
    .map(([key, value]) => [camelCase(key), value] as const);
  const values = Object.fromEntries(entries);
  const result = configSchema.safeParse(values);
  if (result.success) return result.data;
  const wrong = new Map<SettingName, string>();
  for (const issue of result.error.issues) {
    const name = issue.path[0] as SettingName;
    if (!wrong.has(name)) wrong.set(name, issue.message);
  }
  throw new ConfigurationError([...wrong].map(([name, message]) => `${nameOf(name)} ${message}${quote(name, values[name])}`));
}

/** The settings found in an environment such as `process.env`, under their config names. */
export function settingsFromEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(settings.map(({ name, env: variable }) => [name, env[variable]]));
}

function quote(name: SettingName, value: unknown): string {
  const secret = settings.find((setting) => setting.name === name)?.secret;
  if (secret || !['string', 'number', 'boolean'].includes(typeof value)) return '';
  return `, not ${JSON.stringify(String(value).slice(0, 80))}`;
}

/** `poll_interval` as `pollInterval`; other texts as they are. */
export const camelCase = (key: string): string => key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
