import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { describeDatabaseUrl } from '../../config/database-url.ts';
import type { Config } from '../../config/parse-config.ts';
import type { GitlabConfig } from '../../config/gitlab-config.ts';
import { unknownKeyText, unknownKeys } from '../../config/unknown-keys.ts';
import { withGitlab, withGitlabSession } from '../connect.ts';
import type { ConnectOptions, SyncFailure } from '../connect.ts';
import type { Gitlab } from '../../gitlab/client.ts';
import { ok, runChecks, warning } from './check.ts';
import { readsOf } from '../../store/reads.ts';
import type { Check, CheckEntry, CheckScope, FoundDatabase } from './check.ts';
import { connection, database, privileges, tables } from './database.ts';
import { jobs } from './jobs.ts';
import { clock, url, version } from './gitlab.ts';
import { webhooks } from './webhooks.ts';
import { dns, network, networkSettings } from './network.ts';
import { projects } from './projects.ts';
import { schema } from './schema.ts';
import { expiry, scopes, token } from './token.ts';

/** Result of a check. */
export interface CheckReport {
  /** The worst finding. `unreachable`: GitLab or the database cannot be reached, so nothing can be read or stored. */
  readonly result: 'ok' | 'warning' | 'failure' | 'unreachable';
  readonly checks: readonly CheckEntry[];
  readonly requests: { readonly graphql: number; readonly rest: number };
}

/** Shows the settings without secrets, and warns about unknown keys. */
const settings: Check = {
  name: 'settings',
  after: [],
  look: async ({ config, unknownKeys: unknown }) => {
    const text = settingsText(config);
    return unknown.length === 0 ? ok(text) : warning(`${text}; ${unknown.map(unknownKeyText).join('; ')}`, 'correct the key, or remove it');
  },
};

/** All checks, in the order in which they run, before that of webhooks. */
const checks: readonly Check[] = [
  settings,
  networkSettings,
  dns,
  network,
  url,
  version,
  clock,
  token,
  scopes,
  expiry,
  projects,
  schema,
  database,
  tables,
  privileges,
  connection,
  jobs,
];

/**
 * Checks that a sync would work: the network, GitLab's version, the token, the projects and the database. Each check that
 * fails says how to fix it. Changes nothing. When `em` is null the database is not checked. The checked connection is
 * `connectionId` in `config`, or else the connection with the URL of the GitLab.
 *
 * Resolves to the report, or to `{ error, code }` when the settings cannot be used.
 *
 * @throws Only for a bug of this package.
 * @example
 * const report = await checkGitlab(em, { token, url: 'https://gitlab.example.com' });
 * if (!('error' in report)) for (const { check, result } of report.checks) console.log(check, result);
 */
export async function checkGitlab(
  em: SqlEntityManager | null,
  config: GitlabConfig,
  options: ConnectOptions = {},
): Promise<CheckReport | SyncFailure> {
  return checkAll(em ? { kind: 'open', reads: readsOf(em) } : { kind: 'none' }, config, options);
}

/** As `checkGitlab`, with a database that may be missing or have failed to open. */
export async function checkAll(
  found: FoundDatabase,
  input: GitlabConfig,
  options: ConnectOptions = {},
): Promise<CheckReport | SyncFailure> {
  const { fetch, signal } = options;
  return withGitlabSession({ config: input, options }, async ({ config, gitlab }) => {
    const requests = [gitlab.requests];
    const apart: CheckScope['apart'] = (url, action) =>
      withGitlab({ ...config, url }, options, (other) => {
        requests.push(other.requests);
        return action(other);
      });
    const means = { ...(fetch ? { fetch } : {}), ...(signal ? { signal } : {}) };
    const hasWebhooks = config.webhookSecret !== undefined || config.webhookSecretFile !== undefined;
    const entries = await runChecks(hasWebhooks ? [...checks, webhooks] : checks, {
      ...means,
      config,
      unknownKeys: unknownKeys(input),
      gitlab,
      apart,
      database: found,
      now: () => new Date(),
      facts: {},
    });
    const sent = (kind: keyof Gitlab['requests']) => requests.reduce((sum, counted) => sum + counted[kind], 0);
    const has = (result: CheckEntry['result']) => entries.some((entry) => entry.result === result);
    const isUnreachable = entries.some((entry) => entry.isUnreachable);
    return {
      result: isUnreachable ? 'unreachable' : has('failure') ? 'failure' : has('warning') ? 'warning' : 'ok',
      checks: entries.map(({ isUnreachable: _isUnreachable, ...entry }) => entry),
      requests: { graphql: sent('graphql'), rest: sent('rest') },
    };
  });
}

function settingsText({ url: gitlabUrl, repos, projectLimit, branches, databaseUrl, dataDir }: Config): string {
  const memberships = projectLimit === 0 ? "all of the token's memberships" : `the ${projectLimit} most recently active memberships`;
  const database = databaseUrl ? `PostgreSQL at ${describeDatabaseUrl(databaseUrl)}` : `the embedded database in ${dataDir}`;
  return [
    gitlabUrl,
    repos.length === 0 ? memberships : shortened(repos),
    branches.length === 0 ? 'every branch, no commits' : `branches ${shortened(branches)}`,
    `into ${database}`,
  ].join('; ');
}

/** How many entries of a list are shown. */
const namesShown = 5;

const shortened = (names: readonly string[]) =>
  `${names.slice(0, namesShown).join(', ')}${names.length > namesShown ? ` and ${names.length - namesShown} more` : ''}`;
