import type { Command } from 'commander';
import { ConfigurationError } from '../../errors.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, allSettings, configOf } from '../settings.ts';

/** `gitlab-connector poll`: passes, until it is told to stop. */
export function addPoll(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('poll')
      .summary('read what changed, again and again')
      .description(
        'Reads what changed in GitLab at once, and then every POLL_INTERVAL, until SIGTERM or SIGINT. Waits for a GitLab or a database that is away.',
      )
      .option('--all', 'serve every enabled connection of type gitlab in the database, in place of GITLAB_URL and REPOS'),
    allSettings,
  ).action(async ({ all, ...flags }: { all?: true } & Record<string, unknown>) => {
    const config = configOf(flags, io);
    if (!all && !config.token && !config.tokenFile) throw new ConfigurationError(['GITLAB_TOKEN not set']);
    // Loaded here only: no other command has anything to do with it.
    const { runService } = await import('../../service/service.ts');
    const ended = await runService({ config, servesTable: all === true, target: io.out, signal: io.signal });
    end(ended === 'stopped' ? exitCodes.ok : exitCodes.incomplete);
  });
}
