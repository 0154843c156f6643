import type { Command } from 'commander';
import { DatabaseError } from '../../errors.ts';
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
      if (config.databaseUrl) await migrateJobs(config.databaseUrl, io);
      io.out.write(`${database.description}: ${applied.length === 0 ? 'nothing to do, ' : ''}up to date\n`);
    });
    end(exitCodes.ok);
  });
}

/** The queue is the poller's. Who only runs `sync` needs neither the queue nor the right to make its schema. */
async function migrateJobs(databaseUrl: string, io: Io): Promise<void> {
  // Loaded here, because only the poller uses it otherwise.
  const { migrateQueue } = await import('../../service/job-queue.ts');
  try {
    await migrateQueue(databaseUrl);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    io.err.write(`WARNING: \`sync\` will work, \`poll\` will not: ${error.message}\n`);
  }
}
