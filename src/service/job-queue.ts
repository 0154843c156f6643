import { PgBoss } from 'pg-boss';
import { DatabaseError, messageOf } from '../errors.ts';
import { connectionOptions } from '../store/database/connection-options.ts';
import { jobSchemaOf } from '../store/database/inspect-jobs.ts';
import { readSchemaState } from '../store/database/schema-state.ts';

const superviseSeconds = 5;

/** Opens the queue, and creates or migrates its tables where they are not up to date and the user may. Rejects with DatabaseError. */
export async function openQueue(
  databaseUrl: string,
  onProblem: (problem: { readonly error?: string; readonly warning?: string }) => void,
): Promise<PgBoss> {
  const schema = jobSchemaOf(databaseUrl);
  const { application_name: applicationName, ...options } = connectionOptions(databaseUrl);
  const state = await withQueueErrors(schema, () => readSchemaState(databaseUrl, schema));
  const boss = new PgBoss({
    ...options,
    application_name: applicationName === 'gitlab-connector' ? 'gitlab-connector jobs' : applicationName,
    schema: /^[a-z_][a-z0-9_]*$/.test(schema) ? schema : `"${schema}"`,
    // PostgreSQL checks the right to create schemas of the database first, also for a schema that exists.
    createSchema: !state.exists,
    // Whoever may not create tables there works with the tables that the owner has made.
    migrate: !state.exists || state.mayCreate,
    max: 4,
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    maintenanceIntervalSeconds: 600,
    openTelemetry: { enabled: false },
  });
  // pg-boss continues by itself when the database is back. The poller's loop reports the outage.
  boss.on('error', (error) => onProblem({ error: messageOf(error) }));
  boss.on('warning', ({ message }) => onProblem({ warning: message }));
  try {
    return await withQueueErrors(schema, () => boss.start());
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => {});
    throw error;
  }
}

/** Creates or migrates the tables of the queue. Rejects with DatabaseError. */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const boss = await openQueue(databaseUrl, () => {});
  await boss.stop({ graceful: false });
}

/** Runs an action on the queue. Its failures become DatabaseErrors that say what to do. */
export async function withQueueErrors<T>(schema: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new DatabaseError(
      `cannot use the schema ${schema} for the jobs of the poller (${messageOf(cause)}): let \`gitlab-connector migrate\` make its tables, as a user who owns the schema or may create it; docs/operations.md, Rights, has the SQL`,
      { cause },
    );
  }
}
