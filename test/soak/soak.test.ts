import { expect, test } from 'vitest';
import { soak } from './soak.ts';
import type { MemorySample } from './soak.ts';

// A short one in every run of the suite; `npm run soak -- --minutes 10` is the long one.
const durationMs = Number(process.env.SOAK_MINUTES ?? 1 / 3) * 60_000;
const seed = Number(process.env.SOAK_SEED ?? 1);
const isLong = process.env.SOAK_MINUTES !== undefined;

/** Mean live heap of a part of the samples, in megabytes. */
const heapOf = (samples: readonly MemorySample[]) => samples.reduce((sum, { heapMb }) => sum + heapMb, 0) / samples.length;

test(
  'a poller ends with the table equal to the world, in the memory that it began with, whatever went away meanwhile',
  async () => {
    const tell = (line: string) => {
      if (isLong) process.stdout.write(`${line}\n`);
    };
    const { samples, ...report } = await soak({ durationMs, seed, tell });
    tell(JSON.stringify(report));
    expect(report.events).toBeGreaterThan(0);
    expect(report.passes).toBeGreaterThan(2);
    expect(report.databaseRestarts + report.gitlabOutages).toBeGreaterThan(0);
    if (!isLong) return;
    const quarter = Math.floor(samples.length / 4);
    const [early, late] = [heapOf(samples.slice(quarter, 2 * quarter)), heapOf(samples.slice(-quarter))];
    tell(`mean live heap: ${early.toFixed(1)} MB in the second quarter, ${late.toFixed(1)} MB in the last`);
    expect(late).toBeLessThan(early * 1.1 + 2);
  },
  durationMs + 600_000,
);
