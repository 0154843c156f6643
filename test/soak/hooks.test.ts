import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { deliver, hookOf } from '../../fake-gitlab/hooks.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../fake-gitlab/world/world.ts';
import { createRandom } from '../convergence/random.ts';
import { startPoller, until } from '../service/poller.ts';
import { createTestDatabase } from '../support/databases.ts';

const token = 'das-wort-der-hooks';
const isLong = process.env.SOAK_MINUTES !== undefined;
/** In a long soak a change a second. */
const changeCount = isLong ? Math.ceil(Number(process.env.SOAK_MINUTES) * 60) : 12;
const everyMs = isLong ? 1_000 : 100;
/** Each has a change in turn: more often than every 10 seconds none is read because of a hook. */
const projectCount = 12;

test(
  'what hooks tell of is stored before the next poll, with hooks that come twice',
  async () => {
    const random = createRandom(Number(process.env.SOAK_SEED ?? 1));
    const world = new World();
    const projects = Array.from({ length: projectCount }, (_, index) => world.addProject(`acme/p${index}`));
    const fake = createFakeGitlab(world);
    const served = await serve(fake);
    const database = await createTestDatabase('postgres');
    const { databaseUrl = '' } = database.options;
    const env = { GITLAB_TOKEN: goodToken, GITLAB_URL: served.url, PROJECT_LIMIT: '0', POLL_INTERVAL: '86400', WEBHOOK_SECRET: token };
    const poller = startPoller({ ...env, DATABASE_URL: databaseUrl });
    const client = new Client({ connectionString: databaseUrl });
    try {
      await poller.line(({ msg }) => msg === 'pass ended');
      await client.connect();
      const url = `${await poller.url()}/hooks/gitlab`;
      const changedAt = new Map<string, number>();
      const waits: number[] = [];
      const look = async () => {
        const { rows } = await client.query<{ event_id: string }>('select event_id from change_events where event_id = any ($1)', [
          [...changedAt.keys()],
        ]);
        for (const { event_id: id } of rows) {
          waits.push(performance.now() - (changedAt.get(id) ?? 0));
          changedAt.delete(id);
        }
      };
      for (let i = 0; i < changeCount; i++) {
        const project = projects[i % projectCount];
        if (!project) break;
        world.pass();
        const { iid } = project.openMergeRequest({ title: `change ${i}` });
        changedAt.set(`mr-${project.fullPath}-${iid}`, performance.now());
        const hooks = deliver([hookOf(project, 'merge_request', { token })], { random: random.next, lost: 0, doubled: 0.5 });
        for (const { headers, body } of hooks) expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202);
        await sleep(everyMs);
        await look();
      }
      await until(async () => {
        await look();
        return changedAt.size === 0;
      }, 'every change is stored');
      waits.sort((a, b) => a - b);
      const at = (part: number) => ((waits[Math.floor(part * (waits.length - 1))] ?? 0) / 1000).toFixed(2);
      if (isLong)
        process.stdout.write(`hooks: ${waits.length} changes, from a change to its row: median ${at(0.5)} s, 95 % ${at(0.95)} s\n`);
      expect(waits).toHaveLength(changeCount);
      // No poll has brought them.
      expect(poller.lines.filter(({ msg }) => msg === 'pass ended')).toHaveLength(1);
    } finally {
      poller.child.kill('SIGKILL');
      await poller.ended;
      await client.end();
      await served.close();
      await database.remove();
    }
  },
  Number(process.env.SOAK_MINUTES ?? 0) * 60_000 + 300_000,
);
