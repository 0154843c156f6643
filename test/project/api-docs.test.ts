import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
};

test('the API reference is made of the docstrings without a warning', async () => {
  const [program = '', ...args] = packageJson.scripts['docs:api']?.split(' ') ?? [];
  const { stdout, stderr } = await run(program, [...args, '--emit', 'none']).catch((error: { stdout: string; stderr: string }) => error);
  expect(stdout + stderr).toBe('');
});

// TypeDoc brings a second compiler, whose command has the same name.
test('tsc is the compiler that the project is written for', async () => {
  expect((await run('tsc', ['--version'])).stdout).toBe(`Version ${packageJson.devDependencies.typescript}\n`);
});
