import { Option } from 'commander';
import type { Command } from 'commander';
import { ConfigurationError } from '../../errors.ts';
import { readTimeline } from '../../store/events/read-timeline.ts';
import { readCoverage } from '../../store/progress/read-coverage.ts';
import type { TimelineChange, TimelineQuery } from '../../store/events/read-timeline.ts';
import { streams } from '../../streams/index.ts';
import { coverageText } from '../coverage-text.ts';
import { exitCodes } from '../io.ts';
import type { ExitCode, Io } from '../io.ts';
import { jsonText } from '../json-text.ts';
import { parseLimit } from '../limit.ts';
import { refuseMissing } from '../missing-database.ts';
import { addSettings, configOf, databaseSettings } from '../settings.ts';
import { parseSince } from '../since.ts';
import { widthOf } from '../table.ts';
import { timelineTable } from '../timeline-table.ts';
import { withDatabase } from '../with-database.ts';
import type { SqlEntityManager } from '@mikro-orm/postgresql';

interface TimelineFlags extends Record<string, unknown> {
  readonly from: string;
  readonly to?: string;
  readonly by: 'happened' | 'arrival';
  readonly project?: string;
  readonly type?: string;
  readonly noise?: true;
  readonly limit: string;
  readonly json?: true;
}

/** `gitlab-connector timeline`: what changed in a window of time. */
export function addTimeline(program: Command, io: Io, end: (code: ExitCode) => void): void {
  const types = streams.map(({ type }) => type.toLowerCase());
  addSettings(
    program
      .command('timeline')
      .summary('show what changed in a window of time')
      .description('Shows what changed in a window of time, the oldest first, and how far GitLab was read. Times are UTC.')
      .option('--from <when>', 'from this moment on: 2026-11-23, 2026-11-23T10:00:00Z, or 90m, 12h, 7d ago', '1h')
      .option('--to <when>', 'up to this moment (default: now)')
      .addOption(
        new Option('--by <time>', 'the time that counts: of the change, or of its arrival here')
          .choices(['happened', 'arrival'])
          .default('happened'),
      )
      .option('--project <path>', 'only changes of this project, or of the projects of this group')
      .addOption(new Option('--type <type>', 'only changes of this type').choices(types))
      .option('--noise', 'also votes, comments and what GitLab computes')
      .option('--limit <count>', 'at most this many changes', '100')
      .option('--json', 'print a JSON object with changes and coverage instead of a table'),
    [...databaseSettings, 'connectionId'],
  ).action(async ({ from, to, by, project, type, noise, limit, json, ...flags }: TimelineFlags) => {
    const config = configOf(flags, io);
    const query = {
      from: parseSince(from, '--from'),
      to: to === undefined ? new Date() : parseSince(to, '--to'),
      by,
      connectionIds: config.connectionId === undefined ? [] : [config.connectionId],
      projects: project === undefined ? [] : [project],
      types: streams.filter((stream) => stream.type.toLowerCase() === type).map((stream) => stream.type),
      showNoise: noise === true,
    };
    if (query.from >= query.to) throw new ConfigurationError(['--from must be before --to']);
    const most = parseLimit(limit);
    refuseMissing(config);
    const { changes, coverage } = await withDatabase(config, async ({ em }) => ({
      changes: await firstChanges(em, query, most + 1),
      coverage: await readCoverage(em, query),
    }));
    const shown = changes.slice(0, most);
    if (json) io.out.write(jsonText({ changes: shown, isCut: changes.length > most, coverage }));
    else {
      io.out.write(
        shown.length === 0
          ? `No change is known from ${textOf(query.from)} to ${textOf(query.to)}\n`
          : timelineTable(shown, widthOf(io.out)),
      );
      if (changes.length > most) io.out.write(`There are more than ${most} changes: raise --limit, or narrow the window.\n`);
      io.out.write(coverageText(coverage, query.to));
    }
    end(exitCodes.ok);
  });
}

/** As many changes as are asked for, from as many pages as that takes: noise is left out of a page after it was read. */
async function firstChanges(em: SqlEntityManager, query: TimelineQuery, count: number): Promise<TimelineChange[]> {
  const changes: TimelineChange[] = [];
  let after: string | undefined;
  do {
    const page = await readTimeline(em, { ...query, after, limit: Math.min(count, 1_000) });
    changes.push(...page.changes);
    after = page.next ?? undefined;
  } while (after !== undefined && changes.length < count);
  return changes.slice(0, count);
}

const textOf = (time: Date) => `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
