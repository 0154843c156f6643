import type { Command } from 'commander';
import * as z from 'zod';
import { ConfigurationError, DatabaseError } from '../../errors.ts';
import { adoptOrphans, countOrphans } from '../../store/events/adopt-orphans.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { withDatabase } from '../with-database.ts';

interface MigrateFlags extends Record<string, unknown> {
  readonly createDatabase?: true;
  readonly adoptOrphans?: string;
}

/** `gitlab-connector migrate`: creates or migrates the tables. */
export function addMigrate(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('migrate')
      .summary('create the tables, or migrate them')
      .description("Creates the tables, or migrates them to this version. Uses PainChain's tables where they exist.")
      .option('--create-database', 'create the database of DATABASE_URL when the server does not have it')
      .option(
        '--adopt-orphans <id>',
        "give the rows of GitLab that have no connection, as PainChain's stand-alone connector stored them, to this connection",
      ),
    databaseSettings,
  ).action(async ({ createDatabase, adoptOrphans: adopter, ...flags }: MigrateFlags) => {
    const config = configOf(flags, io);
    const connectionId = adopter === undefined ? undefined : parseConnectionId(adopter);
    await withDatabase({ ...config, createDatabase }, async (database) => {
      const applied = await database.migrate();
      for (const name of applied) io.out.write(`applied ${name}\n`);
      if (config.databaseUrl) await migrateJobs(config.databaseUrl, io);
      io.out.write(`${database.description}: ${applied.length === 0 ? 'nothing to do, ' : ''}up to date\n`);
      if (connectionId !== undefined) {
        const adopted = await adoptOrphans(database.em, connectionId);
        io.out.write(`${rows(adopted)} without a connection now belong to connection ${connectionId}\n`);
      }
      const left = await countOrphans(database.em);
      if (left === 0) return;
      const advice =
        connectionId === undefined
          ? 'gitlab-connector migrate --adopt-orphans ID gives them to connection ID, else they stay as they are'
          : `connection ${connectionId} has the same events already, so they stay as they are`;
      io.err.write(`WARNING: ${rows(left)} of GitLab in change_events have no connection: ${advice}\n`);
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

const rows = (count: number): string => `${count} ${count === 1 ? 'row' : 'rows'}`;

function parseConnectionId(text: string): number {
  const id = z.coerce.number().int().min(1).max(2_147_483_647).safeParse(text);
  if (!id.success) throw new ConfigurationError([`--adopt-orphans must be the id of a connection, not ${JSON.stringify(text)}`]);
  return id.data;
}
