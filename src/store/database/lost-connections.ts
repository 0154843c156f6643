/** The part of pg's pool that `onPoolCreated` uses. */
interface PoolLike {
  on(event: 'connect', listener: (client: ClientLike) => void): unknown;
}

interface ClientLike {
  once(event: 'end', listener: () => void): unknown;
  /** The pool sets this each time a client is taken from the pool. */
  release?: (error?: Error) => void;
}

/**
 * With these settings PostgreSQL detects within half a minute that the machine of a client is gone, and releases the locks of
 * the client. With its defaults PostgreSQL needs two hours. A server ignores a setting that its operating system lacks.
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

/** Makes the server detect the loss of a client. Called for each new client of a pool. */
export async function onConnect(client: { query(statement: string): Promise<unknown> }): Promise<void> {
  await client.query(noticeLossOfSession);
}

/**
 * Releases clients whose connection has ended in the middle of a transaction. Kysely does not release a client whose rollback
 * fails, so without this every outage of the database would leave the pool with fewer clients, until it has none.
 */
export function onPoolCreated(pool: PoolLike): void {
  pool.on('connect', (client) => {
    client.once('end', () => {
      // The holder of the client first receives the failure of the query.
      setImmediate(() => giveBack(client));
    });
  });
}

function giveBack(client: ClientLike): void {
  const { release } = client;
  // The holder may also release the client, before or after this.
  client.release = () => {};
  try {
    release?.(new Error('the connection has ended'));
  } catch {
    // The client was already released.
  }
}
