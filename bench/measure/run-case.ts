import type { GitlabConfig } from '../../src/index.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import { createDatabase, dropDatabase } from '../../test/support/postgres.ts';
import type { Case } from '../cases.ts';
import type { Latency, Traffic } from '../fake/served.ts';
import type { Reading } from '../peers/peer.ts';
import type { Measured } from '../peers/process.ts';
import { startChild } from './channel.ts';
import type { Child } from './channel.ts';

/** All readers. */
export const readers = ['connector', 'limit', 'one by one, concurrent', 'one by one'] as const;

/** The name of a reader. */
export type Reader = (typeof readers)[number];

/** One run of one reader. */
export interface Run extends Measured {
  readonly case: string;
  readonly reader: Reader;
  /** The reader got a world that is smaller by this factor. */
  readonly part: number;
  readonly traffic: Traffic;
  /** Processor time of the fake GitLab. When it is near the wall time, the fake GitLab slows every reader down. */
  readonly fakeCpuSeconds: number;
}

/** Options of a measurement. */
export interface Measuring {
  readonly runs: number;
  readonly latency: Latency;
  /** Largest number of simultaneous requests of every reader but `one by one`. */
  readonly concurrency: number;
  /** URL of a PostgreSQL without the name of a database. */
  readonly postgresUrl: string;
  readonly readers: readonly Reader[];
  readonly tell: (line: string) => void;
}

/** Runs a case: all readers one after another, `runs` times, each in a process of its own, with one fake GitLab. */
export async function runCase(measured: Case, measuring: Measuring): Promise<Run[]> {
  const { tell, runs } = measuring;
  const fake = startChild('fake/process.ts');
  try {
    const url = await fake.ask<string>('serve', measured.size);
    const prepared = await prepare(measured, measuring, { fake, url });
    await fake.ask('setLatency', measuring.latency);
    const all: Run[] = [];
    for (let run = 1; run <= runs; run++) {
      for (const reader of measuring.readers) {
        const result = await runReader(measured, measuring, { ...prepared, fake, url, reader });
        const { wallSeconds, cpuSeconds, peakMegabytes, traffic, fakeCpuSeconds } = result;
        tell(
          `${measured.name} ${run}/${runs} ${reader}: ${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s (fake ${fakeCpuSeconds.toFixed(2)} s), ` +
            `${peakMegabytes.toFixed(0)} MB, ${traffic.graphql} GraphQL, ${traffic.rest} REST, ${result.rowsRead} rows`,
        );
        all.push(result);
      }
    }
    if (prepared.template) await dropDatabase(measuring.postgresUrl, prepared.template);
    return all;
  } finally {
    await fake.close();
  }
}

interface Prepared {
  /** Database at the start; absent = an empty database. */
  readonly template?: string;
  /** The rows that the readers `one by one` know already. */
  readonly known: ReadonlyMap<string, string>;
  readonly since: string | null;
}

interface Place {
  readonly fake: Child;
  readonly url: string;
}

const overlapMs = 60_000;

/** Where a case is about a later pass: the first two, because the second one reads again what the first one could not date, and what changes after them. */
async function prepare(measured: Case, { postgresUrl }: Measuring, { fake, url }: Place): Promise<Prepared> {
  if (measured.pass === 'first') return { known: new Map(), since: null };
  const template = await createDatabase(postgresUrl);
  const child = startChild('peers/process.ts');
  const order = { config: configOf(measured, url, 20), database: { databaseUrl: `${postgresUrl}/${template}`, dataDir: '' } };
  await child.ask('sync', order);
  await fake.ask('change', 0);
  await child.ask('sync', order);
  await child.close();
  const known = await fake.ask<ReadonlyMap<string, string>>('rows');
  const since = new Date(new Date(await fake.ask<string>('now')).getTime() - overlapMs).toISOString();
  await fake.ask('change', measured.changedProjects);
  return { template, known, since };
}

async function runReader(measured: Case, measuring: Measuring, place: Place & Prepared & { readonly reader: Reader }): Promise<Run> {
  const { fake, url, reader, template } = place;
  const { postgresUrl, concurrency } = measuring;
  const child = startChild('peers/process.ts');
  const database = reader === 'connector' ? await createDatabase(postgresUrl, template) : undefined;
  try {
    await fake.ask('reset');
    const before = await fake.ask<NodeJS.CpuUsage>('usage');
    const result = database
      ? await child.ask<Measured>('sync', {
          config: configOf(measured, url, concurrency),
          database: { databaseUrl: `${postgresUrl}/${database}`, dataDir: '' },
        })
      : await child.ask<Measured>('read', {
          peer: reader === 'limit' ? 'limit' : 'oneByOne',
          reading: readingOf(measured, place, reader === 'one by one' ? 1 : concurrency),
        });
    const after = await fake.ask<NodeJS.CpuUsage>('usage');
    const fakeCpuSeconds = (after.user + after.system - before.user - before.system) / 1e6;
    const traffic = await fake.ask<Traffic>('traffic');
    return { ...result, case: measured.name, reader, part: partOf(measured, reader), traffic, fakeCpuSeconds };
  } finally {
    await child.close();
    if (database) await dropDatabase(postgresUrl, database);
  }
}

const configOf = ({ settings }: Case, url: string, concurrency: number): GitlabConfig => ({
  url,
  token: goodToken,
  concurrency,
  maxRequestsPerMinute: 0,
  ...settings,
});

const partOf = ({ part }: Case, reader: Reader) => (reader.startsWith('one by one') ? part : 1);

function readingOf(
  measured: Case,
  { url, known, since, reader }: Place & Prepared & { readonly reader: Reader },
  concurrency: number,
): Reading {
  const part = partOf(measured, reader);
  const { size, rows, settings, partOf: what } = measured;
  const few = (count: number) => (what === 'rows' ? Math.ceil(count / part) : count);
  const projects = what === 'projects' && part > 1 ? Math.ceil(size.projects / part) : (settings.projectLimit ?? 0);
  return {
    url,
    token: goodToken,
    concurrency,
    projects: Number(projects),
    rows: {
      mergeRequests: few(rows.mergeRequests),
      pipelines: few(rows.pipelines),
      releases: few(rows.releases),
      commits: few(rows.commits),
    },
    tags: few(size.tags),
    known,
    since,
  };
}
