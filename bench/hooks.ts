import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createFakeGitlab } from '../fake-gitlab/fake-gitlab.ts';
import { hookOf } from '../fake-gitlab/hooks.ts';
import type { FakeHook } from '../fake-gitlab/hooks.ts';
import type { HookLoad, HookLoadResult } from './hooks-load.ts';
import { serve } from '../fake-gitlab/serve.ts';
import { World, goodToken } from '../fake-gitlab/world/world.ts';

/*
 * What webhooks bring and cost: the time from a change in a simulated GitLab to the stored row, and a poller under many hooks.
 * node bench/hooks.ts [--projects 50] [--changes 40] [--rate 1000] [--seconds 20] [--profile FOLDER]; with DATABASE_URL on that PostgreSQL.
 */
const { values } = parseArgs({
  options: {
    projects: { type: 'string', default: '50' },
    changes: { type: 'string', default: '40' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    profile: { type: 'string' },
  },
});
const [projectCount, changes, rate, seconds] = [values.projects, values.changes, values.rate, values.seconds].map(Number) as [
  number,
  number,
  number,
  number,
];
const token = 'das-wort-der-hooks';
const dataDir = '/tmp/gitlab-connector-bench-hooks';
const print = (line: string) => process.stdout.write(`${line}\n`);

const world = new World();
const projects = Array.from({ length: projectCount }, (_, index) => world.addProject(`acme/p${index}`));
const fake = createFakeGitlab(world);
const served = await serve(fake);
rmSync(dataDir, { recursive: true, force: true });
const databaseUrl = process.env.DATABASE_URL;
const poller = spawn(
  process.execPath,
  [...(values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []), 'bin/gitlab-connector.cjs', 'poll'],
  {
    env: {
      PATH: process.env.PATH,
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir }),
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: served.url,
      REPOS: 'acme',
      POLL_INTERVAL: '3600',
      HEALTH_PORT: '0',
      WEBHOOK_SECRET: token,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let log = '';
poller.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
while (!log.includes('"msg":"pass ended"')) await sleep(100);
const [, url = ''] = /"health":"([^"]+)"/.exec(log) ?? [];
const post = ({ headers, body }: FakeHook) => fetch(`${url}/hooks/gitlab`, { method: 'POST', headers, body });
const metrics = async () => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')
        .at(-1),
    );
  return {
    cpuSeconds: value('process_cpu_seconds_total'),
    rssMb: Math.round(value('process_resident_memory_bytes') / 1e6),
    lagP50Ms: value('nodejs_eventloop_lag_p50_seconds') * 1000,
    lagP99Ms: value('nodejs_eventloop_lag_p99_seconds') * 1000,
    inserted: value('gitlab_connector_events_total{type="mr",result="inserted"}'),
    read: value('gitlab_connector_hints_total{result="read"}'),
    joined: value('gitlab_connector_hints_total{result="joined"}'),
  };
};
const show = ({ rssMb, lagP50Ms, lagP99Ms }: Awaited<ReturnType<typeof metrics>>) =>
  `${rssMb} MB, event loop lag ${lagP50Ms.toFixed(1)} ms (median), ${lagP99Ms.toFixed(1)} ms (99 %)`;

const waits: number[] = [];
for (let i = 0; i < changes; i++) {
  const project = projects[i % projects.length];
  if (!project) break;
  const known = (await metrics()).inserted || 0;
  world.pass();
  project.openMergeRequest({ title: `change ${i}` });
  const changedAt = performance.now();
  await post(hookOf(project, 'merge_request', { token }));
  while (((await metrics()).inserted || 0) === known) await sleep(25);
  waits.push(performance.now() - changedAt);
}
waits.sort((a, b) => a - b);
const at = (part: number) => ((waits[Math.floor(part * (waits.length - 1))] ?? 0) / 1000).toFixed(2);
print(`from a change to its row, ${waits.length} changes: median ${at(0.5)} s, 95 % ${at(0.95)} s, longest ${at(1)} s`);

const before = await metrics();
await sleep(seconds * 1000);
const idle = await metrics();
const requestsBefore = fake.seen.length;
const load: HookLoad = {
  url: `${url}/hooks/gitlab`,
  hooks: projects.map((project) => hookOf(project, 'pipeline', { token })),
  rate,
  seconds,
};
// In a process of its own: what sending takes is not taken from the simulated GitLab.
const sender = fork(fileURLToPath(new URL('hooks-load.ts', import.meta.url)));
sender.send(load);
const [result] = (await once(sender, 'message')) as [HookLoadResult];
const busy = await metrics();
print(
  `${result.sent} hooks in ${result.seconds.toFixed(1)} s (${Math.round(result.sent / result.seconds)} a second), answered in ${result.medianMs.toFixed(1)} ms (median), ${result.slowMs.toFixed(1)} ms (99 %); ${result.refused} refused`,
);
const cpu = busy.cpuSeconds - idle.cpuSeconds - ((idle.cpuSeconds - before.cpuSeconds) / seconds) * result.seconds;
print(`the poller takes ${((cpu / result.sent) * 1000).toFixed(2)} s of a processor for 1,000 hooks, with the reads that they bring`);
print(
  `read ${busy.read - idle.read} hints of ${projectCount} projects with ${fake.seen.length - requestsBefore} requests to GitLab; joined ${busy.joined - idle.joined}`,
);
print(`poller without hooks: ${show(idle)}`);
print(`poller under hooks:   ${show(busy)}`);
poller.kill('SIGTERM');
await once(poller, 'close');
await served.close();
rmSync(dataDir, { recursive: true, force: true });
