// Prints `N passed, N failed` from vitest's report. A run that failed without a failed test counts as one failure.
import { readFileSync } from 'node:fs';

const exitCode = Number(process.argv[2]);
const read = () => {
  try {
    return JSON.parse(readFileSync('.vitest/results.json', 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
};
const { numPassedTests, numFailedTests } = read();
console.log(`${numPassedTests} passed, ${exitCode !== 0 && numFailedTests === 0 ? 1 : numFailedTests} failed`);
