import path from 'node:path';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM as PgliteMikroORM } from '@mikro-orm/pglite';
import { MikroORM } from '@mikro-orm/postgresql';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { DatabaseError, messageOf } from '../../errors.ts';
import { driverError } from './database-errors.ts';
import { lockDataDir } from './data-dir-lock.ts';
import { onConnect, onPoolCreated } from './lost-connections.ts';
import { entities } from '../entities/index.ts';
import { readEventTable } from '../layouts/event-table.ts';
import { assertUsable, readLayout } from '../layouts/layout.ts';
import { migrations } from '../migrations/index.ts';
import { timelineView } from '../migrations/timeline-view.ts';
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
  return databaseUrl ? openPostgres(databaseUrl, poolSize) : openPglite(dataDir);
}

/** `keepAlive` detects a server that no longer answers. The timeout ends an attempt to connect to a server that cannot be reached. */
const connectionSettings = { keepAlive: true, keepAliveInitialDelayMillis: 10_000, connectionTimeoutMillis: 30_000 };

async function openPostgres(databaseUrl: string, poolSize: number): Promise<Database> {
  const { host, pathname } = new URL(databaseUrl);
  const description = `PostgreSQL at ${host}${pathname}`;
  const orm = await connecting(description, 'check DATABASE_URL and that the server runs', async () => {
    const opened = await MikroORM.init({
      ...ormOptions,
      clientUrl: databaseUrl,
      pool: { max: poolSize },
      driverOptions: { ...connectionSettings, onConnect, onPoolCreated },
    });
    await opened.em
      .fork()
      .execute('select 1')
      .catch(async (error: unknown) => {
        await opened.close(true);
        throw error;
      });
    return opened;
  });
  const migrate = () =>
    orm.em.fork().transactional(async (em) => {
      await em.execute(`select pg_advisory_xact_lock(${migrationLock})`);
      return orm.migrator.up();
    });
  return databaseOf({ description, orm, migrate, tidy: () => Promise.resolve(), close: () => orm.close(true) });
}

async function openPglite(dataDir: string): Promise<Database> {
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
    return databaseOf({ description, orm, migrate: () => orm.migrator.up(), tidy: () => vacuum(orm.em), close });
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
      const applied = await connecting(description, 'the tables have not been changed', migrate);
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

async function connecting<T>(description: string, advice: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new DatabaseError(`cannot use the ${description} (${messageOf(driverError(cause))}): ${advice}`, { cause });
  }
}
