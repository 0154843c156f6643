import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { withDatabaseErrors } from './database-errors.ts';

/** The thresholds of PostgreSQL's autovacuum, but with 1000 rows in place of 50, so that small tables are not vacuumed after every pass. */
const tablesInNeed = `
  select quote_ident(relname) as name from pg_stat_user_tables
  where n_dead_tup > 1000 + n_live_tup / 5 or n_mod_since_analyze > 1000 + n_live_tup / 10
  order by relname`;

/** Vacuums and analyzes the tables in which enough rows have changed. The embedded database has no autovacuum. */
export async function vacuum(em: SqlEntityManager): Promise<void> {
  await withDatabaseErrors(async () => {
    const fork = em.fork();
    await fork.execute('select pg_stat_force_next_flush()');
    const tables = await fork.execute<Array<{ name: string }>>(tablesInNeed);
    for (const { name } of tables) await fork.execute(`vacuum (analyze) ${name}`);
  });
}
