import type { Command } from 'commander';
import { ConfigurationError } from '../../errors.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, allSettings, configOf } from '../settings.ts';

/** `gitlab-connector poll`: runs passes until a signal stops the poller. */
export function addPoll(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('poll')
      .summary('sync at an interval, as a service')
      .description(
        'Reads what changed in GitLab at once, and then every POLL_INTERVAL, until SIGTERM or SIGINT. Retries while GitLab or the database cannot be reached.',
      )
      .option('--all', 'serve every enabled connection of type gitlab in the database, instead of GITLAB_URL and REPOS')
      .option('--create-database', 'create the database of DATABASE_URL when the server does not have it'),
    allSettings,
  ).action(async ({ all, createDatabase, ...flags }: { all?: true; createDatabase?: true } & Record<string, unknown>) => {
    const config = configOf(flags, io);
    if (!all && !config.token && !config.tokenFile) throw new ConfigurationError(['GITLAB_TOKEN not set']);
    // Loaded here, because no other command needs the service.
    const { runService } = await import('../../service/service.ts');
    const ended = await runService({ config, servesTable: all === true, createDatabase, target: io.out, signal: io.signal });
    end(ended === 'stopped' ? exitCodes.ok : exitCodes.incomplete);
  });
}
