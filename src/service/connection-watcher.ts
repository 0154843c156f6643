import { createHash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readPasses } from '../store/progress/passes.ts';
import type { ConnectionSource, ServedConnection } from './connection-source.ts';
import { within } from './retry-until.ts';
import type { View, Watched } from './readiness.ts';

/** A connection as the last refresh found it. */
export interface Known extends Watched {
  /** When this process started, or when the connection last changed: an earlier pass does not count as its first pass. */
  readonly wantedSince: number;
  readonly fingerprint: string;
}

/** Options of a connection watcher. */
export interface ConnectionWatcherOptions {
  readonly em: SqlEntityManager;
  readonly source: ConnectionSource;
  readonly log: Logger;
  /** Called for a connection that is new or has changed. */
  readonly onChanged: (served: ServedConnection) => void;
  /** Called for a connection that is no longer served. */
  readonly onGone: (served: ServedConnection) => void;
}

/** Knows the connections that the poller serves, and tells when they change. */
export interface ConnectionWatcher {
  /** Reads the connections now. Rejects with DatabaseError, after 15 s at the latest; with ConfigurationError when the settings fit no connection. */
  readonly refresh: () => Promise<View & { readonly known: readonly Known[] }>;
  /** The connection as the last refresh found it. Refreshes when it is unknown. */
  readonly connectionOf: (id: number) => Promise<ServedConnection | undefined>;
}

/** Logs a warning once for each unknown key. */
function warnOfKeys(log: Logger, { id, name, unknownKeys }: ServedConnection, before: ServedConnection | undefined): void {
  const told = new Set(before?.unknownKeys.map(({ key }) => key));
  for (const unknown of unknownKeys) {
    if (!told.has(unknown.key)) log.warn({ connection: id, name, ...unknown }, 'config of a connection has a key that is not a setting');
  }
}

const readTimeoutMs = 15_000;

/** A watcher that has read nothing yet. */
export function createConnectionWatcher({ em, source, log, onChanged, onGone }: ConnectionWatcherOptions): ConnectionWatcher {
  let known = new Map<number, Known>();
  let refreshing: ReturnType<ConnectionWatcher['refresh']> | null = null;

  const read = async () => {
    const served = await source(em);
    const { now, byConnection } = await readPasses(em);
    const before = known;
    known = new Map(
      served.map((one) => {
        const fingerprint = createHash('sha256').update(JSON.stringify(one)).digest('base64');
        const old = before.get(one.id);
        const isNew = old?.fingerprint !== fingerprint;
        if (isNew) onChanged(one);
        if (isNew && one.problem !== null && one.problem !== old?.served.problem) {
          log.error({ connection: one.id, name: one.name, error: one.problem }, 'connection cannot be used: fix its config');
        } else if (isNew && old) log.info({ connection: one.id, name: one.name }, 'connection changed');
        if (isNew) warnOfKeys(log, one, old?.served);
        const seen = { served: one, record: byConnection.get(one.id), fingerprint };
        return [one.id, { ...seen, wantedSince: isNew ? now : old.wantedSince, firstSeenAt: old?.firstSeenAt ?? now }];
      }),
    );
    for (const [id, { served: old }] of before) {
      if (known.has(id)) continue;
      log.info({ connection: id, name: old.name }, 'connection no longer served');
      onGone(old);
    }
    const all = [...known.values()];
    return { now, watched: all, known: all };
  };

  const refresh = () => {
    // Concurrent callers share one read.
    refreshing ??= within(
      readTimeoutMs,
      read(),
      () => new DatabaseError(`the database did not answer within ${readTimeoutMs / 1000} s`),
    ).finally(() => {
      refreshing = null;
    });
    return refreshing;
  };
  return {
    refresh,
    connectionOf: async (id) => {
      if (!known.has(id)) await refresh();
      return known.get(id)?.served;
    },
  };
}
