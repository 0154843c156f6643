import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { TimelineChange, TimelineFilter, TimelineQuery } from '../../store/events/read-timeline.ts';
import type { Reads } from '../../store/reads.ts';
import { readCommitDates } from '../../timeline/commit-dates.ts';
import { csvText, timelineCsvColumns, timelineCsvRow } from '../../timeline/csv-text.ts';
import { coverageText } from '../coverage-text.ts';
import { firstRows } from '../first-rows.ts';
import { addFilters, filterOf, refuseUnknown } from '../filters.ts';
import type { FilterFlags } from '../filters.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonLine, jsonText } from '../json-text.ts';
import { countText, parseLimit } from '../limit.ts';
import { refuseMissing } from '../missing-database.ts';
import { addSettings, databaseConfigOf, databaseSettings } from '../settings.ts';
import { widthOf } from '../table.ts';
import { timelineRows, timelineTable } from '../timeline-table.ts';
import { addWindow, windowOf } from '../window.ts';
import type { Window, WindowFlags } from '../window.ts';
import { withReads } from '../with-reads.ts';

interface TimelineFlags extends FilterFlags, WindowFlags {
  readonly by: 'happened' | 'arrival';
  readonly noise?: true;
  readonly limit: string;
  readonly all?: true;
  readonly follow?: true;
  readonly json?: true;
  readonly ndjson?: true;
  readonly csv?: true;
}

/** `gitlab-connector timeline`: what changed in a window of time. */
export function addTimeline(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const command = program
    .command('timeline')
    .summary('show what changed in a window of time')
    .description('Shows what changed in a window of time, the oldest first, and how far GitLab was read.');
  addWindow(command)
    .addOption(
      new Option('--by <time>', 'the time that counts: of the change, or of its arrival here')
        .choices(['happened', 'arrival'])
        .default('happened'),
    )
    .option('--noise', 'also votes, comments and what GitLab computes')
    .addOption(new Option('--hide <what>', 'leave out noise, as by default').choices(['noise']));
  addFilters(command)
    .option('--limit <count>', 'at most this many changes', '100')
    .option('--all', 'every change of the window')
    .addOption(
      new Option('--follow', 'go on with changes that arrive, until the command is stopped').conflicts(['json', 'csv', 'to', 'around']),
    )
    .addOption(new Option('--json', 'print one JSON object with changes and coverage').conflicts(['ndjson', 'csv']))
    .addOption(new Option('--ndjson', 'print a JSON object a line').conflicts('csv'))
    .option('--csv', 'print comma-separated values, with a line of names first');
  addSettings(command, [...databaseSettings, 'connectionId']).action(async (flags: TimelineFlags) => {
    const config = databaseConfigOf(flags, io);
    const window = windowOf(flags, io);
    const most = flags.all ? Number.POSITIVE_INFINITY : parseLimit(flags.limit);
    refuseMissing(config);
    await withReads(config, async (reads) => {
      const filter = await filterOf(reads, flags, config.connectionId);
      const shown = { ...filter, showNoise: flags.noise === true };
      const query = { ...shown, from: window.from, to: window.to, by: flags.by };
      await show({ reads, io, window, flags }, query, most);
      if (flags.follow) await follow({ reads, io, window, flags }, shown);
    });
    end(exitCodes.ok);
  });
}

interface Showing {
  readonly reads: Reads;
  readonly io: Io;
  readonly window: Window;
  readonly flags: TimelineFlags;
}

async function show({ reads, io, window, flags }: Showing, query: TimelineQuery, most: number): Promise<void> {
  const { out } = io;
  const changes = await firstChanges(reads, query, most);
  if (changes.length === 0) await refuseUnknown(reads, flags);
  const count = changes.length < most ? changes.length : await reads.countTimeline(query);
  const coverage = await reads.readCoverage(query);
  if (flags.json) {
    const { from, to } = query;
    out.write(jsonText({ from, to, count, isCut: count > changes.length, changes, coverage }));
    return;
  }
  if (flags.ndjson) for (const change of changes) out.write(jsonLine(change));
  else if (flags.csv) out.write(csvText([timelineCsvColumns, ...changes.map(timelineCsvRow)]));
  else if (changes.length > 0) out.write(timelineTable(changes, widthOf(out), await tableOptions({ reads, window }, changes)));
  // Programs read the output of these formats.
  const notes = flags.ndjson || flags.csv ? io.err : out;
  notes.write(
    changes.length === 0
      ? `No change is known from ${window.shown(window.from)} to ${window.shown(window.to)} ${window.zoneName}\n`
      : countText(changes.length, count, 'change'),
  );
  notes.write(coverageText(coverage, { from: query.from, to: query.to, zone: window, width: widthOf(notes) }));
}

const tableOptions = async ({ reads, window }: Pick<Showing, 'reads' | 'window'>, changes: readonly TimelineChange[]) => ({
  zone: window,
  connections: await reads.readConnections(),
  commitDates: await readCommitDates(reads.readEvents, changes),
});

const firstChanges = (reads: Reads, query: TimelineQuery, count: number): Promise<TimelineChange[]> =>
  firstRows(count, async (limit, after) => {
    const { changes: rows, next } = await reads.readTimeline({ ...query, after, limit });
    return { rows, next };
  });

const followMs = 2_000;

/** Prints changes as they arrive, until the command is stopped. */
async function follow({ reads, io, window, flags }: Showing, filter: TimelineFilter): Promise<void> {
  let { seen } = await reads.readNewChanges(filter);
  while (!io.signal.aborted) {
    await sleep(followMs, undefined, { signal: io.signal }).catch(() => {});
    if (io.signal.aborted) return;
    const news = await reads.readNewChanges(filter, seen);
    if (flags.ndjson) for (const change of news.changes) io.out.write(jsonLine(change));
    else if (news.changes.length > 0)
      io.out.write(timelineRows(news.changes, widthOf(io.out), await tableOptions({ reads, window }, news.changes)));
    ({ seen } = news);
  }
}
