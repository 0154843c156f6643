import type { Command } from 'commander';
import type { Config } from '../../config/parse-config.ts';
import { syncGitlab } from '../../operations/sync.ts';
import type { SyncOptions } from '../../operations/sync.ts';
import type { SyncFailure } from '../../operations/connect.ts';
import type { SyncReport } from '../../pass/report.ts';
import { printable } from '../../printable.ts';
import { ensureConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database/database.ts';
import { isFailure } from '../../service/problem-line.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { progressLine } from '../progress-line.ts';
import { jsonText } from '../json-text.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { summaryText } from '../summary.ts';
import { withDatabase } from '../with-database.ts';

interface SyncFlags extends Record<string, unknown> {
  readonly json?: true;
  readonly reconcile?: true;
  readonly strict?: true;
  readonly createDatabase?: true;
}

/** `gitlab-connector sync`: runs one pass. */
export function addSync(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('sync')
      .summary('read what changed in GitLab into the database, once')
      .description('Reads what changed in GitLab into the database, once. Creates or migrates the tables first.')
      .option('--reconcile', 'reconcile now: read again what changes without a trace (default: every RECONCILE_INTERVAL)')
      .option('--create-database', 'create the database of DATABASE_URL when the server does not have it')
      .option('--strict', 'end with exit code 1 for known gaps too, and not only for what is new or has become worse')
      .option('--json', 'print the report as JSON'),
  ).action(async ({ json, reconcile, strict, createDatabase, ...flags }: SyncFlags) => {
    const config = gitlabConfigOf(flags, io);
    const how = { json: json === true, reconcile: reconcile === true, strict: strict === true };
    end(await withDatabase({ ...config, createDatabase }, (database) => sync({ database, config, io, ...how })));
  });
}

/** The database, configuration and output of a command. */
export interface Work {
  readonly database: Database;
  readonly config: Config;
  readonly io: Io;
}

interface Sync extends Work {
  readonly json: boolean;
  readonly reconcile: boolean;
  readonly strict: boolean;
}

async function sync({ database, config, io, json, reconcile, strict }: Sync): Promise<ExitCode> {
  await database.migrate();
  const result = await syncWithProgress({ database, config, io }, { reconcile });
  if ('error' in result) return reportFailure(result, io);
  io.out.write(json ? jsonText(result) : `${config.url} into the ${database.description}\n${summaryText(result)}`);
  return exitCodeOf(result, strict);
}

/** The exit code after a pass that ran. `strict`: what was known before counts as well. */
export const exitCodeOf = ({ problems }: SyncReport, strict = false): ExitCode =>
  problems.some((problem) => isFailure(problem) || (strict && !problem.expected)) ? exitCodes.incomplete : exitCodes.ok;

/** Runs a pass and shows its progress on a terminal. `expected`: about how many events it will read; 0 = unknown. */
export async function syncWithProgress(
  { database, config, io }: Work,
  options: Pick<SyncOptions, 'reconcile' | 'backfillTo'> = {},
  expected = 0,
): Promise<SyncReport | SyncFailure> {
  const connectionId = await ensureConnection(database.em, config);
  const progress = progressLine(io.err, () => performance.now(), expected);
  try {
    const result = await syncGitlab(database.em, config, connectionId, { ...options, onProgress: progress.show, signal: io.signal });
    await database.tidy();
    return result;
  } finally {
    progress.end();
  }
}

/** Prints why a pass could not run. Returns the exit code. */
export function reportFailure({ error, code, errorCode }: SyncFailure, { err }: Io): ExitCode {
  err.write(`ERROR: ${printable(error)}${errorCode ? ` [${errorCode}]` : ''}\n`);
  return code === 'configuration' ? exitCodes.usage : code === 'aborted' || code === 'busy' ? exitCodes.incomplete : exitCodes.unavailable;
}
