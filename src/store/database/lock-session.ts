import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/** A session of PostgreSQL with a transaction that stays open until `close`. */
export interface LockSession {
  readonly query: (statements: string) => Promise<unknown>;
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
  query(statements: string): Promise<unknown>;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  removeListener(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  release(error?: Error): void;
}

/**
 * Opens a session whose transaction begins with a statement. Calls `onEnd` at once when the session ends before `close`. When a host
 * application uses its own Kysely, the connections cannot be watched, and `onEnd` is never called.
 */
export async function openLockSession(em: SqlEntityManager, onEnd: (reason: Error) => void, statement: string): Promise<LockSession> {
  const pool = await poolOf(em);
  const session = await (pool ? openWatched(pool, onEnd) : openUnwatched(em));
  try {
    await session.query(pool ? `begin; ${statement}` : statement);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
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
  return {
    query: (statements) => client.query(statements),
    destroy: (reason) => {
      ended ??= reason;
      release();
    },
    close: async () => {
      await client.query('rollback').catch((error: Error) => (ended ??= error));
      release();
    },
  };
}

async function openUnwatched(em: SqlEntityManager): Promise<LockSession> {
  const transaction = await em.fork({ clear: true }).getKysely().startTransaction().execute();
  let isDestroyed = false;
  return {
    query: (statements) => transaction.executeQuery(CompiledQuery.raw(statements)),
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
