import { createHash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readPasses } from '../store/progress/passes.ts';
import type { ConnectionSource, Served } from './connection-source.ts';
import { within } from './retry-until.ts';
import type { View, Watched } from './readiness.ts';

/** A connection as it was seen the last time. */
export interface Known extends Watched {
  /** A pass that started before will not do: this process started then, or the connection changed. */
  readonly wantedSince: number;
  readonly fingerprint: string;
}

/** What a watch looks at. */
export interface WatchOptions {
  readonly em: SqlEntityManager;
  readonly source: ConnectionSource;
  readonly log: Logger;
  /** Called for a connection that is there, or has changed. */
  readonly onChanged: (served: Served) => void;
  /** Called for a connection that is served no more. */
  readonly onGone: (served: Served) => void;
}

/** Watches the connections. */
export interface Watch {
  /** Looks now. Rejects with DatabaseError, soon when the database does not answer; ConfigurationError when the settings fit no connection. */
  readonly look: () => Promise<View & { readonly known: readonly Known[] }>;
  /** As it was seen the last time, or is now when it was not. */
  readonly connectionOf: (id: number) => Promise<Served | undefined>;
}

/** Says once for each unknown key that it is not used. */
function warnOfKeys(log: Logger, { id, name, unknownKeys }: Served, before: Served | undefined): void {
  const told = new Set(before?.unknownKeys.map(({ key }) => key));
  for (const unknown of unknownKeys) {
    if (!told.has(unknown.key)) log.warn({ connection: id, name, ...unknown }, 'config of a connection has a key that is not a setting');
  }
}

const longestLookMs = 15_000;

/** A watch that has seen nothing yet. */
export function createWatch({ em, source, log, onChanged, onGone }: WatchOptions): Watch {
  let known = new Map<number, Known>();
  let looking: ReturnType<Watch['look']> | null = null;

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
          log.error({ connection: one.id, name: one.name, error: one.problem }, 'connection cannot be used until its config is mended');
        } else if (isNew && old) log.info({ connection: one.id, name: one.name }, 'connection has changed');
        if (isNew) warnOfKeys(log, one, old?.served);
        const seen = { served: one, record: byConnection.get(one.id), fingerprint };
        return [one.id, { ...seen, wantedSince: isNew ? now : old.wantedSince, firstSeenAt: old?.firstSeenAt ?? now }];
      }),
    );
    for (const [id, { served: old }] of before) {
      if (known.has(id)) continue;
      log.info({ connection: id, name: old.name }, 'connection is served no more');
      onGone(old);
    }
    const all = [...known.values()];
    return { now, watched: all, known: all };
  };

  const look = () => {
    // Those who ask at the same moment are told the same.
    looking ??= within(
      longestLookMs,
      read(),
      () => new DatabaseError(`the database gives no answer within ${longestLookMs / 1000} s`),
    ).finally(() => {
      looking = null;
    });
    return looking;
  };
  return {
    look,
    connectionOf: async (id) => {
      if (!known.has(id)) await look();
      return known.get(id)?.served;
    },
  };
}
