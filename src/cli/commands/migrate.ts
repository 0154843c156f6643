import type { Command } from 'commander';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { withDatabase } from '../with-database.ts';

/** `gitlab-connector migrate`: makes and updates the tables. */
export function addMigrate(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('migrate')
      .summary('make the tables, or bring them up to date')
      .description("Makes the tables, or brings them up to date. Adopts PainChain's tables where they stand."),
    databaseSettings,
  ).action(async (flags: Record<string, unknown>) => {
    await withDatabase(configOf(flags, io), async (database) => {
      const applied = await database.migrate();
      for (const name of applied) io.out.write(`applied ${name}\n`);
      io.out.write(`${database.description}: ${applied.length === 0 ? 'nothing to do, ' : ''}up to date\n`);
    });
    end(exitCodes.ok);
  });
}
