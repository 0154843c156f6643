// Runs one reader in a process of its own, so that its figures contain no other work.
import { answering } from '../measure/channel.ts';
import { runConnector, withDatabase } from './connector.ts';
import type { ConnectorPass } from './connector.ts';
import { limit } from './limit.ts';
import { oneByOne } from './one-by-one.ts';
import type { Peer, Reading } from './peer.ts';

/** The figures of one run. */
export interface Usage {
  readonly wallSeconds: number;
  /** User and system, of this process alone. */
  readonly cpuSeconds: number;
  /** Highest resident memory since the process began, its libraries included. */
  readonly peakMegabytes: number;
  /** What is in use when the run has ended: the heap after a collection. */
  readonly liveMegabytes: number;
  /** Resident memory when the run began. */
  readonly startMegabytes: number;
}

/** A run and what it read and wrote. */
export interface Measured extends Usage {
  readonly rowsRead: number;
  /** Rows of change_events that were inserted or changed; null for readers that store nothing. */
  readonly rowsWritten: number | null;
}

const peers: Readonly<Record<string, Peer>> = { oneByOne, limit };

answering({
  read: async (argument): Promise<Measured> => {
    const { peer, reading } = argument as { readonly peer: string; readonly reading: Reading };
    const read = peers[peer];
    if (!read) throw new Error(`there is no peer ${peer}`);
    let rowsRead = 0;
    const usage = await using(() =>
      read(reading, () => {
        rowsRead++;
      }),
    );
    return { ...usage, rowsRead, rowsWritten: null };
  },
  sync: async (argument): Promise<Measured> => {
    const { config, database } = argument as ConnectorPass;
    return withDatabase(database, async (opened) => {
      await opened.migrate();
      let counts = { fetched: 0, stored: 0 };
      const usage = await using(async () => {
        counts = await runConnector(opened, config);
      });
      return { ...usage, rowsRead: counts.fetched, rowsWritten: counts.stored };
    });
  },
});

async function using(action: () => Promise<void>): Promise<Usage> {
  const startMegabytes = process.memoryUsage.rss() / 2 ** 20;
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await action();
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  globalThis.gc?.();
  return { wallSeconds, cpuSeconds, peakMegabytes, liveMegabytes: process.memoryUsage().heapUsed / 2 ** 20, startMegabytes };
}
