import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';

const enough = { numPassedTests: 5_000, numFailedTests: 0, numTotalTests: 5_000, success: true };

/** Runs the last step of .ci/run on a report. */
async function counts(code: number, report: string | undefined): Promise<{ code: number; out: string; err: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-counts-'));
  const file = path.join(folder, 'results.json');
  try {
    if (report !== undefined) await writeFile(file, report);
    return await new Promise((resolve) => {
      execFile(process.execPath, ['.ci/counts.mjs', String(code), file], (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('.ci/run passes when every step and every test passed', async () => {
  expect(await counts(0, JSON.stringify(enough))).toEqual({ code: 0, out: '5000 passed, 0 failed\n', err: '' });
});

test('.ci/run passes, and names it, when a test is skipped whose title says what it needs', async () => {
  const title = 'works (runs where a program is installed)';
  const testResults = [{ assertionResults: [{ status: 'skipped', title }] }];
  const report = { ...enough, numPassedTests: 4_999, testResults };
  expect(await counts(0, JSON.stringify(report))).toEqual({ code: 0, out: '4999 passed, 0 failed\n', err: `skipped: ${title}\n` });
  const others = [{ assertionResults: [{ status: 'skipped', title: 'works' }] }];
  expect(await counts(0, JSON.stringify({ ...report, testResults: others }))).toMatchObject({ code: 1 });
});

test.for<readonly [string, number, string | undefined, string, RegExp]>([
  ['a step failed although all tests passed', 1, JSON.stringify(enough), '5000 passed, 1 failed\n', /a step ended with exit code 1/],
  [
    'a test failed although the exit code is 0',
    0,
    JSON.stringify({ ...enough, numPassedTests: 4_998, numFailedTests: 2, success: false }),
    '4998 passed, 2 failed\n',
    /2 failed/,
  ],
  [
    'a file could not be loaded although the exit code is 0',
    0,
    JSON.stringify({ ...enough, success: false }),
    '5000 passed, 1 failed\n',
    /could not be loaded/,
  ],
  [
    'tests are missing',
    0,
    JSON.stringify({ ...enough, numPassedTests: 12, numTotalTests: 12 }),
    '12 passed, 1 failed\n',
    /12 tests, fewer than/,
  ],
  ['tests are skipped', 0, JSON.stringify({ ...enough, numPassedTests: 4_999 }), '4999 passed, 1 failed\n', /1 tests were skipped/],
  ['there is no report', 0, undefined, '0 passed, 1 failed\n', /no report/],
  ['the report is cut off', 0, '{"numPassedTests": 5', '0 passed, 1 failed\n', /no report/],
])('.ci/run fails when %s', async ([, code, report, line, reason]) => {
  const result = await counts(code, report);
  expect(result).toMatchObject({ code: 1, out: line });
  expect(result.err).toMatch(reason);
});
