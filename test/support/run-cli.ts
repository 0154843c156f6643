import { run } from '../../src/cli/program.ts';

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process, with nothing of its environment. */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const written = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({ columns: 1_000, write: (text: string) => (written[name] += text) });
  const code = await run(args, { env, out: output('out'), err: output('err'), signal: new AbortController().signal });
  return { code, ...written };
}
