import { execFile } from 'node:child_process';
import path from 'node:path';
import { inject } from 'vitest';
import type { Ended } from './run-cli.ts';

const builtFolder = inject('builtFolder');

/**
 * Arguments for Node that start the command line: the built one, as users run it, unless something was changed after the build; else its
 * sources, of which Node strips the types, and which take three times the CPU. V8 compiles WebAssembly, which PGlite is, only once, as in
 * the workers (vitest.config.ts): this halves the CPU of a command over an embedded database.
 */
export const cliProgram: readonly string[] = [
  '--liftoff-only',
  ...(builtFolder === null ? ['--no-warnings', 'src/cli/main.ts'] : [path.join(builtFolder, 'dist/src/cli/main.js')]),
];

/** Runs the command line as a process of its own, with nothing of this environment but PATH, HOME and the cache of compiled code. */
export function runCliProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [...cliProgram, ...args], { env: { PATH, HOME, NODE_COMPILE_CACHE, ...env } }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
  });
}
