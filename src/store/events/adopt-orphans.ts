import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../../errors.ts';
import { withDatabaseErrors } from '../database/database-errors.ts';

/** A row of GitLab without a connection: the stand-alone connector of PainChain 0.1 (main.py) stored its rows so. */
const orphans = `source = 'gitlab' and connection_id is null`;

/** How many rows of GitLab have no connection. Throws DatabaseError. */
export async function countOrphans(em: SqlEntityManager): Promise<number> {
  return withDatabaseErrors(async () => {
    const [row] = await em.fork().execute<Array<{ count: number }>>(`select count(*)::int as count from change_events where ${orphans}`);
    return row?.count ?? 0;
  });
}

/**
 * Gives the rows of GitLab that have no connection to a connection. A row whose event the connection has already, or that is there twice, stays as it
 * is. Resolves to how many rows were given. Throws DatabaseError when there is no such connection of type gitlab.
 */
export async function adoptOrphans(em: SqlEntityManager, connectionId: number): Promise<number> {
  return withDatabaseErrors(() =>
    em.fork().transactional(async (transaction) => {
      const [connection] = await transaction.execute<unknown[]>(
        `select id from connections where id = ? and type = 'gitlab' for key share`,
        [connectionId],
      );
      if (!connection) throw new DatabaseError(`there is no connection ${connectionId} of type gitlab in the table connections`);
      const adopted = await transaction.execute<unknown[]>(
        `update change_events e set connection_id = ?
         from (select distinct on (event_id) id, event_id from change_events where ${orphans} order by event_id, id) o
         where e.id = o.id and not exists (select from change_events x where x.connection_id = ? and x.event_id = o.event_id)
         returning e.id`,
        [connectionId, connectionId],
      );
      return adopted.length;
    }),
  );
}
