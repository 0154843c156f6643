import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createPostgres } from '../test/support/postgres.ts';
import { cases } from './cases.ts';
import type { Case } from './cases.ts';
import { readers, runCase } from './measure/run-case.ts';
import type { Reader, Run } from './measure/run-case.ts';
import { middleOf, tableOf } from './table.ts';
import { targetLine, targetsOf } from './targets.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    runs: { type: 'string', default: '1' },
    reader: { type: 'string', multiple: true },
    /** File for every run's figures. */
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
  },
});

const named = <T extends string>(what: string, wanted: readonly string[] | undefined, known: readonly T[]): T[] => {
  const unknown = wanted?.filter((name) => !known.some((one) => one === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no ${what} ${unknown.join(', ')}: there are ${known.join(', ')}`);
  return known.filter((name) => wanted?.includes(name) ?? true);
};

async function measure(chosen: readonly Case[], chosenReaders: readonly Reader[]): Promise<Run[]> {
  const postgres = await createPostgres({ isDurable: true });
  await postgres.start();
  const results: Run[] = [];
  try {
    for (const measured of chosen) {
      const runs = await runCase(measured, {
        runs: Number(values.runs),
        latency: { roundTripMs: 50, perRowMs: 0.1 },
        concurrency: 4,
        postgresUrl: postgres.url,
        readers: chosenReaders,
        tell: (line) => console.error(line),
      });
      results.push(...runs);
      if (values.json) await writeFile(values.json, JSON.stringify(results, null, 2));
    }
  } finally {
    await postgres.stop();
    await postgres.remove();
  }
  return results;
}

try {
  const names = named(
    'case',
    values.case,
    cases.map(({ name }) => name),
  );
  const chosen = cases.filter(({ name }) => names.includes(name));
  const middle = middleOf(await measure(chosen, named('reader', values.reader, readers)));
  console.log(tableOf(cases, middle, values.markdown ? 'markdown' : 'terminal'));
  for (const target of targetsOf(middle)) console.log(targetLine(target));
} catch (error) {
  console.error(`ERROR: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
