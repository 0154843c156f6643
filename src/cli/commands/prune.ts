import type { Command } from 'commander';
import { prune } from '../../operations/prune.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { parseMomentFlag } from '../moment-flag.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { withDatabase } from '../with-database.ts';

interface PruneFlags extends Record<string, unknown> {
  readonly olderThan: string;
  readonly events?: true;
}

/** `gitlab-connector prune`: deletes old history. */
export function addPrune(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('prune')
      .summary('delete old history')
      .description(
        'Deletes versions that were read before a moment and that a later version of the same event follows, and gaps of projects that are not read any more. Each event keeps its last version. Runs beside a poller on PostgreSQL. RETENTION lets the poller do it each day.',
      )
      .requiredOption('--older-than <when>', 'how old: 400d, or a date such as 2026-01-31')
      .option('--events', 'also delete events that have ended, with all their versions; they are not read again'),
    [...databaseSettings, 'connectionId'],
  ).action(async ({ olderThan, events, ...flags }: PruneFlags) => {
    const before = parseMomentFlag(olderThan, '--older-than');
    const config = configOf(flags, io);
    const deleted = await withDatabase(config, async (database) => {
      await database.migrate();
      return prune(database.em, { before, events, connectionId: config.connectionId, signal: io.signal });
    });
    const counts = Object.entries(deleted).flatMap(([kind, count]) =>
      kind === 'events' && !events ? [] : [`${count} ${count === 1 ? kind.slice(0, -1) : kind}`],
    );
    io.out.write(`deleted what was read before ${before.toISOString()}: ${counts.join(', ')}\n`);
    end(exitCodes.ok);
  });
}
