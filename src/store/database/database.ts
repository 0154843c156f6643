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
import { migrations } from '../migrations/index.ts';
import { vacuum } from './vacuum.ts';

/** An open database. Close it when done: the embedded one keeps the process alive until then. */
export interface Database {
  /** What it is, for people, without secrets: `PostgreSQL at host:5432/name` or `embedded database in ./data`. */
  readonly description: string;
  readonly em: SqlEntityManager;
  /** Brings the tables up to date; resolves to the names of the migrations that ran. Safe to call from many processes at once. */
  migrate(): Promise<readonly string[]>;
  /** Names of the migrations that have not run. */
  pendingMigrations(): Promise<readonly string[]>;
  /** What the entities would change in the tables, as SQL; empty when they agree. Adopted tables differ in their types. */
  schemaDrift(): Promise<string>;
  /** Does for the embedded database what a PostgreSQL does by itself, where enough has changed: new statistics, and the space of old rows. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

/** Where to store: a PostgreSQL when `databaseUrl` is set, else the embedded one in `dataDir`. */
export interface DatabaseOptions {
  readonly databaseUrl?: string | undefined;
  readonly dataDir: string;
  /** Connections to a PostgreSQL at the most; every pass that runs keeps one for its lock. Default: 10. */
  readonly poolSize?: number | undefined;
}

/** Options that a host's own MikroORM needs as well, beside its connection. */
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
};

/** Any number; the same one in every process that migrates. */
const migrationLock = 7_468_201;

/** Opens the database, making the embedded one when it does not exist. Throws DatabaseError when it cannot be used. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { databaseUrl, dataDir, poolSize = 10 } = options;
  return databaseUrl ? openPostgres(databaseUrl, poolSize) : openPglite(dataDir);
}

/** A server that is gone without a word is noticed by the first; one that cannot be reached by the second. */
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
      const applied = await connecting(description, 'the tables were left as they were', migrate);
      return applied.map(({ name }) => name);
    },
    schemaDrift: () => orm.schema.getUpdateSchemaSQL({ wrap: false }),
    pendingMigrations: async () => (await orm.migrator.getPending()).map(({ name }) => name),
    tidy,
    close,
  };
}

async function connecting<T>(description: string, advice: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new DatabaseError(`cannot use the ${description} (${messageOf(driverError(cause))}): ${advice}`, { cause });
  }
}
