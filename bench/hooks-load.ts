import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeHook } from '../fake-gitlab/hooks.ts';

/** What a process that sends hooks is told. */
export interface HookLoad {
  readonly url: string;
  readonly hooks: readonly FakeHook[];
  /** Hooks a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** What it says at the end. */
export interface HookLoadResult {
  readonly sent: number;
  readonly seconds: number;
  /** How long an answer took: median and 99 %, in milliseconds. */
  readonly medianMs: number;
  readonly slowMs: number;
  /** How many were not answered with 202. */
  readonly refused: number;
}

/** Sends hooks over a few connections that stay open, as GitLab's workers would from behind a proxy. */
async function send({ url, hooks, rate, seconds }: HookLoad): Promise<HookLoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const took: number[] = [];
  let [sent, refused] = [0, 0];
  const post = ({ headers, body }: FakeHook) =>
    new Promise<void>((resolve, reject) => {
      const at = performance.now();
      const sending = request(
        url,
        { agent, method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
        (answer) => {
          if (answer.statusCode !== 202) refused++;
          answer.resume().on('end', () => {
            took.push(performance.now() - at);
            resolve();
          });
        },
      );
      sending.on('error', reject);
      sending.end(body);
    });
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 1000;
  while (elapsed() < seconds) {
    const due = Math.min(Math.floor(elapsed() * rate) - sent, 200);
    await Promise.all(Array.from({ length: Math.max(due, 0) }, () => post(hooks[sent++ % hooks.length] as FakeHook)));
    await sleep(5);
  }
  const lasted = elapsed();
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (part: number) => took[Math.floor(part * (took.length - 1))] ?? 0;
  return { sent, seconds: lasted, medianMs: at(0.5), slowMs: at(0.99), refused };
}

process.once('message', (load: HookLoad) => {
  void send(load).then((result) => {
    process.send?.(result);
    process.disconnect();
  });
});
