import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createPostgres } from '../test/support/postgres.ts';
import { cases } from './cases.ts';
import { readers, runCase } from './measure/run-case.ts';
import type { Reader, Run } from './measure/run-case.ts';

const { values } = parseArgs({
  options: {
    case: { type: 'string', multiple: true },
    runs: { type: 'string', default: '3' },
    reader: { type: 'string', multiple: true },
    json: { type: 'string' },
  },
});
const chosen = cases.filter(({ name }) => !values.case || values.case.includes(name));
const tell = (line: string) => console.error(line);
const postgres = await createPostgres({ isDurable: true });
await postgres.start();
const results: Run[] = [];
try {
  for (const measured of chosen) {
    results.push(
      ...(await runCase(measured, {
        runs: Number(values.runs),
        latency: { roundTripMs: 50, perRowMs: 0.1 },
        concurrency: 4,
        postgresUrl: postgres.url,
        readers: readers.filter((reader) => !values.reader || (values.reader as Reader[]).includes(reader)),
        tell,
      })),
    );
    if (values.json) await writeFile(values.json, JSON.stringify(results, null, 2));
  }
} finally {
  await postgres.stop();
  await postgres.remove();
}
