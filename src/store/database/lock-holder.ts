import { randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { openLockSession } from './lock-session.ts';
import type { LockSession } from './lock-session.ts';
import { noticeLoss } from './lost-connections.ts';

/** A session of PostgreSQL that shows, by an advisory lock, that this process lives. All passes of the process share it. */
export interface LockHolder {
  /** Key of the advisory lock, as PostgreSQL writes a bigint. No other session has the same. */
  readonly key: string;
  /** Aborts, with the reason, when the session has ended. */
  readonly signal: AbortSignal;
  /** Sends a query in the session. Resolves when the session was there without a break until now, rejects with the reason otherwise. */
  readonly confirm: () => Promise<void>;
}

/** How often a query checks that the session still exists. */
export interface Watch {
  readonly everyMs: number;
  /** The session counts as lost after this many intervals without an answer. */
  readonly missedAnswers: number;
}

/** Settings of the session's transaction, because the connections of a host's MikroORM may lack them. */
const holderSettings = JSON.stringify({ idle_in_transaction_session_timeout: '0', transaction_timeout: '0', ...noticeLoss });

interface SharedHolder {
  readonly holder: Promise<LockHolder & { readonly close: () => Promise<void> }>;
  users: number;
}

/** The open holders, by the driver of their database. */
const holders = new WeakMap<object, SharedHolder>();

/**
 * Runs an action with the holder of this process, which is opened when nobody uses it. The session ends after the last action that uses it.
 * `isShared` says whether others use it at that moment.
 */
export async function withLockHolder<T>(
  em: SqlEntityManager,
  watch: Watch,
  action: (holder: LockHolder, isShared: () => boolean) => Promise<T>,
): Promise<T> {
  const driver = em.getDriver();
  const shared = holders.get(driver) ?? { holder: openHolder(em, watch), users: 0 };
  holders.set(driver, shared);
  // A pass that begins now opens a session of its own.
  const forget = () => holders.get(driver) === shared && holders.delete(driver);
  shared.users++;
  try {
    const holder = await shared.holder;
    holder.signal.addEventListener('abort', forget, { once: true });
    if (holder.signal.aborted) forget();
    return await action(holder, () => shared.users > 1);
  } finally {
    if (--shared.users === 0) {
      forget();
      await shared.holder.then(
        ({ close }) => close(),
        () => {},
      );
    }
  }
}

async function openHolder(em: SqlEntityManager, watch: Watch): Promise<LockHolder & { readonly close: () => Promise<void> }> {
  const key = randomBytes(8).readBigInt64BE().toString();
  const lost = new AbortController();
  const onLost = (reason: unknown) => lost.abort(reason);
  // The transaction stays open as long as a pass runs. It holds no snapshot, so it does not hinder vacuum.
  const session = await openLockSession(em, onLost, beginHolding(key));
  const stopWatching = watchSession(session, watch, onLost);
  return {
    key,
    signal: lost.signal,
    confirm: async () => {
      await session.query('select 1').catch(onLost);
      lost.signal.throwIfAborted();
    },
    close: async () => {
      // `close` never rejects, also when the connection has already ended.
      await session.close();
      stopWatching();
    },
  };
}

const beginHolding = (key: string): string => `
  select set_config(name, value, true) from pg_settings join json_each_text('${holderSettings}') as wanted (key, value) on key = name
  union all select set_config('application_name', current_setting('application_name') || ' locks', true)
  union all select pg_advisory_xact_lock(${key})::text`;

/** Checks at intervals that the session exists. Returns a function that stops the checks. */
function watchSession(session: LockSession, { everyMs, missedAnswers }: Watch, onLost: (cause: unknown) => void): () => void {
  let unanswered = 0;
  // Counts intervals instead of time, because a process that was paused for long has missed no answer.
  const timer = setInterval(() => {
    if (unanswered >= missedAnswers) {
      const reason = new Error('the server does not answer');
      clearInterval(timer);
      session.destroy(reason);
      onLost(reason);
    } else if (unanswered++ === 0) {
      session.query('select 1').then(() => (unanswered = 0), onLost);
    }
  }, everyMs);
  return () => clearInterval(timer);
}
