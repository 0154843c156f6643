import type { EntityName, SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { DatabaseError } from '../../errors.ts';
import { withDatabaseErrors } from './database-errors.ts';
import { GitlabGapEntity } from '../entities/gitlab-gap.ts';
import { GitlabLandmarkEntity } from '../entities/gitlab-landmark.ts';
import { GitlabPassLockEntity } from '../entities/gitlab-pass-lock.ts';
import { GitlabRegistryTagEntity } from '../entities/gitlab-registry-tag.ts';
import { GitlabSharedTimesEntity } from '../entities/gitlab-shared-times.ts';
import { GitlabUnlinkedEntity } from '../entities/gitlab-unlinked.ts';
import { entities } from '../entities/index.ts';
import { migrations } from '../migrations/index.ts';
import { missingProblem, placeProblem, readTablePlace } from './table-place.ts';

/** The oldest PostgreSQL that is supported. CI runs the suite on every version from 13 to 18. */
export const oldestPostgres = 13;

/** What `inspectDatabase` found. */
export interface DatabaseInspection {
  /** Version such as `17.5`. */
  readonly version: string;
  readonly majorVersion: number;
  readonly user: string;
  /** Encoding of the database, such as `UTF8`. */
  readonly encoding: string;
  readonly schema: string | null;
  /** The server is a standby, or its transactions may only read. */
  readonly isReadOnly: boolean;
  readonly mayMakeTables: boolean;
  /** Names of migrations that have run, oldest first; null when the table of migrations is missing. */
  readonly applied: readonly string[] | null;
  /** Names of migrations of this package that have not run. */
  readonly pending: readonly string[];
  /** Whether every table of this package exists. */
  readonly hasTables: boolean;
  /** Why the tables cannot be made or migrated, in one line; null when nothing is wrong with their place. */
  readonly placeProblem: string | null;
  /** Privileges that the user lacks on existing tables and sequences, such as `update on change_events`. */
  readonly missingPrivileges: readonly string[];
}

/** Privileges that a pass needs on each table; `delete` only on the tables below. */
const privileges = ['select', 'insert', 'update', 'delete'];
const tablesWithDeletes = [
  GitlabPassLockEntity,
  GitlabGapEntity,
  GitlabLandmarkEntity,
  GitlabRegistryTagEntity,
  GitlabSharedTimesEntity,
  GitlabUnlinkedEntity,
];

/**
 * Inspects a database without changing anything. `pruned`: the tables from which RETENTION deletes. Throws DatabaseError when the database
 * cannot be read.
 */
export async function inspectDatabase(em: SqlEntityManager, pruned: readonly string[] = []): Promise<DatabaseInspection> {
  const own = entities.map((entity: EntityName<object>) => em.getMetadata(entity).tableName);
  const { tableName: migrationTable = 'mikro_orm_migrations' } = em.config.get('migrations');
  const tables = [...own, migrationTable];
  const withDeletes = [...tablesWithDeletes.map((entity: EntityName<object>) => em.getMetadata(entity).tableName), ...pruned];
  const kysely = em.fork({ clear: true }).getKysely();
  return withDatabaseErrors(async () => {
    const { rows: servers } = await sql<ServerRow>`
      select split_part(current_setting('server_version'), ' ', 1) as version, current_setting('server_version_num')::int / 10000 as "majorVersion",
        current_user::text as "user", current_setting('server_encoding') as encoding, current_schema()::text as schema,
        pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "isReadOnly",
        coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayMakeTables"`.execute(kysely);
    const { rows: found } = await sql<TableRow>`
      select t.name, to_regclass(quote_ident(current_schema()) || '.' || t.name) is not null as present,
        array(select p.privilege || ' on ' || t.name from unnest(${privileges}::text[]) with ordinality p (privilege, place)
          where to_regclass(quote_ident(current_schema()) || '.' || t.name) is not null and (p.privilege <> 'delete' or t.name = any (${withDeletes}::text[])) and not has_table_privilege(to_regclass(quote_ident(current_schema()) || '.' || t.name), p.privilege) order by place) as missing
      from unnest(${tables}::text[]) with ordinality t (name, place) order by t.place`.execute(kysely);
    // To insert into a serial column, the user needs the privilege to use its sequence.
    const { rows: sequences } = await sql<{ readonly name: string }>`
      select s.name from unnest(${tables}::text[]) t (name)
      join pg_attribute a on a.attrelid = to_regclass(quote_ident(current_schema()) || '.' || t.name) and a.attnum > 0 and not a.attisdropped and a.attidentity = ''
      cross join lateral pg_get_serial_sequence(t.name, a.attname) s (name)
      where s.name is not null and not has_sequence_privilege(s.name, 'usage')`.execute(kysely);
    const isReadable = found.some(
      ({ name, present, missing }) => name === migrationTable && present && !missing.some((privilege) => privilege.startsWith('select')),
    );
    const applied = isReadable
      ? (await sql<{ readonly name: string }>`select name from ${sql.table(migrationTable)} order by id`.execute(kysely)).rows
      : null;
    const names = applied?.map(({ name }) => name) ?? null;
    const [server] = servers;
    if (!server)
      throw new DatabaseError('the database returned no row for its own version: check DATABASE_URL, and any proxy in front of PostgreSQL');
    return {
      ...server,
      placeProblem: isReadable || found.every(({ name, present }) => !present || name !== migrationTable) ? await placeProblemOf(em) : null,
      applied: names,
      pending: migrationNames(em).filter((name) => !names?.includes(name)),
      hasTables: found.every(({ name, present }) => present || name === migrationTable),
      missingPrivileges: [...found.flatMap(({ missing }) => missing), ...sequences.map(({ name }) => `usage on sequence ${name}`)],
    };
  });
}

async function placeProblemOf(em: SqlEntityManager): Promise<string | null> {
  const place = await readTablePlace(em);
  // Without any record, an application with a record of its own may have made the tables.
  if (place.schema === null || (place.applied === null && place.elsewhere.length === 0)) return null;
  const isDone = migrationNames(em).every((name) => place.applied?.includes(name));
  return placeProblem(place) ?? (isDone ? missingProblem(place) : null);
}

type ServerRow = Pick<DatabaseInspection, 'version' | 'majorVersion' | 'user' | 'encoding' | 'schema' | 'isReadOnly' | 'mayMakeTables'>;

interface TableRow {
  readonly name: string;
  readonly present: boolean;
  readonly missing: readonly string[];
}

const migrationNames = (em: SqlEntityManager): string[] =>
  migrations.map((Migration) => new Migration(em.getDriver(), em.config).name ?? Migration.name);
