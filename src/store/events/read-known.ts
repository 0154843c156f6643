import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { withDatabaseErrors } from '../database/database-errors.ts';

/** A connection of type gitlab. */
export interface KnownConnection {
  readonly id: number;
  readonly name: string;
}

/** The names in the tables that a filter can match. */
export interface KnownNames {
  readonly projects: readonly string[];
  readonly authors: readonly string[];
  readonly environments: readonly string[];
  readonly statuses: readonly string[];
}

/** The names in the tables that a filter can match. Reads every event, so call it only after a filter has matched nothing. Throws DatabaseError. */
export async function readKnownNames(em: SqlEntityManager): Promise<KnownNames> {
  return withDatabaseErrors(async () => {
    const kysely = em.fork({ clear: true }).getKysely();
    const texts = async (column: string, table: string) => {
      const { rows } = await sql<{ readonly text: string }>`
        select distinct ${sql.raw(column)} as text from ${sql.raw(table)} where ${sql.raw(column)} is not null order by 1`.execute(kysely);
      return rows.map(({ text }) => text);
    };
    return {
      projects: await texts('full_path', 'gitlab_projects'),
      authors: await texts('author', 'change_events'),
      environments: await texts(`metadata::jsonb ->> 'environment'`, 'change_events'),
      statuses: await texts('status', 'change_event_versions'),
    };
  });
}

/** The connections of type gitlab, by id. Throws DatabaseError. */
export async function readConnections(em: SqlEntityManager): Promise<KnownConnection[]> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<KnownConnection>`select id, name from connections where type = 'gitlab' order by id`.execute(
      em.fork({ clear: true }).getKysely(),
    );
    return rows;
  });
}
