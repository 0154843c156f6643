import type { SqlEntityManager } from '@mikro-orm/postgresql';

/** A process that can die in the middle of a pass: after its death no request is sent and no transaction is committed. */
export interface Mortal {
  readonly em: SqlEntityManager;
  readonly signal: AbortSignal;
  readonly fetch: typeof globalThis.fetch;
  readonly isDead: () => boolean;
}

/** When to die: at a request, or just before or just after the commit of a transaction, counted from 1. */
export interface Death {
  readonly at: 'request' | 'before commit' | 'after commit';
  readonly count: number;
}

/** Thrown where a dead process would do nothing any more. */
export class DeadError extends Error {}

/** A process over a real EntityManager and a network that dies when told to, or never. */
export function createMortal(em: SqlEntityManager, death: Death | null, fetch: typeof globalThis.fetch = globalThis.fetch): Mortal {
  const end = new AbortController();
  const counts = { request: 0, 'before commit': 0, 'after commit': 0 };
  const isDead = () => end.signal.aborted;
  const reach = (at: Death['at']) => {
    counts[at]++;
    if (death?.at === at && counts[at] >= death.count) end.abort(new DeadError(`killed at ${at} ${death.count}`));
    if (isDead()) throw new DeadError('dead');
  };
  return {
    em: mortal(em),
    signal: end.signal,
    isDead,
    fetch: (input, init) => {
      try {
        reach('request');
      } catch {
        return Promise.reject(end.signal.reason as Error);
      }
      return fetch(input, init);
    },
  };

  /** The EntityManager and all its forks, with transactions that can die. */
  function mortal(target: SqlEntityManager): SqlEntityManager {
    return new Proxy(target, {
      get: (_, property) => {
        if (property === 'transactional') return mortalTransactional(target);
        if (property === 'fork') return (...args: Parameters<SqlEntityManager['fork']>) => mortal(target.fork(...args));
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
  }

  function mortalTransactional(target: SqlEntityManager): SqlEntityManager['transactional'] {
    return async (action, options) => {
      if (isDead()) throw new DeadError('dead');
      const result = await target.transactional(async (inner) => {
        const value = await action(inner);
        reach('before commit');
        return value;
      }, options);
      reach('after commit');
      return result;
    };
  }
}
