import { describe, expect, test } from 'vitest';
import type { HintEnd, HintOrder } from '../../../src/service/hooks/hint.ts';
import type { HintResult } from '../../../src/service/hooks/hook-metrics.ts';
import { createJoining } from '../../../src/service/hooks/join-hooks.ts';
import { createLocalHints } from '../../../src/service/hooks/local-hints.ts';

const never = new AbortController().signal;

/** Counts by result. */
function counter() {
  const counts = new Map<HintResult, number>();
  const hinted = (result: HintResult, count = 1) => void counts.set(result, (counts.get(result) ?? 0) + count);
  return { counts, hinted, hintRead: () => hinted('read') };
}

describe('hooks that are joined', () => {
  const joining = (most?: number) => {
    const passed: number[][] = [];
    const metrics = counter();
    const passOn = async (projects: ReadonlyMap<number, number>) => void passed.push([...projects.keys()]);
    return { passed, ...metrics, ...createJoining({ passOn, metrics, ...(most ? { most } : {}), joinMs: 3_600_000 }) };
  };

  test('name each project once, whatever the number of hooks, and in whatever order they come', async () => {
    const { add, flush, passed, counts } = joining();
    for (let i = 0; i < 10_000; i++) add(1 + (i % 7));
    await flush();
    await flush();
    expect(passed).toEqual([[1, 2, 3, 4, 5, 6, 7]]);
    expect(counts).toEqual(new Map([['joined', 9_993]]));
    add(3);
    await flush();
    expect(passed).toHaveLength(2);
  });

  test('are dropped above a number of projects, so that memory has a bound', async () => {
    const { add, flush, passed, counts } = joining(100);
    for (let i = 0; i < 5_000; i++) add(i);
    await flush();
    expect(passed[0]).toHaveLength(100);
    expect(counts).toEqual(new Map([['too_many', 4_900]]));
  });
});

describe('hints of one process', () => {
  const queue = (read: (order: HintOrder) => HintEnd | Promise<HintEnd>) => {
    const orders: HintOrder[] = [];
    const clock = { ms: 0 };
    const metrics = counter();
    const hints = createLocalHints({
      read: async (order) => {
        orders.push(order);
        return read(order);
      },
      metrics,
      signal: never,
      now: () => clock.ms,
    });
    const add = (projectId: number, connectionId = 1) => hints.add([{ connectionId, projectId, receivedAt: Date.now() }]);
    return { orders, clock, counts: metrics.counts, readDue: hints.readDue, addAll: hints.add, add };
  };

  test('have a project read at once, and then every 10 seconds at most, as polling every 10 seconds would', async () => {
    const { add, readDue, orders, clock, counts } = queue(() => 'read');
    for (; clock.ms < 60_000; clock.ms += 500) {
      await add(7);
      await readDue();
    }
    expect(orders.map(({ projectIds }) => projectIds)).toEqual([[7], [7], [7], [7], [7], [7]]);
    expect(counts.get('read')).toBe(6);
  });

  test('of one connection are read together, and each connection alone', async () => {
    const { add, readDue, orders } = queue(() => 'read');
    for (const id of [7, 8, 9]) await add(id);
    await add(7, 2);
    await readDue();
    expect(orders.map(({ connectionId, projectIds }) => [connectionId, projectIds])).toEqual([
      [1, [7, 8, 9]],
      [2, [7]],
    ]);
  });

  test('that come while their project is read are read after it: what had changed may have been read before', async () => {
    const started = Promise.withResolvers<undefined>();
    const { add, readDue, orders, clock } = queue(async (): Promise<HintEnd> => {
      await started.promise;
      return 'read';
    });
    await add(7);
    const reading = readDue();
    await add(7);
    started.resolve(undefined);
    await reading;
    expect(orders).toHaveLength(1);
    clock.ms = 10_000;
    await readDue();
    expect(orders).toHaveLength(2);
  });

  test('that meet a running pass wait for its end, at most 10 minutes', async () => {
    let end: HintEnd = 'later';
    const { add, readDue, orders, clock, counts } = queue(() => end);
    await add(7);
    for (; clock.ms < 30_000; clock.ms += 1_000) await readDue();
    expect(orders).toHaveLength(3);
    end = 'read';
    for (; clock.ms < 60_000; clock.ms += 1_000) await readDue();
    expect([orders.length, counts.get('read')]).toEqual([4, 1]);
    end = 'later';
    await add(7);
    for (; clock.ms < 3_600_000; clock.ms += 1_000) await readDue();
    expect([orders.length, counts.get('busy')]).toEqual([4 + 61, 1]);
  });

  test('are dropped where GitLab cannot be read: only passes try again', async () => {
    const { add, readDue, orders, clock, counts } = queue(() => 'failed');
    await add(7);
    for (; clock.ms < 60_000; clock.ms += 1_000) await readDue();
    expect([orders.length, counts.get('failed')]).toEqual([1, 1]);
  });

  test('wait in one place each while GitLab is slow, and do not pile up', async () => {
    const slow = Promise.withResolvers<undefined>();
    const { addAll, readDue, orders, clock } = queue(async (): Promise<HintEnd> => {
      await slow.promise;
      return 'read';
    });
    const all = Array.from({ length: 1_000 }, (_, index) => ({ connectionId: 1, projectId: index + 1, receivedAt: 0 }));
    let joined = 0;
    for (; clock.ms < 600_000; clock.ms += 10_000) {
      joined += await addAll(all);
      void readDue();
    }
    // Two reads of 100 projects are under way, and everything else has joined the hints that wait.
    expect(orders.map(({ projectIds }) => projectIds.length)).toEqual([100, 100]);
    expect(joined).toBe(60 * 1_000 - 1_000 - 200);
    slow.resolve(undefined);
  });
});
