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
 * PostgreSQL notices within half a minute that the machine of a client is gone without a word, and frees what the client
 * had locked; by itself it does so after two hours. What the system of the server does not know is left out by it.
 */
export const noticeLoss = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '30000',
} as const;

const noticeLossOfSession = Object.entries(noticeLoss)
  .map(([name, value]) => `set ${name} = ${value}`)
  .join('; ');

/** Has the server notice the loss of a client. For new ones of a pool. */
export async function onConnect(client: { query(statement: string): Promise<unknown> }): Promise<void> {
  await client.query(noticeLossOfSession);
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
