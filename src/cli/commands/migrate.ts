import type { Command } from 'commander';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { withDatabase } from '../with-database.ts';

/** `gitlab-connector migrate`: creates or migrates the tables. */
export function addMigrate(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('migrate')
      .summary('create the tables, or migrate them')
      .description("Creates the tables, or migrates them to this version. Uses PainChain's tables where they exist.")
      .option('--create-database', 'create the database of DATABASE_URL when the server does not have it'),
    databaseSettings,
  ).action(async ({ createDatabase, ...flags }: { createDatabase?: true } & Record<string, unknown>) => {
    const config = configOf(flags, io);
    await withDatabase({ ...config, createDatabase }, async (database) => {
      const applied = await database.migrate();
      for (const name of applied) io.out.write(`applied ${name}\n`);
      io.out.write(`${database.description}: ${applied.length === 0 ? 'nothing to do, ' : ''}up to date\n`);
    });
    end(exitCodes.ok);
  });
}
