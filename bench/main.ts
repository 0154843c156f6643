import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createPostgres } from '../test/support/postgres.ts';
import { runUpserts } from './database/upserts.ts';
import type { UpsertRun } from './database/upserts.ts';
import { runTimeline } from './database/timeline.ts';
import type { TimelineRun } from './database/timeline.ts';
import { cases } from './cases.ts';
import type { Case } from './cases.ts';
import { readers, runCase } from './measure/run-case.ts';
import type { Reader, Run } from './measure/run-case.ts';
import { middleOf, middleTimelines, middleUpserts, tableOf, timelineTableOf, upsertTableOf } from './table.ts';
import { targetLine, targetsOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' },
    reader: { type: 'string', multiple: true },
    /** File for the figures of every run. */
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});

const named = <T extends string>(what: string, wanted: readonly string[] | undefined, known: readonly T[]): T[] => {
  const unknown = wanted?.filter((name) => !known.some((one) => one === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}: there are ${known.join(', ')}`);
  return known.filter((name) => wanted?.includes(name) ?? true);
};

/** Number of rows for the measurement of the page upsert. */
const database = { name: 'database', rows: 20_000 };
/** Number of versions among which windows of time are read. */
const timeline = { name: 'timeline', versions: 1_000_000 };

interface Figures {
  readonly passes: readonly Run[];
  readonly upserts: readonly UpsertRun[];
  readonly timelines: readonly TimelineRun[];
}

interface Chosen {
  readonly cases: readonly Case[];
  readonly readers: readonly Reader[];
  readonly hasDatabase: boolean;
  readonly hasTimeline: boolean;
}

async function measure({ cases: chosen, readers: chosenReaders, hasDatabase, hasTimeline }: Chosen): Promise<Figures> {
  const postgres = await createPostgres({ isDurable: true });
  await postgres.start();
  const common = { runs: Number(values.runs), postgresUrl: postgres.url, tell: (line: string) => console.error(line) };
  const passes: Run[] = [];
  const upserts: UpsertRun[] = [];
  const timelines: TimelineRun[] = [];
  const keep = async () => {
    if (values.json) await writeFile(values.json, JSON.stringify({ passes, upserts, timelines }, null, 2));
  };
  try {
    for (const measured of chosen) {
      const latency = { roundTripMs: 50, perRowMs: 0.1 };
      passes.push(...(await runCase(measured, { ...common, latency, concurrency: 4, readers: chosenReaders })));
      await keep();
    }
    if (hasDatabase) upserts.push(...(await runUpserts({ ...common, rows: database.rows })));
    if (hasTimeline) timelines.push(...(await runTimeline({ ...common, versions: timeline.versions })));
    await keep();
  } finally {
    await postgres.stop();
    await postgres.remove();
  }
  return { passes, upserts, timelines };
}

try {
  const names = named('case', values.case, [...cases.map(({ name }) => name), database.name, timeline.name]);
  const chosen = cases.filter(({ name }) => names.includes(name));
  const { passes, upserts, timelines } = await measure({
    cases: chosen,
    readers: named('reader', values.reader, readers),
    hasDatabase: names.includes(database.name),
    hasTimeline: names.includes(timeline.name),
  });
  const [middle, middleUpsert, middleTimeline] = [middleOf(passes), middleUpserts(upserts), middleTimelines(timelines)];
  const style = values.markdown ? 'markdown' : 'terminal';
  if (passes.length > 0) console.log(tableOf(cases, middle, style));
  if (upserts.length > 0) console.log(upsertTableOf(middleUpsert, style));
  if (timelines.length > 0) console.log(timelineTableOf(middleTimeline, style));
  for (const target of targetsOf(middle, middleUpsert, middleTimeline)) console.log(targetLine(target));
} catch (error) {
  console.error(`ERROR: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
