// GitLab for PainChain 0.2, in place of apps/backend/src/connectors/gitlab/gitlab.connector.ts.
//
// PainChain's scheduler makes a GitlabConnector and calls sync. The environment variable GITLAB_CONNECTOR of the backend says who reads GitLab:
//
//   poller              a container of its own, with `gitlab-connector poll --all`. Nothing is done here.
//   (not set)           the command `gitlab-connector`, which needs Node 22.17 or later in the backend's image. PainChain's has Node 20.
//   any other command   such as `/opt/node/bin/node /opt/gitlab-connector/bin/gitlab-connector.cjs`, without spaces in its parts.
//
// DATABASE_URL is that of the backend; the variables of docs/operations.md (proxy, CA, limits) work too.
import { spawn } from 'node:child_process';

/** The keys of connections.config, and the variables of gitlab-connector. */
const settings: Readonly<Record<string, string>> = {
  token: 'GITLAB_TOKEN',
  url: 'GITLAB_URL',
  repos: 'REPOS',
  branches: 'BRANCHES',
  project_limit: 'PROJECT_LIMIT',
  sync_limit: 'SYNC_LIMIT',
  sync_since: 'SYNC_SINCE',
  reconcile_interval: 'RECONCILE_INTERVAL',
  tag_checks: 'TAG_CHECKS',
  tag_limit: 'TAG_LIMIT',
  image_artifacts: 'IMAGE_ARTIFACTS',
};

/** What PainChain's scheduler logs. */
interface SyncResult {
  success: boolean;
  eventsStored: number;
  details?: Record<string, unknown>;
}

export class GitlabConnector {
  private readonly config: Record<string, unknown>;

  constructor(config: Record<string, unknown>) {
    this.config = config;
  }

  /** Whether the GitLab of the form, and not always gitlab.com, takes the token. */
  async testConnection(): Promise<boolean> {
    const { url, token } = this.config;
    try {
      const address = (textOf(url) || 'https://gitlab.com').replace(/\/+$/, '');
      return (await fetch(`${address}/api/v4/personal_access_tokens/self`, { headers: { 'PRIVATE-TOKEN': textOf(token) } })).ok;
    } catch {
      return false;
    }
  }

  /** Runs one pass. */
  async sync(connectionId: number): Promise<SyncResult> {
    const [command = '', ...args] = (process.env.GITLAB_CONNECTOR ?? 'gitlab-connector').split(' ');
    if (command === 'poller') return { success: true, eventsStored: 0, details: { message: 'read by gitlab-connector poll --all' } };
    if (!this.config.token) return failed('No GitLab token configured');
    const environment: NodeJS.ProcessEnv = { ...process.env, CONNECTION_ID: String(connectionId) };
    for (const [key, name] of Object.entries(settings)) {
      const value = textOf(this.config[key]);
      if (value !== '') environment[name] = value;
    }
    return resultOf(command, await run(command, [...args, 'sync', '--json'], environment));
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const failed = (error: string): SyncResult => ({ success: false, eventsStored: 0, details: { error } });

interface Ended {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text.out += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (text.err += part));
    child.once('error', (error) => resolve({ code: error.message, ...text }));
    child.once('close', (code) => resolve({ code: code ?? 'a signal', ...text }));
  });
}

function resultOf(command: string, { code, out, err }: Ended): SyncResult {
  if (out.trim() === '') return failed(err.trim().split('\n').pop() || `${command} ended with ${code}`);
  const { stored, fetched, problems } = JSON.parse(out) as { stored: number; fetched: number; problems: unknown[] };
  return { success: true, eventsStored: stored, details: { fetched, problems } };
}
