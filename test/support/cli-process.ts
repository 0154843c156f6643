import { execFile } from 'node:child_process';
import type { Ended } from './run-cli.ts';

/** Arguments for Node that start the command line from its sources. Node strips the types; tsx would take twice the CPU. */
export const cliSources = ['--no-warnings', 'src/cli/main.ts'];

/** Runs the command line as a process of its own, with nothing of this environment but PATH, HOME and the cache of compiled code. */
export function runCliProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [...cliSources, ...args], { env: { PATH, HOME, NODE_COMPILE_CACHE, ...env } }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
  });
}
