import { describe, expect, test } from 'vitest';
import { ForbiddenError, GraphqlError, ServerError, UnreachableError } from '../../../src/errors.ts';
import { createAdaptiveSizes, fitRequest } from '../../../src/gitlab/limits/adaptive-size.ts';

const operation = 'MergeRequestPage';
const tooComplex = (score: number) =>
  new GraphqlError([{ message: `Query has complexity of ${score}, which exceeds max complexity of 250` }], { operation });
const outOfTime = new GraphqlError([{ message: 'Timeout on MergeRequest.diffStats' }], { operation });

/** A GitLab that answers, fails or takes its time by the size that it is asked for. */
function askedOf(answer: (size: number) => number | Error, attempts = 3) {
  const sizes = createAdaptiveSizes();
  const asked: number[] = [];
  const waits: number[] = [];
  let now = 0;
  const fitting = {
    sizes,
    attempts,
    now: () => now,
    wait: (attempt: number) => Promise.resolve(void waits.push(attempt)),
  };
  const ask = (size: number) => {
    asked.push(size);
    const result = answer(size);
    if (result instanceof Error) return Promise.reject(result);
    now += result;
    return Promise.resolve(size);
  };
  return { sizes, asked, waits, read: (largest = 100) => fitRequest(fitting, { kind: operation, largest, ask }) };
}

describe('the size of a request', () => {
  test('stays the largest as long as GitLab answers', async () => {
    const { asked, read } = askedOf(() => 10);
    for (let i = 0; i < 3; i++) await read();
    expect(asked).toEqual([100, 100, 100]);
  });

  test('shrinks to what a refusal for complexity allows, without a pause, and does not grow after that', async () => {
    const { asked, waits, read } = askedOf((size) => (size > 20 ? tooComplex(1250) : 6000));
    expect(await read()).toBe(20);
    expect(await read()).toBe(20);
    expect({ asked, waits }).toEqual({ asked: [100, 20, 20], waits: [] });
  });

  test('halves after a pause when the server fails or times out, and grows again after fast answers', async () => {
    let isBusy = true;
    const { asked, waits, read } = askedOf((size) => (isBusy && size > 25 ? outOfTime : 10));
    expect(await read()).toBe(25);
    expect(waits).toEqual([1, 1]);
    isBusy = false;
    for (let i = 0; i < 5; i++) await read();
    expect(asked).toEqual([100, 50, 25, 38, 57, 86, 100, 100]);
  });

  test('shrinks when answers are slow, before they fail, and stays when they are neither fast nor slow', async () => {
    let durationMs = 16_000;
    const { asked, read } = askedOf(() => durationMs);
    await read();
    durationMs = 10_000;
    await read();
    await read();
    expect(asked).toEqual([100, 66, 66]);
  });

  test('shrinks once when several requests of the same size fail together', async () => {
    const { sizes, read } = askedOf((size) => (size > 50 ? new ServerError('no', { operation, status: 503 }) : 6000));
    await Promise.all([read(), read()]);
    expect(sizes.of(operation, 100)).toBe(50);
  });
});

describe('a request that fails at every size', () => {
  test('fails at the smallest size with the last error, after the allowed number of attempts', async () => {
    const timeout = new UnreachableError('late', { operation, systemCode: 'TIMEOUT' });
    const { asked, waits, read } = askedOf(() => timeout, 3);
    await expect(read(4)).rejects.toBe(timeout);
    expect(asked).toEqual([4, 2, 1, 1, 1]);
    expect(waits).toEqual([1, 1, 1, 2]);
  });

  test('is not repeated when it is too complex at the smallest size', async () => {
    const { asked, read } = askedOf(() => tooComplex(300));
    await expect(read(2)).rejects.toThrow('complexity of 300');
    expect(asked).toEqual([2, 1]);
  });

  test('is not repeated when the error does not depend on the size', async () => {
    const { asked, read } = askedOf(() => new ForbiddenError('no', { operation, status: 403 }));
    await expect(read()).rejects.toThrow(ForbiddenError);
    expect(asked).toEqual([100]);
  });
});
