import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { ConfigurationError } from '../../errors.ts';
import { syncGitlab } from '../../sync.ts';
import type { SyncFailure } from '../../sync.ts';
import type { SyncReport } from '../../pass/report.ts';
import { ensureConnection } from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { progressLine } from '../progress.ts';
import { addSettings, configOf } from '../settings.ts';
import { summaryOf } from '../summary.ts';
import { withDatabase } from '../with-database.ts';

/** `gitlab-connector sync`: one pass. */
export function addSync(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('sync')
      .summary('read what changed in GitLab into the database, once')
      .description('Reads what changed in GitLab into the database, once. Makes and updates the tables first.')
      .option('--json', 'print the report as JSON'),
  ).action(async ({ json, ...flags }: { json?: true } & Record<string, unknown>) => {
    const config = configOf(flags, io);
    if (!config.token) throw new ConfigurationError(['GITLAB_TOKEN not set']);
    end(await withDatabase(config, (database) => sync({ database, config, io, json: json === true })));
  });
}

interface Sync {
  readonly database: Database;
  readonly config: Config;
  readonly io: Io;
  readonly json: boolean;
}

async function sync({ database, config, io, json }: Sync): Promise<ExitCode> {
  await database.migrate();
  const result = await syncWithProgress(database, config, io);
  if ('error' in result) return reportFailure(result, io);
  io.out.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${config.url} into the ${database.description}\n${summaryOf(result)}`);
  return result.problems.some(({ expected }) => !expected) ? exitCodes.incomplete : exitCodes.ok;
}

/** A pass that shows on a terminal how far it has come. */
export async function syncWithProgress(database: Database, config: Config, io: Io): Promise<SyncReport | SyncFailure> {
  const connectionId = await ensureConnection(database.em, config);
  const progress = progressLine(io.err, () => performance.now());
  try {
    return await syncGitlab(database.em, config, connectionId, { onProgress: progress.show, signal: io.signal });
  } finally {
    progress.end();
  }
}

/** Says why a pass could not run, and with which code to end. */
export function reportFailure({ error, code }: SyncFailure, { err }: Io): ExitCode {
  err.write(`ERROR: ${error}\n`);
  return code === 'configuration' ? exitCodes.usage : code === 'aborted' ? exitCodes.incomplete : exitCodes.unavailable;
}
