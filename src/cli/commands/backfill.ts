import type { Command } from 'commander';
import { estimateBackfill } from '../../operations/estimate.ts';
import { streams } from '../../streams/index.ts';
import { ensureConnection } from '../../store/connections.ts';
import type { ExitCode, Io } from '../io.ts';
import { addSettings, gitlabConfigOf } from '../settings.ts';
import { parseMomentFlag } from '../moment-flag.ts';
import { summaryText } from '../summary.ts';
import { withDatabase } from '../with-database.ts';
import { exitCodeOf, reportFailure, syncWithProgress } from './sync.ts';
import type { Work } from './sync.ts';

/** `gitlab-connector backfill`: runs a pass that also reads older history. */
export function addBackfill(program: Command, io: Io, end: (code: ExitCode) => void): void {
  addSettings(
    program
      .command('backfill')
      .summary('read history that is older than the stored events')
      .description(
        'Reads what changed, and also the history back to a moment. A stopped backfill continues where it stopped, with the same command or with the next sync.',
      )
      .requiredOption('--since <when>', 'how far back: 2026-01-31, 2026-01-31T08:00:00Z, or 90d'),
  ).action(async ({ since, ...flags }: { since: string } & Record<string, unknown>) => {
    const backfillTo = parseMomentFlag(since, '--since');
    // New projects are read back to the same moment.
    const config = gitlabConfigOf({ ...flags, syncSince: backfillTo.toISOString() }, io);
    end(await withDatabase(config, (database) => backfill({ database, config, io }, backfillTo)));
  });
}

async function backfill(work: Work, backfillTo: Date): Promise<ExitCode> {
  const { database, config, io } = work;
  await database.migrate();
  const connectionId = await ensureConnection(database.em, config);
  const estimate = await estimateBackfill(database.em, config, connectionId, { backfillTo, signal: io.signal });
  if ('error' in estimate) return reportFailure(estimate, io);
  const { projects, rows, requests } = estimate;
  if (projects > 0) {
    const counted = streams.flatMap(({ name, label }) => (rows[name] === undefined ? [] : [`${rows[name]} ${label}`]));
    const uncounted = streams.filter(({ name, extendBackfill }) => extendBackfill && rows[name] === undefined).map(({ label }) => label);
    io.out.write(
      `Backfill to ${backfillTo.toISOString().slice(0, 16)}Z in ${projects} projects: about ${counted.join(' and ')} in ${requests} requests, and ${uncounted.join(' and ')}, which GitLab does not count\n`,
    );
  }
  const result = await syncWithProgress(
    work,
    { backfillTo },
    Object.values(rows).reduce((sum, count) => sum + count, 0),
  );
  if ('error' in result) return reportFailure(result, io);
  io.out.write(summaryText(result));
  return exitCodeOf(result);
}
