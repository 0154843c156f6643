import path from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError, messageOf } from '../../errors.ts';
import { connectionOptions, databaseName } from './connection-options.ts';
import { createDatabase } from './create-database.ts';
import { adviceFor, driverError } from './database-errors.ts';
import { encodingAdvice, encodingProblem } from './encoding.ts';
import { onConnect, onPoolCreated } from './lost-connections.ts';
import { entities } from '../entities/index.ts';
import { readEventTable } from '../layouts/event-table.ts';
import { assertUsable, readLayout } from '../layouts/layout.ts';
import { migrations } from '../migrations/index.ts';
import { timelineView } from '../migrations/timeline-view.ts';
import { missingProblem, placeProblem, readSchema, readTablePlace } from './table-place.ts';
import { vacuum } from './vacuum.ts';

/** An open database. Call `close` at the end: an open embedded database keeps the process alive. */
export interface Database {
  /** A description of the database for people, without secrets: `PostgreSQL at host:5432/name` or `embedded database in ./data`. */
  readonly description: string;
  readonly em: SqlEntityManager;
  /** Migrates the tables. Resolves to the names of the migrations that ran. Many processes may call `migrate` at the same time. */
  migrate(): Promise<readonly string[]>;
  /** Names of the migrations that have not run. */
  pendingMigrations(): Promise<readonly string[]>;
  /** The SQL that would make the tables equal to the entities; empty when they are equal. Adopted tables have other types. */
  schemaDrift(): Promise<string>;
  /** Vacuums and analyzes the embedded database where enough rows have changed. Does nothing on PostgreSQL, which has autovacuum. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Which database to open: PostgreSQL when `databaseUrl` is set, else the embedded database in `dataDir`. */
export interface DatabaseOptions {
  readonly databaseUrl?: string | undefined;
  readonly dataDir: string;
  /** Largest number of connections to PostgreSQL. Every running pass keeps one connection for its lock. Default: 10. */
  readonly poolSize?: number | undefined;
  /** Create a missing database on the PostgreSQL. The embedded database is always created. Default: false. */
  readonly createDatabase?: boolean | undefined;
}

/** Options that the MikroORM of a host needs too. */
export const ormOptions = {
  entities,
  extensions: [Migrator],
  migrations: {
    migrationsList: migrations,
    tableName: 'gitlab_connector_migrations',
    snapshot: false,
    snapshotOnMigrate: false,
    silent: true,
  },
  // The view gitlab_timeline and its functions are no entities.
  schemaGenerator: { skipViews: ['gitlab_timeline'], ignoreRoutines: true },
};

/** Key of the advisory lock. The number has no meaning, and is the same in every process that migrates. */
const migrationLock = 7_468_201;

/** Opens the database. Creates a missing embedded database. Throws DatabaseError when the database cannot be used. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, dataDir, poolSize = 10 } = options;
  if (!databaseUrl) return openPglite(dataDir);
  if (options.createDatabase) await connecting(`PostgreSQL at ${databaseName(databaseUrl)}`, adviceFor, () => createDatabase(databaseUrl));
  return openPostgres(databaseUrl, poolSize);
}

async function openPostgres(databaseUrl: string, poolSize: number): Promise<Database> {
  const description = `PostgreSQL at ${databaseName(databaseUrl)}`;
  const { host, port, user, password, database, ...driverOptions } = connectionOptions(databaseUrl);
  const orm = await connecting(description, adviceFor, async () => {
    const opened = await MikroORM.init({
      ...ormOptions,
      host,
      port,
      user,
      dbName: database,
      ensureDatabase: false,
      pool: { max: poolSize },
      // Not to MikroORM itself: it takes no function.
      driverOptions: { ...driverOptions, ...(password === undefined ? {} : { password }), onConnect, onPoolCreated },
    });
    try {
      const { schema, database: realName } = await readSchema(opened.em);
      // MikroORM would look for its table of migrations in `public`, and make it where the search path says. The database may have
      // another name in a pooler.
      if (schema !== null) opened.config.set('schema', schema);
      opened.config.set('dbName', realName);
      return opened;
    } catch (error) {
      await opened.close(true);
      throw error;
    }
  });
  const migrate = () =>
    orm.em.fork().transactional(async (em) => {
      await em.execute(`select pg_advisory_xact_lock(${migrationLock})`);
      return migrateInPlace(orm);
    });
  return databaseOf({ description, orm, migrate, tidy: () => Promise.resolve(), close: () => orm.close(true) });
}

async function openPglite(dataDir: string): Promise<Database> {
  // Loaded only here: fs-native-extensions has native code for most systems, and a PostgreSQL needs none of it.
  const parts = Promise.all([import('@mikro-orm/pglite'), import('./data-dir-lock.ts')]);
  const [{ MikroORM: PgliteMikroORM }, { lockDataDir }] = await parts.catch((cause: unknown) => {
    const system = `${process.platform} on ${process.arch}`;
    throw new DatabaseError(`the embedded database cannot be loaded on ${system} (${messageOf(cause)}): set DATABASE_URL to a PostgreSQL`, {
      cause,
    });
  });
  const lock = lockDataDir(dataDir);
  const description = `embedded database in ${dataDir}`;
  try {
    const orm = await connecting(description, 'set DATA_DIR to an empty folder, or restore this one', async () => {
      const opened = await PgliteMikroORM.init({ ...ormOptions, dbName: path.join(dataDir, 'pglite') });
      await opened.em.fork().execute('select 1');
      return opened;
    });
    const close = async () => {
      await orm.close(true);
      lock.close();
    };
    return databaseOf({ description, orm, migrate: () => migrateInPlace(orm), tidy: () => vacuum(orm.em), close });
  } catch (error) {
    lock.close();
    throw error;
  }
}

interface Opened {
  readonly description: string;
  readonly orm: Pick<MikroORM, 'migrator' | 'schema'> & { readonly em: SqlEntityManager };
  readonly migrate: () => Promise<ReadonlyArray<{ readonly name: string }>>;
  readonly tidy: () => Promise<void>;
  readonly close: () => Promise<void>;
}

function databaseOf({ description, orm, migrate, tidy, close }: Opened): Database {
  return {
    description,
    em: orm.em,
    migrate: async () => {
      assertUsable(
        await connecting(description, 'check its privileges', () => readLayout((text) => orm.em.fork().execute(text))),
        description,
      );
      const applied = await connecting(description, migrationAdvice, async () => {
        const ran = await migrate();
        const missing = missingProblem(await readTablePlace(orm.em));
        if (missing) throw new DatabaseError(missing);
        return ran;
      });
      await connecting(description, 'the tables have been migrated, and the view gitlab_timeline is missing', () => restoreView(orm.em));
      return applied.map(({ name }) => name);
    },
    schemaDrift: () => orm.schema.getUpdateSchemaSQL({ wrap: false }),
    pendingMigrations: async () => (await orm.migrator.getPending()).map(({ name }) => name),
    tidy,
    close,
  };
}

/** Creates the view gitlab_timeline where it is missing: whoever alters change_events has to drop it before. */
async function restoreView(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    await transaction.execute(`select pg_advisory_xact_lock(${migrationLock})`);
    const [found] = await transaction.execute<Array<{ is_there: boolean }>>(
      `select to_regclass('gitlab_timeline') is not null or to_regclass('change_event_versions') is null as is_there`,
    );
    if (found?.is_there) return;
    const { description } = await readEventTable((text) => transaction.execute(text));
    for (const statement of timelineView(description)) await transaction.execute(statement);
  });
}

/** Runs the migrations, unless the tables are in two places or half made, or would be made in an encoding that cannot hold every text. */
async function migrateInPlace(orm: Opened['orm']): ReturnType<Opened['migrate']> {
  const place = await readTablePlace(orm.em);
  const problem = placeProblem(place);
  if (problem) throw new DatabaseError(problem);
  const wrong = place.applied === null ? encodingProblem(place.encoding) : null;
  if (wrong) throw new DatabaseError(`${wrong}. Nothing was changed: ${encodingAdvice}`);
  return orm.migrator.up();
}

const migrationAdvice = (error: unknown): string =>
  (driverError(error) as { readonly code?: unknown }).code === '42501' ? adviceFor(error) : 'the tables have not been changed';

async function connecting<T>(description: string, advice: string | ((error: unknown) => string), action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof DatabaseError) throw new DatabaseError(`cannot use the ${description}: ${cause.message}`, { cause });
    const what = typeof advice === 'string' ? advice : advice(cause);
    throw new DatabaseError(`cannot use the ${description} (${messageOf(driverError(cause))}): ${what}`, { cause });
  }
}
