/** The part of pg's pool that is needed here. */
interface PoolLike {
  on(event: 'connect', listener: (client: ClientLike) => void): unknown;
}

interface ClientLike {
  once(event: 'end', listener: () => void): unknown;
  /** Set by the pool each time that it hands the client out. */
  release?: (error?: Error) => void;
}

/**
 * Gives clients back to their pool whose connection has ended in the middle of a transaction. Kysely keeps one whose
 * rollback fails, as it then must: every outage of the database would cost the pool a place, until none is left.
 */
export function onPoolCreated(pool: PoolLike): void {
  pool.on('connect', (client) => {
    client.once('end', () => {
      // Whoever holds the client learns first that his query failed.
      setImmediate(() => giveBack(client));
    });
  });
}

function giveBack(client: ClientLike): void {
  const { release } = client;
  // Its holder may give it back as well, before this or after.
  client.release = () => {};
  try {
    release?.(new Error('the connection has ended'));
  } catch {
    // It was given back already.
  }
}
