import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { parseDatabaseUrl } from '../../config/database-url.ts';
import { withDatabaseErrors } from './database-errors.ts';

/** The PostgreSQL schema that holds the jobs of the poller. */
export const jobSchema = 'gitlab_connector_jobs';

/** The schema of the jobs of a database URL: beside the schema of the tables when the URL names one, so that two installations share nothing. */
export function jobSchemaOf(databaseUrl: string): string {
  const { schema = 'public' } = parseDatabaseUrl(databaseUrl).parameters;
  return schema === 'public' ? jobSchema : `${schema}_jobs`;
}

/** What a user may do with the schema of the jobs. */
export interface JobsInspection {
  readonly exists: boolean;
  /** Whether the user may create the schema, or tables in it where it exists. */
  readonly mayMake: boolean;
  readonly hasTables: boolean;
  /** Privileges that the user lacks, such as `usage on schema gitlab_jobs`. */
  readonly missing: readonly string[];
}

/** Inspects the schema of the jobs without changing anything. Throws DatabaseError when the database cannot be read. */
export async function inspectJobs(em: SqlEntityManager, schema: string): Promise<JobsInspection> {
  return withDatabaseErrors(async () => {
    const { rows } = await sql<JobsInspection>`
      with found as (select oid from pg_namespace where nspname = ${schema}), tables as (
        select c.oid, format('%I.%I', ${schema}::text, c.relname) as name from pg_class c join found n on n.oid = c.relnamespace where c.relkind in ('r', 'p')
      )
      select exists (select from found) as exists,
        coalesce((select has_schema_privilege(oid, 'create') from found), has_database_privilege(current_database(), 'create')) as "mayMake",
        exists (select from tables) as "hasTables",
        array(select 'usage on schema ' || quote_ident(${schema}) from found where not has_schema_privilege(oid, 'usage'))
        || array(
          select string_agg(privilege, ', ' order by place) || ' on ' || name
          from tables, unnest(array['select', 'insert', 'update', 'delete']) with ordinality p (privilege, place)
          where not has_table_privilege(oid, privilege) group by name order by name
        ) as missing`.execute(em.fork({ clear: true }).getKysely());
    return rows[0] ?? { exists: false, mayMake: false, hasTables: false, missing: [] };
  });
}
