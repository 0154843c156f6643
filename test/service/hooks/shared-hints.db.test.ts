import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Engine, EngineWork } from '../../../src/service/engine.ts';
import type { HintEnd, HintOrder, HintWork } from '../../../src/service/hooks/hint.ts';
import { createSharedEngine } from '../../../src/service/shared-engine.ts';
import { silentLogger } from '../../../src/log.ts';
import { createTestDatabase } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { until } from '../poller.ts';

const noWork: EngineWork = { runPass: async () => {}, readPart: () => Promise.reject(new Error('no part')) };
const hint = (projectId: number, connectionId = 1) => ({ connectionId, projectId, receivedAt: Date.now() });

describe('hints that replicas share on one PostgreSQL', () => {
  let database: TestDatabase;
  let orders: Array<HintOrder & { readonly replica: string }>;
  let dropped: string[];
  let readCount: number;
  let read: (order: HintOrder) => HintEnd | Promise<HintEnd>;
  const engines: Engine[] = [];
  beforeEach(async () => {
    database = await createTestDatabase('postgres');
    [orders, dropped, readCount, read] = [[], [], 0, () => 'read'];
  });
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.stop();
    await database.remove();
  });

  const start = async (replica: string) => {
    const hints: HintWork = {
      read: async (order) => {
        orders.push({ ...order, replica });
        return read(order);
      },
      metrics: { hinted: (result) => dropped.push(result), hintRead: () => readCount++ },
    };
    const databaseUrl = database.options.databaseUrl ?? '';
    const engine = await createSharedEngine({ databaseUrl, workers: 1, work: noWork, hints, log: silentLogger, onIdle: () => {} });
    engines.push(engine);
    return engine;
  };
  const readsOf = (projectId: number) => orders.filter(({ projectIds }) => projectIds.includes(projectId)).length;
  test('have each project read as often as polling every 10 seconds would at most, whatever the number of hints and replicas', async () => {
    const [one, two] = [await start('one'), await start('two')];
    const startedAt = performance.now();
    let [sent, joined] = [0, 0];
    const all = Array.from({ length: 300 }, (_, index) => index + 1);
    for (let i = 0; i < 20; i++) {
      for (const { hints } of [one, two]) joined += (await hints?.add(all.map((id) => hint(id)))) ?? 0;
      sent += 600;
    }
    await until(() => readCount === sent - joined, 'every hint that did not join is read');
    const slots = Math.ceil((performance.now() - startedAt) / 10_000) + 1;
    for (const id of all) expect([id, readsOf(id) >= 1 && readsOf(id) <= slots]).toEqual([id, true]);
    // Together, and not one after the other.
    expect(Math.max(...orders.map(({ projectIds }) => projectIds.length))).toBeGreaterThan(50);
    expect(sent - joined).toBeLessThanOrEqual(slots * 300);
    expect(dropped).toEqual([]);
  });

  test('outlive the process that received them', async () => {
    const one = await start('one');
    const held = Promise.withResolvers<undefined>();
    read = async ({ signal }) => {
      if (orders.length > 1) return 'read';
      signal.addEventListener('abort', () => held.resolve(undefined));
      await held.promise;
      return 'later';
    };
    await one.hints?.add([hint(7)]);
    await until(() => orders.length === 1, 'the first replica reads');
    await one.stop();
    engines.splice(0);
    await start('two');
    await until(() => readCount === 1, 'the second replica reads');
    expect(orders.map(({ replica, projectIds }) => [replica, projectIds])).toEqual([
      ['one', [7]],
      ['two', [7]],
    ]);
  });

  test('that come after the read of their project has begun are read again, and those that meet a pass wait for it', async () => {
    const one = await start('one');
    read = () => (orders.length === 1 ? 'later' : 'read');
    await one.hints?.add([hint(7)]);
    await until(() => orders.length === 1, 'the first read');
    expect(await one.hints?.add([hint(7)])).toBe(0);
    expect(await one.hints?.add([hint(7)])).toBe(1);
    await until(() => readCount === 2, 'the hint that waited, and the one after it');
    expect([orders.length === 2 || orders.length === 3, dropped]).toEqual([true, []]);
  });
});
