import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/** One session of a PostgreSQL, with a transaction in it that is open until `close`. */
export interface LockSession {
  readonly query: (statement: string, parameters?: readonly unknown[]) => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>;
  /** Ends the session at once: the server frees what was locked in it as soon as it notices. */
  readonly destroy: (reason: Error) => void;
  /** Rolls the transaction back. Never rejects. */
  readonly close: () => Promise<void>;
}

/** The part of pg's pool that is needed here. */
interface PoolLike {
  connect(): Promise<ClientLike>;
}

interface ClientLike {
  query(statement: string, parameters?: readonly unknown[]): Promise<{ readonly rows: ReadonlyArray<Record<string, unknown>> }>;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  removeListener(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  release(error?: Error): void;
}

/**
 * Opens a session. `onEnd` is called at once when it ends before it is closed; but never where a host brings a Kysely of
 * its own, whose connections cannot be watched.
 */
export async function openLockSession(em: SqlEntityManager, onEnd: (reason: Error) => void): Promise<LockSession> {
  const pool = await poolOf(em);
  return pool ? openWatched(pool, onEnd) : openUnwatched(em);
}

async function poolOf(em: SqlEntityManager): Promise<PoolLike | null> {
  const connection = em.getConnection() as { getNativeClient?: () => Promise<PoolLike> };
  // Rejects where the pool is the host's own.
  return (await connection.getNativeClient?.().catch(() => null)) ?? null;
}

async function openWatched(pool: PoolLike, onEnd: (reason: Error) => void): Promise<LockSession> {
  const client = await pool.connect();
  let ended: Error | undefined;
  const end = (reason = new Error('the connection has ended')) => {
    ended ??= reason;
    onEnd(ended);
  };
  client.on('error', end);
  client.on('end', end);
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    client.release(ended);
    // Not earlier: pg reports an error of a client that nobody listens to as an uncaught exception. From here on the pool listens.
    client.removeListener('error', end);
    client.removeListener('end', end);
  };
  const query: LockSession['query'] = async (statement, parameters = []) => (await client.query(statement, parameters)).rows;
  const session: LockSession = {
    query,
    destroy: (reason) => {
      ended ??= reason;
      release();
    },
    close: async () => {
      await query('rollback').catch((error: Error) => (ended ??= error));
      release();
    },
  };
  return begun(session);
}

async function openUnwatched(em: SqlEntityManager): Promise<LockSession> {
  const transaction = await em.fork({ clear: true }).getKysely().startTransaction().execute();
  let isDestroyed = false;
  return {
    query: async (statement, parameters = []) => {
      const { rows } = await transaction.executeQuery<Record<string, unknown>>(CompiledQuery.raw(statement, [...parameters]));
      return rows;
    },
    destroy: () => {
      isDestroyed = true;
    },
    close: async () => {
      const rolledBack = transaction
        .rollback()
        .execute()
        .catch(() => {});
      // Of a connection that does not answer, the host's Kysely learns in its own time.
      if (!isDestroyed) await rolledBack;
    },
  };
}

async function begun(session: LockSession): Promise<LockSession> {
  try {
    await session.query('begin');
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}
