import type { Command } from 'commander';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.ts';
import { adoptOrphans, countOrphans } from '../../store/events/adopt-orphans.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { withDatabase } from '../with-database.ts';

interface MigrateFlags extends Record<string, unknown> {
  readonly adoptOrphans?: string;
}

/** `gitlab-connector migrate`: creates or migrates the tables. */
export function addMigrate(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('migrate')
      .summary('create the tables, or migrate them')
      .description("Creates the tables, or migrates them to this version. Uses PainChain's tables where they exist.")
      .option(
        '--adopt-orphans <id>',
        "give the rows of GitLab that have no connection, as PainChain's stand-alone connector stored them, to this connection",
      ),
    databaseSettings,
  ).action(async ({ adoptOrphans: adopter, ...flags }: MigrateFlags) => {
    const connectionId = adopter === undefined ? undefined : parseConnectionId(adopter);
    await withDatabase(configOf(flags, io), async (database) => {
      const applied = await database.migrate();
      for (const name of applied) io.out.write(`applied ${name}\n`);
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

const rows = (count: number): string => `${count} ${count === 1 ? 'row' : 'rows'}`;

function parseConnectionId(text: string): number {
  const id = z.coerce.number().int().min(1).max(2_147_483_647).safeParse(text);
  if (!id.success) throw new ConfigurationError([`--adopt-orphans must be the id of a connection, not ${JSON.stringify(text)}`]);
  return id.data;
}
