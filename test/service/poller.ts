import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { cliProgram } from '../support/cli-process.ts';

/** A line of the poller's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A poller as a process of its own. */
export interface PollerProcess {
  readonly child: ChildProcess;
  readonly lines: readonly LogLine[];
  /** What it wrote to its standard error. */
  readonly err: () => string;
  /** Resolves to the first line, now or later, that fits. Rejects when the process ends before. */
  readonly line: (fits: (line: LogLine) => boolean, timeoutMs?: number) => Promise<LogLine>;
  /** Where it answers. */
  readonly url: () => Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** Settings of a poller, as a user gives them. */
export type PollerEnv = Readonly<Record<string, string>>;

/** Starts `gitlab-connector poll` with nothing of this process's environment. */
export function startPoller(env: PollerEnv, args: readonly string[] = [], nodeArgs: readonly string[] = []): PollerProcess {
  const child = spawn(process.execPath, [...nodeArgs, ...cliProgram, 'poll', ...args], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, HEALTH_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  let [rest, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    const texts = (rest + chunk.toString()).split('\n');
    rest = texts.pop() ?? '';
    lines.push(...texts.map((text) => JSON.parse(text) as LogLine));
    for (const check of waiting) check();
  });
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }));
  const line: PollerProcess['line'] = (fits, timeoutMs = 180_000) => {
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const told = () => `\n${lines.map((one) => JSON.stringify(one)).join('\n')}\n${err}`;
    const check = () => {
      const found = lines.find(fits);
      if (found) resolve(found);
    };
    const timer = setTimeout(() => reject(new Error(`no such line within ${timeoutMs} ms: ${String(fits)}${told()}`)), timeoutMs);
    void ended.then(() => reject(new Error(`the poller has ended before: ${String(fits)}${told()}`)));
    waiting.add(check);
    check();
    return promise.finally(() => {
      clearTimeout(timer);
      waiting.delete(check);
    });
  };
  const url = async () => String((await line(({ msg }) => msg === 'poller started')).health);
  return { child, lines, err: () => err, line, url, ended };
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, timeoutMs = 180_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}
