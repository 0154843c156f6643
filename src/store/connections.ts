import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConfigurationError, DatabaseError } from '../errors.ts';
import { withDatabaseErrors } from './database/database-errors.ts';
import { ConnectionEntity } from './entities/connection.ts';
import { inspectDatabase } from './database/inspect-database.ts';

/** How a command identifies its connection. */
export interface ConnectionQuery {
  readonly connectionId?: number | undefined;
  /** URL of the GitLab. */
  readonly url: string;
}

/** Key of the advisory lock. The number has no meaning, and is the same in every process. */
const makingLock = 7_468_203;

/**
 * Returns the id of the connection to store under: the given id, or the only GitLab connection with this URL. Creates the
 * connection, without the token, when none has this URL. Throws ConfigurationError when several connections have this URL.
 */
export async function ensureConnection(em: SqlEntityManager, query: ConnectionQuery): Promise<number> {
  return withDatabaseErrors(async () => {
    const known = await findConnection(em.fork({ clear: true }), query);
    return known ?? em.fork({ clear: true }).transactional((fork) => makeConnection(fork, query));
  });
}

async function makeConnection(em: SqlEntityManager, query: ConnectionQuery): Promise<number> {
  // Several processes that start at the same time create one row.
  await em.execute(`select pg_advisory_xact_lock(${makingLock})`);
  const found = await findConnection(em, query);
  if (found !== null) return found;
  const connection = em.create(ConnectionEntity, { name: new URL(query.url).host, type: 'gitlab', config: { url: query.url } });
  await em.persist(connection).flush();
  return connection.id;
}

/** As `ensureConnection`, but returns null where `ensureConnection` creates a connection. */
export async function findConnection(em: SqlEntityManager, { connectionId, url }: ConnectionQuery): Promise<number | null> {
  if (connectionId !== undefined) {
    const given = await em.findOne(ConnectionEntity, connectionId);
    if (!given) throw new DatabaseError(`there is no connection ${connectionId} in the table connections`);
    return given.id;
  }
  const all = await em.find(ConnectionEntity, { type: 'gitlab' }, { orderBy: { id: 'asc' } });
  const fitting = all.filter(({ config }) => urlOf(config) === url.toLowerCase());
  if (fitting.length > 1) {
    const names = fitting.map(({ id, name }) => `${id} (${name})`).join(', ');
    throw new ConfigurationError([`CONNECTION_ID must name one of the GitLab connections with the URL ${url}: ${names}`]);
  }
  return fitting[0]?.id ?? null;
}

/** A connection as PainChain stores it. */
export interface StoredConnection {
  readonly id: number;
  readonly name: string;
  /** The keys of PainChain's form, the token among them. Null when the stored JSON is no object. */
  readonly config: Readonly<Record<string, unknown>> | null;
}

/** The keys of the stored config of a connection, without the values, of which one is the token. Throws DatabaseError. */
export async function readConfigKeys(em: SqlEntityManager, id: number): Promise<string[]> {
  const row = await withDatabaseErrors(() => em.fork({ clear: true }).findOne(ConnectionEntity, id));
  return Object.keys(objectOf(row?.config) ?? {});
}

/** The enabled connections of type gitlab, by id. */
export async function enabledConnections(em: SqlEntityManager): Promise<StoredConnection[]> {
  const rows = await withDatabaseErrors(() =>
    em.fork({ clear: true }).find(ConnectionEntity, { type: 'gitlab', enabled: true }, { orderBy: { id: 'asc' } }),
  );
  return rows.map(({ id, name, config }) => ({ id, name, config: objectOf(config) }));
}

/** The column takes any JSON, such as an object that was encoded twice, which is a text. */
function objectOf(config: unknown): StoredConnection['config'] {
  if (config === null || config === undefined) return {};
  return typeof config === 'object' && !Array.isArray(config) ? (config as Record<string, unknown>) : null;
}

/** The URL of a connection in lower case; null when its config cannot be read. PainChain's form stores no URL for gitlab.com. */
function urlOf(stored: unknown): string | null {
  const config = objectOf(stored);
  if (!config) return null;
  const { url } = config;
  return (typeof url === 'string' && url !== '' ? url : 'https://gitlab.com').toLowerCase().replace(/\/+$/, '');
}

/** As `findConnection`, but returns null when the database has no tables. Creates nothing. */
export async function knownConnection(em: SqlEntityManager, query: ConnectionQuery): Promise<number | null> {
  const { hasTables } = await inspectDatabase(em);
  return hasTables ? withDatabaseErrors(() => findConnection(em.fork({ clear: true }), query)) : null;
}
