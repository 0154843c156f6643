import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createPostgres } from '../test/support/postgres.ts';
import { runUpserts } from './database/upserts.ts';
import type { UpsertRun } from './database/upserts.ts';
import { cases } from './cases.ts';
import type { Case } from './cases.ts';
import { readers, runCase } from './measure/run-case.ts';
import type { Reader, Run } from './measure/run-case.ts';
import { middleOf, middleUpserts, tableOf, upsertTableOf } from './table.ts';
import { targetLine, targetsOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    runs: { type: 'string', default: '1' },
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

interface Figures {
  readonly passes: readonly Run[];
  readonly upserts: readonly UpsertRun[];
}

async function measure(chosen: readonly Case[], chosenReaders: readonly Reader[], hasDatabase: boolean): Promise<Figures> {
  const postgres = await createPostgres({ isDurable: true });
  await postgres.start();
  const common = { runs: Number(values.runs), postgresUrl: postgres.url, tell: (line: string) => console.error(line) };
  const passes: Run[] = [];
  const upserts: UpsertRun[] = [];
  const keep = async () => {
    if (values.json) await writeFile(values.json, JSON.stringify({ passes, upserts }, null, 2));
  };
  try {
    for (const measured of chosen) {
      const latency = { roundTripMs: 50, perRowMs: 0.1 };
      passes.push(...(await runCase(measured, { ...common, latency, concurrency: 4, readers: chosenReaders })));
      await keep();
    }
    if (hasDatabase) upserts.push(...(await runUpserts({ ...common, rows: database.rows })));
    await keep();
  } finally {
    await postgres.stop();
    await postgres.remove();
  }
  return { passes, upserts };
}

try {
  const names = named('case', values.case, [...cases.map(({ name }) => name), database.name]);
  const chosen = cases.filter(({ name }) => names.includes(name));
  const { passes, upserts } = await measure(chosen, named('reader', values.reader, readers), names.includes(database.name));
  const [middle, middleUpsert] = [middleOf(passes), middleUpserts(upserts)];
  const style = values.markdown ? 'markdown' : 'terminal';
  if (passes.length > 0) console.log(tableOf(cases, middle, style));
  if (upserts.length > 0) console.log(upsertTableOf(middleUpsert, style));
  for (const target of targetsOf(middle, middleUpsert)) console.log(targetLine(target));
} catch (error) {
  console.error(`ERROR: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
