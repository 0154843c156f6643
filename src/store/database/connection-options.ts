import { userInfo } from 'node:os';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import { DatabaseUrlProblem, describeDatabaseUrl, parseDatabaseUrl } from '../../config/database-url.ts';
import type { DatabaseHost, DatabaseUrl } from '../../config/database-url.ts';
import { ConfigurationError } from '../../errors.ts';
import { passwordOf } from './password.ts';
import type { Password } from './password.ts';
import { attemptsOf } from './reach-server.ts';
import type { Attempt } from './reach-server.ts';
import { ServerStream } from './server-stream.ts';
import type { ServerStreamOptions } from './server-stream.ts';
import { tlsSettings } from './tls-settings.ts';

/** How every part of the connector connects to a PostgreSQL: options of pg's Client and Pool. */
export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A function is called for each new session. */
  readonly password?: Password;
  readonly database: string;
  readonly application_name: string;
  readonly options?: string;
  /** TLS is spoken by the stream. pg must not read PGSSLMODE and PGSSLNEGOTIATION. */
  readonly ssl: false;
  readonly sslnegotiation: 'postgres';
  readonly enableChannelBinding: boolean;
  readonly connectionTimeoutMillis: number;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelayMillis: number;
  readonly stream: () => ServerStream;
  /**
   * A pool ends a session of this age. A session with a server that has become a standby, or with the rights of a password that was changed,
   * is so replaced within a minute.
   */
  readonly maxLifetimeSeconds: number;
}

/** Seconds that the way to one server may take. libpq waits without an end. */
const usualTimeout = { ofOne: 30, ofSeveral: 10 };

/**
 * The one meaning of a database URL. Reads the files that it names, and connects to nothing.
 * Throws ConfigurationError, with one line and without the password, for what cannot be obeyed.
 */
export function connectionOptions(databaseUrl: string): ConnectionOptions {
  const url = parsed(databaseUrl);
  const { parameters, user = osUser() } = url;
  const password = passwordOf(url);
  const options = optionsOf(parameters);
  const hosts = url.hosts.map(({ host, port }) => ({ host: host || 'localhost', port }));
  const [{ host, port } = { host: 'localhost', port: 5432 }] = hosts;
  const tls = tlsSettings(parameters);
  const seconds = Number(parameters['connect_timeout'] ?? 0) || (hosts.length > 1 ? usualTimeout.ofSeveral : usualTimeout.ofOne);
  const streamOptions = (servers: readonly DatabaseHost[]): ServerStreamOptions => ({
    tls,
    attempts: () => Promise.resolve(attemptsOf(servers, tls)),
    timeoutMs: seconds * 1000,
    needsChannelBinding: parameters['channel_binding'] === 'require',
  });
  const common = {
    host,
    port,
    user,
    ...(password === undefined ? {} : { password }),
    database: url.database ?? user,
    application_name: parameters['application_name'] ?? parameters['fallback_application_name'] ?? 'gitlab-connector',
    ...(options === undefined ? {} : { options }),
    ssl: false,
    sslnegotiation: 'postgres',
    enableChannelBinding: (parameters['channel_binding'] ?? 'prefer') !== 'disable' && tls.mode !== 'disable',
    maxLifetimeSeconds: 60,
    keepAlive: parameters['keepalives'] !== '0',
    keepAliveInitialDelayMillis: Number(parameters['keepalives_idle'] ?? 10) * 1000,
  } as const;
  const ofServer = (server: DatabaseHost): ClientConfig => ({
    ...common,
    ssl: false,
    connectionTimeoutMillis: seconds * 1000 + 1000,
    stream: () => new ServerStream(streamOptions([server])),
  });
  const ordered = () => (parameters['load_balance_hosts'] === 'random' ? shuffled(hosts) : hosts);
  const wanted = (parameters['target_session_attrs'] ?? 'any') as keyof typeof isWanted;
  const attempts = async (): Promise<readonly Attempt[]> =>
    attemptsOf(wanted === 'any' ? ordered() : [await findServer(ordered(), wanted, ofServer)], tls);
  // The way to a server and its first answer may take this long each, also when it is asked what it is.
  const rounds = hosts.length * (wanted === 'any' ? 2 : 4);
  return {
    ...common,
    // Longer than all attempts of the stream together, which say which server did not answer.
    connectionTimeoutMillis: seconds * 1000 * rounds + 1000,
    stream: () => new ServerStream({ ...streamOptions(hosts), attempts }),
  };
}

/** `host:5432/name` for people, without secrets. Throws ConfigurationError. */
export const databaseName = (databaseUrl: string): string => withProblem(() => describeDatabaseUrl(databaseUrl));

const parsed = (databaseUrl: string): DatabaseUrl => withProblem(() => parseDatabaseUrl(databaseUrl));

function withProblem<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof DatabaseUrlProblem) throw new ConfigurationError([`the database URL ${error.message}`]);
    throw error;
  }
}

/** As in libpq, a URL without a user means the user of the operating system. A container's user may have no name. */
function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    throw new ConfigurationError([
      'the database URL has no user, and the user of this process has no name: write postgres://user@host/name',
    ]);
  }
}

/** What the server is told at the start of a session. `schema` becomes the only schema of the search path. */
function optionsOf({ options, schema }: Readonly<Record<string, string>>): string | undefined {
  if (schema === undefined) return options;
  const identifier = `"${schema.replaceAll('"', '""')}"`;
  return `${options === undefined ? '' : `${options} `}-csearch_path=${identifier.replaceAll(/[\\\s]/g, String.raw`\$&`)}`;
}

interface Session {
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
}

/** The values of target_session_attrs. */
const isWanted = {
  any: () => true,
  'read-write': ({ isReadOnly }: Session) => !isReadOnly,
  'read-only': ({ isReadOnly }: Session) => isReadOnly,
  primary: ({ isStandby }: Session) => !isStandby,
  standby: ({ isStandby }: Session) => isStandby,
  'prefer-standby': ({ isStandby }: Session) => isStandby,
} as const;

/** The first server whose sessions are as wanted. Rejects with the reason of the last server that could not be used. */
async function findServer(
  hosts: readonly DatabaseHost[],
  wanted: keyof typeof isWanted,
  optionsFor: (host: DatabaseHost) => ClientConfig,
): Promise<DatabaseHost> {
  const others: DatabaseHost[] = [];
  let reason = new Error(`no server is as target_session_attrs=${wanted} asks for`);
  for (const server of hosts) {
    try {
      const session = await askServer(optionsFor(server));
      if (isWanted[wanted](session)) return server;
      others.push(server);
    } catch (error) {
      // Another server would refuse the same password.
      if ((error as { code?: string }).code?.startsWith('28')) throw error;
      reason = error as Error;
    }
  }
  const [other] = others;
  if (wanted === 'prefer-standby' && other) return other;
  if (other) throw new Error(`no server is as target_session_attrs=${wanted} asks for`);
  throw reason;
}

async function askServer(options: ClientConfig): Promise<Session> {
  const client = new Client(options);
  // The loss of the connection fails the query too.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<Session>(
      `select pg_is_in_recovery() as "isStandby", pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "isReadOnly"`,
    );
    return rows[0] ?? { isStandby: true, isReadOnly: true };
  } finally {
    await client.end().catch(() => {});
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
