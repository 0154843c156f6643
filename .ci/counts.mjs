// The last step of .ci/run: checks vitest's report, whatever the exit code of the run said, and prints `N passed, N failed`.
// `node .ci/counts.mjs EXIT_CODE [REPORT]`, with the exit code of the steps before. Its own exit code is the one that decides.
import { readFileSync } from 'node:fs';

/** The number of tests. A run with fewer tests fails. Raise the number when you add tests; lower it in the commit that deletes tests, with the reason. */
const floor = 2300;

/** Tests that need a program which npm does not install, and that say so in their title. CI installs it (.github/workflows/ci.yml). */
const mayBeSkipped = /\(runs where .+ is installed\)$/;

const [code, file = '.vitest/results.json'] = process.argv.slice(2);
const faults = code === '0' ? [] : [`a step ended with exit code ${code}`];
let report;
try {
  report = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  faults.push(`there is no report in ${file}`);
}
const { numPassedTests: passed = 0, numFailedTests: failed = 0, numTotalTests: total = 0, success = false } = report ?? {};
if (failed > 0) faults.push(`the report has ${failed} failed`);
else if (report && !success)
  faults.push('the report says that the run failed: a file that could not be loaded, or an error outside of tests');
if (report && total < floor) faults.push(`the report has ${total} tests, fewer than ${floor}`);
const left = (report?.testResults ?? [])
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status, title }) => status !== 'passed' && status !== 'failed' && mayBeSkipped.test(title));
for (const { title } of left) console.error(`skipped: ${title}`);
const skipped = total - passed - failed - left.length;
if (skipped > 0) faults.push(`${skipped} tests were skipped`);
for (const fault of faults) console.error(`ERROR: ${fault}`);
// A run that failed without a failed test counts as one failure.
console.log(`${passed} passed, ${faults.length > 0 && failed === 0 ? 1 : failed} failed`);
process.exitCode = faults.length > 0 ? 1 : 0;
