import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { camelCase, parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/parse-config.ts';
import { isToHost } from '../config/address-ranges.ts';
import { unknownKeys } from '../config/unknown-keys.ts';
import type { UnknownKey } from '../config/unknown-keys.ts';
import { ConfigurationError } from '../errors.ts';
import { enabledConnections, ensureConnection } from '../store/connections.ts';
import type { StoredConnection } from '../store/connections.ts';

/** A connection that the poller reads. */
export interface ServedConnection {
  readonly id: number;
  readonly name: string;
  readonly intervalMs: number;
  /** Null when the connection cannot be used. */
  readonly config: Config | null;
  /** Why the connection cannot be used, in one line; null when it can. */
  readonly problem: string | null;
  /** Keys of its stored config that are not used. */
  readonly unknownKeys: readonly UnknownKey[];
}

/** Reads the connections that the poller serves now. */
export type ConnectionSource = (em: SqlEntityManager) => Promise<ServedConnection[]>;

/** The one connection that the settings describe. Its row in `connections` is created when missing. */
export function settingsSource(config: Config): ConnectionSource {
  return async (em) => {
    const id = await ensureConnection(em, config);
    return [{ id, name: new URL(config.url).host, intervalMs: config.pollInterval * 1000, config, problem: null, unknownKeys: [] }];
  };
}

/** Every enabled row of type gitlab in `connections`. Settings that concern the whole process (network, workers) come from `settings`. */
export function tableSource(settings: Config): ConnectionSource {
  return async (em) => (await enabledConnections(em)).map((row) => served(row, settings));
}

/** Keys that a row may set. All other settings come from the environment of the process. */
const ownKeys = new Set([
  'token',
  'url',
  'repos',
  'branches',
  'streams',
  'pollInterval',
  'projectLimit',
  'syncLimit',
  'syncSince',
  'reconcileInterval',
  'tagChecks',
  'tagLimit',
  'imageArtifacts',
]);

/** Settings that describe one GitLab: rows do not inherit them. */
const identityKeys = new Set(['token', 'tokenFile', 'url', 'repos', 'branches', 'connectionId']);

function served({ id, name, config: row }: StoredConnection, settings: Config): ServedConnection {
  if (!row) {
    const problem = 'its config must be a JSON object, such as {"url": "https://gitlab.example.com", "token": "…"}';
    return { id, name, intervalMs: settings.pollInterval * 1000, config: null, problem, unknownKeys: [] };
  }
  const own = Object.fromEntries(
    Object.entries(row)
      .map(([key, value]) => [camelCase(key), value] as const)
      .filter(([key, value]) => ownKeys.has(key) && value !== null && value !== ''),
  );
  const common = { id, name, unknownKeys: unknownKeys(row, [...ownKeys]) };
  const shared = Object.entries(settings).filter(([key]) => !identityKeys.has(key));
  try {
    const config = parseConfig({ ...Object.fromEntries(shared), ...own, connectionId: id });
    const intervalMs = config.pollInterval * 1000;
    if (settings.allowedHosts.length > 0 && !isToHost(config.url, settings.allowedHosts))
      return { ...common, intervalMs, config: null, problem: `its url ${config.url} is not at one of ALLOWED_HOSTS` };
    if (config.token) return { ...common, intervalMs, config, problem: null };
    const problem = whyNoToken(config, settings);
    return { ...common, intervalMs, config: problem === null ? withTokenOf(settings, config) : null, problem };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { ...common, intervalMs: settings.pollInterval * 1000, config: null, problem: error.issues.join('; ') };
  }
}

/**
 * Why a connection without a token does not get the token of the settings; null when it gets it. SHARE_TOKEN must be on,
 * because people who can write a row decide what is read with the token. The token is only sent to GITLAB_URL.
 */
function whyNoToken({ url }: Config, settings: Config): string | null {
  if (!hasToken(settings)) return 'its config has no token';
  if (url !== settings.url) return `its config has no token, and the token of the poller is for ${settings.url} only`;
  if (!settings.shareToken) return 'its config has no token: add one, or set SHARE_TOKEN to let it use the token of the poller';
  return null;
}

const tokensOf = (settings: Config) => Object.entries(settings).filter(([key]) => key === 'token' || key === 'tokenFile');
const hasToken = (settings: Config) => tokensOf(settings).some(([, value]) => value !== undefined);
const withTokenOf = (settings: Config, config: Config): Config => ({ ...config, ...Object.fromEntries(tokensOf(settings)) });
