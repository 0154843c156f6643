// Passes as jobs of BullMQ: a job scheduler for each connection, any number of workers. The queue is kept in the
// same PostgreSQL; for Redis leave `createPostgresBackend` out and give the connection of Redis.
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ConnectionEntity, syncGitlab } from '@painchain/gitlab-connector';
import type { SyncReport } from '@painchain/gitlab-connector';
import { Queue, UnrecoverableError, Worker, createPostgresBackend } from 'bullmq';
import type { Processor } from 'bullmq';

const queueName = 'gitlab-sync';

/** A pass over one row of `connections`. The token stays in that row: a job must not hold it. */
export interface SyncJob {
  readonly connectionId: number;
}

/** What a worker does with a job. A job that fails is tried again by BullMQ, which is safe: a pass goes on where it was. */
export function syncProcessor(em: SqlEntityManager): Processor<SyncJob, SyncReport | null> {
  return async (job, _token, signal) => {
    const { connectionId } = job.data;
    const connection = await em.fork().findOne(ConnectionEntity, { id: connectionId, enabled: true });
    if (!connection) throw new UnrecoverableError(`There is no enabled connection ${connectionId}`);
    const result = await syncGitlab(em, connection.config ?? {}, connectionId, {
      ...(signal ? { signal } : {}),
      onProgress: (progress) => void job.updateProgress(progress).catch(() => {}),
    });
    if (!('error' in result)) return result;
    // Another worker reads this connection.
    if (result.code === 'busy') return null;
    if (result.code === 'configuration') throw new UnrecoverableError(result.error);
    throw new Error(result.error);
  };
}

/** A queue that creates a job for each of these connections every `everyMs`. Close it when the application ends. */
export async function createSyncQueue(databaseUrl: string, connectionIds: readonly number[], everyMs = 300_000) {
  const queue = new Queue(queueName, { connection: { connectionString: databaseUrl, migrate: true } }, createPostgresBackend);
  for (const connectionId of connectionIds) {
    const data: SyncJob = { connectionId };
    const opts = { attempts: 5, backoff: { type: 'exponential', delay: 10_000 }, removeOnComplete: 100, removeOnFail: 1000 };
    await queue.upsertJobScheduler(`connection-${connectionId}`, { every: everyMs }, { name: 'sync', data, opts });
  }
  return queue;
}

/** A worker. Closing it waits for the jobs in hand. */
export function createSyncWorker(databaseUrl: string, em: SqlEntityManager) {
  return new Worker(queueName, syncProcessor(em), { connection: { connectionString: databaseUrl } }, createPostgresBackend);
}
