import { Command, CommanderError } from 'commander';
import { ConfigurationError, GitlabSyncError, messageOf } from '../errors.ts';
import { version } from '../version.ts';
import { addAudit } from './commands/audit.ts';
import { addBackfill } from './commands/backfill.ts';
import { addCheck } from './commands/check.ts';
import { addDemo } from './commands/demo.ts';
import { addEvents } from './commands/events.ts';
import { addMigrate } from './commands/migrate.ts';
import { addPlan } from './commands/plan.ts';
import { addPoll } from './commands/poll.ts';
import { addSync } from './commands/sync.ts';
import { addTimeline } from './commands/timeline.ts';
import { exitCodes } from './io.ts';
import type { ExitCode, Io } from './io.ts';

/** Runs one command line (without node and script) and resolves to the code to exit with. Throws only for bugs. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = createProgram(io, (ended) => {
    code = ended;
  });
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return codeOf(error, io);
  }
}

function createProgram(io: Io, end: (code: ExitCode) => void): Command {
  const program = new Command('gitlab-connector')
    .description('Every change in your GitLab as rows in PostgreSQL.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.err.write(text.replace(/^error: /, 'ERROR: ')),
    })
    .addHelpText(
      'after',
      '\nExit codes: 0 everything was read, 1 something could not be read or is missing, 2 wrong usage or configuration,\n3 GitLab or the database cannot be reached or refuses access, 141 the reader closed the pipe.',
    );
  for (const add of [addSync, addPoll, addBackfill, addAudit, addCheck, addPlan, addMigrate, addEvents, addTimeline, addDemo])
    add(program, io, end);
  return program;
}

/** Prints one line for an error that the user can fix. Throws any other error: it is a bug, and its stack helps. */
function codeOf(error: unknown, { err }: Io): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ConfigurationError) {
    for (const issue of error.issues) err.write(`ERROR: ${issue} [${error.code}]\n`);
    return exitCodes.usage;
  }
  if (error instanceof GitlabSyncError) {
    err.write(`ERROR: ${messageOf(error)} [${error.code}]\n`);
    return exitCodes.unavailable;
  }
  throw error;
}
