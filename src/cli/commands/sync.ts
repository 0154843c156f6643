import type { Command } from 'commander';
import type { Config } from '../../config/parse-config.ts';
import { syncGitlab } from '../../operations/sync.ts';
import type { SyncOptions } from '../../operations/sync.ts';
import type { SyncFailure } from '../../operations/connect.ts';
import type { SyncReport } from '../../pass/report.ts';
import { ensureConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database/database.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { progressLine } from '../progress-line.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { summaryOf } from '../summary.ts';
import { withDatabase } from '../with-database.ts';

/** `gitlab-connector sync`: one pass. */
export function addSync(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('sync')
      .summary('read what changed in GitLab into the database, once')
      .description('Reads what changed in GitLab into the database, once. Makes and updates the tables first.')
      .option('--reconcile', 'read again at once what may change without a trace (else every RECONCILE_INTERVAL)')
      .option('--json', 'print the report as JSON'),
  ).action(async ({ json, reconcile, ...flags }: { json?: true; reconcile?: true } & Record<string, unknown>) => {
    const config = gitlabConfigOf(flags, io);
    end(await withDatabase(config, (database) => sync({ database, config, io, json: json === true, reconcile: reconcile === true })));
  });
}

/** What a command works with. */
export interface Work {
  readonly database: Database;
  readonly config: Config;
  readonly io: Io;
}

interface Sync extends Work {
  readonly json: boolean;
  readonly reconcile: boolean;
}

async function sync({ database, config, io, json, reconcile }: Sync): Promise<ExitCode> {
  await database.migrate();
  const result = await syncWithProgress({ database, config, io }, { reconcile });
  if ('error' in result) return reportFailure(result, io);
  io.out.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${config.url} into the ${database.description}\n${summaryOf(result)}`);
  return exitCodeOf(result);
}

/** The code to end with after a pass that ran. */
export const exitCodeOf = ({ problems }: SyncReport): ExitCode =>
  problems.some(({ expected }) => !expected) ? exitCodes.incomplete : exitCodes.ok;

/** A pass that shows on a terminal how far it has come. `expected`: about how many events it will read; 0 = unknown. */
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

/** Says why a pass could not run, and with which code to end. */
export function reportFailure({ error, code, errorCode }: SyncFailure, { err }: Io): ExitCode {
  err.write(`ERROR: ${error}${errorCode ? ` [${errorCode}]` : ''}\n`);
  return code === 'configuration' ? exitCodes.usage : code === 'aborted' || code === 'busy' ? exitCodes.incomplete : exitCodes.unavailable;
}
