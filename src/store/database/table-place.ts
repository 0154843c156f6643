import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError } from '../../errors.ts';
import { entities } from '../entities/index.ts';

/** Where the tables of the connector are, or would be made. */
export interface TablePlace {
  /** The first schema of the search path that exists and may be used; null when there is none. */
  readonly schema: string | null;
  readonly searchPath: string;
  /** Encoding of the database, such as `UTF8`. */
  readonly encoding: string;
  /** The tables in that schema, without the table of migrations. */
  readonly present: readonly string[];
  readonly absent: readonly string[];
  /** Names of the migrations that have run; null without the table of migrations. */
  readonly applied: readonly string[] | null;
  /** Tables with the names of the connector's tables in a later schema of the search path: unqualified names would mean those. */
  readonly elsewhere: ReadonlyArray<{ readonly name: string; readonly schema: string }>;
}

const migrationTable = 'gitlab_connector_migrations';

/** The schema in which tables are made, and the database's own name, which may be another in a pooler. */
export async function readSchema(em: SqlEntityManager): Promise<Pick<TablePlace, 'schema'> & { readonly database: string }> {
  const [row] = await em
    .fork({ clear: true })
    .execute<Array<{ readonly schema: string | null; readonly database: string }>>(
      'select current_schema()::text as schema, current_database()::text as database',
    );
  if (!row) throw new DatabaseError('the database returned no row for its own schema: check any proxy in front of PostgreSQL');
  return row;
}

/** Reads where the tables are. Changes nothing. */
export async function readTablePlace(em: SqlEntityManager): Promise<TablePlace> {
  const names = entities.map((entity) => em.getMetadata(entity as never).tableName);
  const fork = em.fork({ clear: true });
  const [row] = await fork.execute<Array<Omit<TablePlace, 'absent' | 'applied'> & { readonly is_recorded: boolean }>>(
    `with t as (
       select name, to_regclass(quote_ident(current_schema()) || '.' || name) as here, to_regclass(name) as found
       from json_array_elements_text(?::json) as t (name)
     )
     select current_schema()::text as schema, current_setting('search_path') as "searchPath",
       current_setting('server_encoding') as encoding,
       coalesce((select json_agg(name) from t where here is not null and name <> '${migrationTable}'), '[]') as present,
       coalesce((select json_agg(json_build_object('name', name, 'schema', n.nspname)) from t join pg_class c on c.oid = found
         join pg_namespace n on n.oid = c.relnamespace where here is distinct from found), '[]') as elsewhere,
       (select here is not null from t where name = '${migrationTable}') as is_recorded`,
    [JSON.stringify([...names, migrationTable])],
  );
  if (!row) throw new DatabaseError('the database returned no row for its own schema: check any proxy in front of PostgreSQL');
  const { is_recorded: isRecorded, ...place } = row;
  const applied = isRecorded ? await fork.execute<Array<{ name: string }>>(`select name from ${migrationTable} order by id`) : null;
  return {
    ...place,
    absent: names.filter((name) => !place.present.includes(name)),
    applied: applied?.map(({ name }) => name) ?? null,
  };
}

/** Tables that PainChain makes too, and that the first migration adopts. */
const adopted = new Set(['connections', 'change_events']);

/** What keeps the tables from being made or migrated, in one line; null when nothing does. */
export function placeProblem({ schema, searchPath, elsewhere, present, applied }: TablePlace): string | null {
  if (schema === null)
    return `no schema of the search path (${searchPath}) exists and may be used: create one and grant usage and create on it, or name another with ?schema=… in DATABASE_URL`;
  const [other] = elsewhere;
  if (other) {
    const tables = elsewhere.map(({ name }) => name).join(', ');
    return `tables would be made in the schema ${schema}, and ${tables} ${elsewhere.length === 1 ? 'is' : 'are'} in the schema ${other.schema}: add ?schema=${other.schema} to DATABASE_URL to use the tables there, or ?schema=${schema} to begin with new ones`;
  }
  const own = present.filter((name) => !adopted.has(name));
  if (own.length > 0 && (applied ?? []).length === 0)
    return `the schema ${schema} has ${own.join(', ')}, but no record of their migrations (${migrationTable}): restore that table from the backup, or let the application migrate that made the tables`;
  return null;
}

/** What is missing after every migration has run, in one line; null when nothing is. */
export function missingProblem({ schema, absent }: TablePlace): string | null {
  if (absent.length === 0) return null;
  return `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} missing in the schema ${schema}, although the migrations are recorded as done: restore from the backup, or drop the tables of the connector together with ${migrationTable} and migrate again`;
}
