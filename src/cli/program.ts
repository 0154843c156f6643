import { Command, CommanderError } from 'commander';
import { ConfigurationError, GitlabSyncError, messageOf } from '../errors.ts';
import { version } from '../version.ts';
import { commands } from './command-list.ts';
import { exitCodes } from './io.ts';
import type { ExitCode, Io } from './io.ts';

/** Runs one command line (without node and script) and resolves to the code to exit with. Throws only for bugs. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const program = createProgram(io);
  await addCommands(program, { argv, io }, (ended) => {
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

function createProgram(io: Io): Command {
  return new Command('gitlab-connector')
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
}

/** Adds all commands. Loads only those whose names are among the arguments: loading all of them takes longer than most commands run. */
async function addCommands(
  program: Command,
  { argv, io }: { readonly argv: readonly string[]; readonly io: Io },
  end: (code: ExitCode) => void,
): Promise<void> {
  for (const { usage, summary, load } of commands) {
    const [name = ''] = usage.split(' ');
    if (argv.includes(name)) (await load())(program, io, end);
    else program.command(usage).summary(summary);
  }
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
