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

describe('a request is as large as GitLab bears', () => {
  test('the largest, as long as nothing is too much', async () => {
    const { asked, read } = askedOf(() => 10);
    for (let i = 0; i < 3; i++) await read();
    expect(asked).toEqual([100, 100, 100]);
  });

  test('smaller by as much as a refusal for complexity says, without a pause, and no larger after that', async () => {
    const { asked, waits, read } = askedOf((size) => (size > 20 ? tooComplex(1250) : 6000));
    expect(await read()).toBe(20);
    expect(await read()).toBe(20);
    expect({ asked, waits }).toEqual({ asked: [100, 20, 20], waits: [] });
  });

  test('half as large after a pause when the server fails or runs out of time, and larger again after quick answers', async () => {
    let isBusy = true;
    const { asked, waits, read } = askedOf((size) => (isBusy && size > 25 ? outOfTime : 10));
    expect(await read()).toBe(25);
    expect(waits).toEqual([1, 1]);
    isBusy = false;
    for (let i = 0; i < 5; i++) await read();
    expect(asked).toEqual([100, 50, 25, 38, 57, 86, 100, 100]);
  });

  test('smaller before it fails when answers are slow, and as it is when they are neither quick nor slow', async () => {
    let durationMs = 16_000;
    const { asked, read } = askedOf(() => durationMs);
    await read();
    durationMs = 10_000;
    await read();
    await read();
    expect(asked).toEqual([100, 66, 66]);
  });

  test('learnt once when several fail together at the same size', async () => {
    const { sizes, read } = askedOf((size) => (size > 50 ? new ServerError('no', { operation, status: 503 }) : 6000));
    await Promise.all([read(), read()]);
    expect(sizes.of(operation, 100)).toBe(50);
  });
});

describe('what cannot be had', () => {
  test('at the smallest size fails with the last error, after as many attempts as there may be', async () => {
    const timeout = new UnreachableError('late', { operation, systemCode: 'TIMEOUT' });
    const { asked, waits, read } = askedOf(() => timeout, 3);
    await expect(read(4)).rejects.toBe(timeout);
    expect(asked).toEqual([4, 2, 1, 1, 1]);
    expect(waits).toEqual([1, 1, 1, 2]);
  });

  test('because it is too complex even at the smallest size is not asked for again', async () => {
    const { asked, read } = askedOf(() => tooComplex(300));
    await expect(read(2)).rejects.toThrow('complexity of 300');
    expect(asked).toEqual([2, 1]);
  });

  test('whatever its size is not asked for again', async () => {
    const { asked, read } = askedOf(() => new ForbiddenError('no', { operation, status: 403 }));
    await expect(read()).rejects.toThrow(ForbiddenError);
    expect(asked).toEqual([100]);
  });
});
