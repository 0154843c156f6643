import { createHash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConnectionEntity, syncGitlab } from '../../src/index.ts';
import type { GitlabConfig, SyncReport } from '../../src/index.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database, DatabaseOptions } from '../../src/store/database/database.ts';

/** A pass of the connector, as a user runs it. */
export interface ConnectorPass {
  readonly config: GitlabConfig;
  readonly database: DatabaseOptions;
}

/** Runs one pass on an open database that has tables. Throws when anything could not be read. */
export async function runConnector({ em }: Pick<Database, 'em'>, config: GitlabConfig): Promise<SyncReport> {
  const connectionId = await connectionIn(em, config.url ?? '');
  // The others read no deployments.
  const streams = ['merge-requests', 'pipelines', 'releases', 'commits', 'registry-images'];
  const report = await syncGitlab(em, { ...config, streams }, connectionId);
  if ('error' in report) throw new Error(report.error);
  const wrong = report.problems.filter(({ expected }) => !expected);
  if (wrong.length > 0) throw new Error(JSON.stringify(wrong[0]));
  return report;
}

/** Opens a database for an action. */
export async function withDatabase<T>(options: DatabaseOptions, action: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await action(database);
  } finally {
    await database.close();
  }
}

async function connectionIn(em: SqlEntityManager, url: string): Promise<number> {
  const fork = em.fork({ clear: true });
  const known = await fork.findOne(ConnectionEntity, { type: 'gitlab' });
  if (known) return known.id;
  const connection = fork.create(ConnectionEntity, { name: 'bench', type: 'gitlab', config: { url } });
  await fork.persist(connection).flush();
  return connection.id;
}

/** The events as they are stored. */
export interface StoredEvents {
  readonly ids: readonly string[];
  /** Moves with every write to a row. */
  readonly writes: string;
}

/** Reads which events are stored, and which transactions wrote them. */
export async function storedEvents({ em }: Pick<Database, 'em'>): Promise<StoredEvents> {
  const rows = await em
    .fork()
    .execute<Array<{ event_id: string; xmin: string }>>('select event_id, xmin::text from change_events order by event_id');
  const hash = createHash('sha256');
  for (const { event_id, xmin } of rows) hash.update(`${event_id} ${xmin}\n`);
  return { ids: rows.map(({ event_id }) => event_id), writes: hash.digest('hex') };
}
