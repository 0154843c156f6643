import { DatabaseError, GitlabSyncError, RowRefusedError, messageOf } from '../../errors.ts';

/** Runs an action. Throws every failure of the database as DatabaseError with a message of one line. */
export async function withDatabaseErrors<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof GitlabSyncError) throw cause;
    const reason = driverError(cause);
    if (missingTable.has((reason as { code?: unknown }).code)) {
      throw new DatabaseError(
        'the tables are missing or not up to date: run `gitlab-connector migrate`, or the migrations that this package exports',
        { cause },
      );
    }
    if (isOfARow(reason)) throw new RowRefusedError(`the database refused the row (${messageOf(reason).slice(0, 300)})`, { cause });
    throw new DatabaseError(`the database refused (${messageOf(reason).slice(0, 300)})`, { cause });
  }
}

/**
 * PostgreSQL's codes for a refusal that lies in the row: data (22), rules (23, but not a reference, which is the connection's), limits (54),
 * views (44), and what a trigger raises.
 */
function isOfARow(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && /^(22|23|54|44)|^P0001$/.test(code) && code !== '23503';
}

/** PostgreSQL's codes for an unknown table and an unknown column. */
const missingTable = new Set<unknown>(['42P01', '42703']);

/** Whether the server has ended the session of a statement. */
export const isEndedByServer = (error: unknown): boolean => (driverError(error) as { readonly code?: unknown }).code === '57P01';

/** The driver's own error. MikroORM wraps it and repeats the whole statement; Node collects the errors of several attempts in one. */
export function driverError(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return driverError(error.errors[0]);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? driverError(cause) : error;
}
