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

/** What to do when a database cannot be opened, by PostgreSQL's code. */
const advice: Readonly<Record<string, string>> = {
  '3D000': 'check the name in DATABASE_URL, or create it: `gitlab-connector migrate --create-database` does',
  '28P01': 'check the user and the password in DATABASE_URL',
  '28000': 'check the user and sslmode in DATABASE_URL, and what pg_hba.conf allows',
  '42501': 'grant the right to the user of DATABASE_URL, or migrate as the owner of the tables: docs/operations.md, Rights',
  '53100': 'the disk of the server is full: free space on it',
  '53300': 'the server has no free connection: raise max_connections, or put PgBouncer in front',
};

/** What to do when a database cannot be opened. */
export const adviceFor = (error: unknown): string =>
  advice[String((driverError(error) as { readonly code?: unknown }).code)] ?? 'check DATABASE_URL and that the server runs';

/** Whether the server has ended the session of a statement. */
export const isEndedByServer = (error: unknown): boolean => (driverError(error) as { readonly code?: unknown }).code === '57P01';

/** The driver's own error. MikroORM wraps it and repeats the whole statement; Node collects the errors of several attempts in one. */
export function driverError(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return driverError(error.errors[0]);
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? driverError(cause) : error;
}
