import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { CompiledQuery, Kysely } from 'kysely';

const holders = `select distinct k.pid from gitlab_pass_locks l join pg_locks k
    on k.locktype = 'advisory' and k.objsubid = 1 and k.mode = 'ExclusiveLock' and k.granted and (k.classid::bigint << 32 | k.objid::bigint) = l.holder
  where l.connection_id = ? and k.database = (select oid from pg_database where datname = current_database())`;

/** Ends the sessions that hold locks of a connection, as an administrator or a network does. Resolves to how many, when they are gone. */
export async function cutLocks(em: SqlEntityManager, connectionId: number): Promise<number> {
  const fork = em.fork();
  const cut = await fork.execute<unknown[]>(`select pg_terminate_backend(pid) from (${holders}) h`, [connectionId]);
  let left = cut.length;
  while (left > 0) left = (await fork.execute<unknown[]>(holders, [connectionId])).length;
  return cut.length;
}

/**
 * An EntityManager as that of a host with a Kysely of its own, and with a network that never tells that a session has ended: a pass
 * there goes on after its lock was cut, as a process does that was paused meanwhile.
 */
export function blind(em: SqlEntityManager, driver = Object.create(em.getDriver()) as object): SqlEntityManager {
  return new Proxy(em, {
    get: (_, property) => {
      // Passes over a driver are known to each other; this one is another process's.
      if (property === 'getDriver') return () => driver;
      if (property === 'getConnection') return () => ({});
      if (property === 'getKysely') return () => silent(em.getKysely());
      if (property === 'fork') return (...options: Parameters<SqlEntityManager['fork']>) => blind(em.fork(...options), driver);
      return bound(em, property);
    },
  });
}

/** The transaction of a lock, in which no statement fails. */
function silent(kysely: Kysely<unknown>): Kysely<unknown> {
  const startTransaction = () => ({
    execute: async () => {
      const transaction = await kysely.startTransaction().execute();
      return {
        executeQuery: (query: CompiledQuery) => transaction.executeQuery(query).catch(() => ({ rows: [] })),
        rollback: () => transaction.rollback(),
      };
    },
  });
  return new Proxy(kysely, {
    get: (_, property) => (property === 'startTransaction' ? startTransaction : bound(kysely, property)),
  });
}

function bound(target: object, property: string | symbol): unknown {
  const value: unknown = Reflect.get(target, property, target);
  return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}
