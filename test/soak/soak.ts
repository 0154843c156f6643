import { setTimeout as sleep } from 'node:timers/promises';
import { check, createMemory } from '../convergence/convergence.ts';
import { createRandom } from '../convergence/random.ts';
import type { Random } from '../convergence/random.ts';
import { branch } from '../convergence/expected-events.ts';
import { randomChange, randomWorld } from '../convergence/random-change.ts';
import { createFakeGitlab, html } from '../../fake-gitlab/fake-gitlab.ts';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { minutes } from '../../fake-gitlab/world/time.ts';
import { goodToken } from '../../fake-gitlab/world/world.ts';
import type { World } from '../../fake-gitlab/world/world.ts';
import { openDatabase } from '../../src/store/database/database.ts';
import type { Database } from '../../src/store/database/database.ts';
import { startPoller, until } from '../service/poller.ts';
import type { PollerProcess } from '../service/poller.ts';
import { createPostgres } from '../support/postgres.ts';
import type { OwnPostgres } from '../support/postgres.ts';
import { connectInspector } from './inspector.ts';

/** How to soak. */
export interface SoakOptions {
  readonly durationMs: number;
  readonly seed: number;
  /** Called with a line now and then. */
  readonly tell: (line: string) => void;
}

/** The poller's memory at one moment. */
export interface MemorySample {
  readonly atMs: number;
  readonly heapMb: number;
  readonly rssMb: number;
}

/** What came of it. */
export interface SoakReport {
  readonly events: number;
  readonly changes: number;
  readonly passes: number;
  readonly gitlabOutages: number;
  readonly databaseRestarts: number;
  readonly samples: readonly MemorySample[];
}

/** From this time on a soak has everything that may go wrong. */
const longMs = 5 * 60_000;

/** What the poller reads: everything, what changed without a trace each minute of GitLab's clock. */
const settings = { branches: branch, projectLimit: 0, syncLimit: 'all', tagLimit: 0, tagChecks: 5, reconcileInterval: 60 };
const env = { BRANCHES: branch, PROJECT_LIMIT: '0', SYNC_LIMIT: 'all', TAG_LIMIT: '0', TAG_CHECKS: '5', RECONCILE_INTERVAL: '60' };

interface Soak {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly postgres: OwnPostgres;
  readonly random: Random;
  readonly poller: PollerProcess;
  readonly remember: () => void;
  readonly counts: { changes: number; gitlabOutages: number; databaseRestarts: number };
}

/**
 * Polls a world that changes all the time while its GitLab and the database go and come back; then lets it rest, and
 * compares the table with the world. Throws where they differ.
 */
export async function soak({ durationMs, seed, tell }: SoakOptions): Promise<SoakReport> {
  const random = createRandom(seed);
  const world = randomWorld(random);
  const fake = createFakeGitlab(world);
  const served = await serve(fake);
  const postgres = await createPostgres();
  await postgres.start();
  const databaseUrl = `${postgres.url}/postgres`;
  const poller = startPoller(
    { ...env, DATABASE_URL: databaseUrl, GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, POLL_INTERVAL: '1' },
    [],
    ['--inspect=127.0.0.1:0'],
  );
  const memory = createMemory(world, served.url);
  const run: Soak = {
    world,
    fake,
    postgres,
    random,
    poller,
    remember: memory.remember,
    counts: { changes: 0, gitlabOutages: 0, databaseRestarts: 0 },
  };
  try {
    const samples = await live(run, { durationMs, seed, tell });
    const passes = await rest(run);
    poller.child.kill('SIGTERM');
    const { code } = await poller.ended;
    if (code !== 0) throw new Error(`the poller ended with ${code}: ${poller.err()}`);
    const database = await openDatabase({ databaseUrl, dataDir: '' });
    const setting = { world, fake, database, connectionId: 1, random, config: { token: goodToken, url: served.url } };
    const options = { kinds: 'all' as const, config: settings, projectIds: undefined };
    const events = await closing(database, () => check(setting, options, memory));
    return { events, passes, samples, ...run.counts };
  } catch (error) {
    tell(
      poller.lines
        .slice(-20)
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    throw error;
  } finally {
    poller.child.kill('SIGKILL');
    await served.close();
    await postgres.stop();
    await postgres.remove();
  }
}

async function closing<T>(database: Database, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } finally {
    await database.close();
  }
}

/** Changes, outages and restarts, and a look at the memory now and then. */
async function live(run: Soak, { durationMs, tell }: SoakOptions): Promise<MemorySample[]> {
  const { poller, random, counts } = run;
  await poller.line(({ msg }) => msg === 'pass ended');
  const inspector = await connectInspector(/ws:\/\/\S+/.exec(poller.err())?.[0] ?? '');
  const startedAt = performance.now();
  const left = () => durationMs - (performance.now() - startedAt);
  const samples: MemorySample[] = [];
  // After a 429 the rate of requests is lower for minutes: a short soak would be mostly waiting.
  const statuses = durationMs < longMs ? [500, 502, 503] : [500, 502, 503, 429];
  const over = new AbortController();
  const changing = (async () => {
    for (; !over.signal.aborted; await sleep(50 + random.below(400))) {
      randomChange(run.world, random);
      run.remember();
      counts.changes++;
    }
  })();
  const sampleEveryMs = Math.max(2_000, durationMs / 40);
  const sampling = (async () => {
    for (; !over.signal.aborted; await sleep(sampleEveryMs, undefined, { signal: over.signal }).catch(() => {})) {
      const sample = {
        atMs: performance.now() - startedAt,
        heapMb: (await inspector.liveHeapBytes()) / 2 ** 20,
        rssMb: await rssMb(poller),
      };
      samples.push(sample);
      tell(
        `${(sample.atMs / 1000).toFixed(0)} s: heap ${sample.heapMb.toFixed(1)} MB, rss ${sample.rssMb.toFixed(0)} MB, ${JSON.stringify(counts)}`,
      );
    }
  })();
  try {
    while (left() > 0) {
      await sleep(Math.min(left(), 1_000 + random.below(4_000)));
      await trouble(run, statuses);
      if (poller.child.exitCode !== null) throw new Error('the poller has ended');
    }
  } finally {
    over.abort();
    await Promise.all([changing, sampling]);
    inspector.close();
  }
  return samples;
}

/** Something goes, and comes back. */
async function trouble({ fake, world, postgres, random, counts }: Soak, statuses: readonly number[]): Promise<void> {
  const lasts = () => sleep(500 + random.below(3_000));
  if (random.chance(0.4)) {
    counts.databaseRestarts++;
    await postgres.stop();
    await lasts();
    await postgres.start();
  } else if (random.chance(0.7)) {
    counts.gitlabOutages++;
    const status = random.pick(statuses);
    // All requests, or every other one.
    const share = random.pick([1, 0.5]);
    fake.intercept = () => (random.chance(share) ? html(world, status, 'Away') : undefined);
    await lasts();
    fake.intercept = undefined;
  } else {
    counts.gitlabOutages++;
    world.tokens.set(goodToken, { state: 'revoked', scopes: ['read_api'] });
    await lasts();
    world.tokens.set(goodToken, { state: 'active', scopes: ['read_api'] });
  }
}

interface Status {
  readonly isReady: boolean;
  readonly connections: ReadonlyArray<{
    readonly lastPass?: { readonly readAt: string | null; readonly startedAt: string; readonly result: string };
  }>;
}

/** Nothing changes any more, and two more passes find what there is. Resolves to how many there were in all. */
async function rest({ world, poller }: Soak): Promise<number> {
  world.pass(minutes(10));
  const restedAt = Date.now() + 1_000;
  const lastPass = async () => {
    const status = (await (await fetch(`${await poller.url()}/status`)).json()) as Status;
    return status.connections[0]?.lastPass;
  };
  let read = new Set<string>();
  await until(
    async () => {
      const pass = await lastPass();
      // Broken tags cannot be read, and are named: the pass is not ok, and has read the rest.
      if (pass?.readAt && Date.parse(pass.readAt) > restedAt) read = read.add(pass.readAt);
      return read.size >= 2;
    },
    'two passes over a world at rest',
    120_000,
  );
  return poller.lines.filter(({ msg }) => msg === 'pass ended').length;
}

async function rssMb(poller: PollerProcess): Promise<number> {
  const text = await (await fetch(`${await poller.url()}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1] ?? 0) / 2 ** 20;
}
