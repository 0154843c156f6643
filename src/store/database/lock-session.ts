import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/** A session of PostgreSQL with a transaction that stays open until `close`. */
export interface LockSession {
  readonly query: (statement: string, parameters?: readonly unknown[]) => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>;
  /** Ends the session at once. The server releases its locks as soon as it detects the end. */
  readonly destroy: (reason: Error) => void;
  /** Rolls the transaction back. Never rejects. */
  readonly close: () => Promise<void>;
}

/** The part of pg's pool that `openLockSession` uses. */
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
 * Opens a session. Calls `onEnd` at once when the session ends before `close`. When a host application uses its own Kysely,
 * the connections cannot be watched, and `onEnd` is never called.
 */
export async function openLockSession(em: SqlEntityManager, onEnd: (reason: Error) => void): Promise<LockSession> {
  const pool = await poolOf(em);
  return pool ? openWatched(pool, onEnd) : openUnwatched(em);
}

async function poolOf(em: SqlEntityManager): Promise<PoolLike | null> {
  const connection = em.getConnection() as { getNativeClient?: () => Promise<PoolLike> };
  // Rejects when the pool belongs to the host application.
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
    // Removed only now: without a listener, an error of the client is an uncaught exception. From here on the pool listens.
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
      // On a connection that does not answer, the rollback takes as long as the timeouts of the host's Kysely.
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
