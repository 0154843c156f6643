import { afterEach, expect, test } from 'vitest';
import { createFakeGitlab } from '../../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../../fake-gitlab/serve.ts';
import type { Served } from '../../../fake-gitlab/serve.ts';
import { World, goodToken } from '../../../fake-gitlab/world/world.ts';
import { createTestDatabase, describeDatabases } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/databases.ts';
import { startPoller } from '../poller.ts';
import type { PollerProcess } from '../poller.ts';

let served: Served;
let database: TestDatabase;
let poller: PollerProcess;
afterEach(async () => {
  poller.child.kill('SIGKILL');
  await poller.ended;
  await served.close();
  await database.remove();
});

describeDatabases('a poller with a password', (kind) => {
  test('serves the page of what it has read, and shows the password nowhere', async () => {
    const world = new World();
    world.addProject('acme/shop').openMergeRequest({ title: 'Refunds' });
    served = await serve(createFakeGitlab(world));
    database = await createTestDatabase(kind);
    const { databaseUrl, dataDir } = database.options;
    const password = 'geheim-wort';
    poller = startPoller({
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir }),
      GITLAB_TOKEN: goodToken,
      GITLAB_URL: served.url,
      HEALTH_HOST: '0.0.0.0',
      PAGE_PASSWORD: password,
      LOG_LEVEL: 'debug',
    });
    const url = (await poller.url()).replace('0.0.0.0', '127.0.0.1');
    await poller.line(({ msg }) => msg === 'pass ended');
    const authorization = `Basic ${Buffer.from(`x:${password}`).toString('base64')}`;
    const get = (path: string, headers: Readonly<Record<string, string>> = { authorization }) => fetch(`${url}${path}`, { headers });
    const page = await get('/?from=2026-11-23T07:00Z&to=2026-11-23T09:00Z');
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain('opened !1 Refunds');
    expect(text).toContain(`href="${served.url}/acme/shop/-/merge_requests/1"`);
    const [, more = ''] = /class="more"\s+href="([^"]*)"/.exec(text) ?? [];
    expect(await (await get(more.replaceAll('&amp;', '&'))).text()).toContain('[MR] Refunds');
    expect((await get('/changes?id=mr-acme/shop-1&connection=2')).status).toBe(404);
    expect((await get("/?last=1h&project=';--&author=%25&status=%5C&text=%27%C0%80&type=mr")).status).toBe(200);
    expect((await get('/?last=1h&text=%00')).status).toBe(400);
    expect((await get('/changes?id=%00')).status).toBe(404);
    expect([(await get('/', {})).status, (await get('/readyz', {})).status]).toEqual([401, 200]);
    const shown = [
      text,
      await (await get('/status')).text(),
      await (await get('/metrics')).text(),
      poller.err(),
      ...poller.lines.map((line) => JSON.stringify(line)),
    ];
    expect(shown.filter((one) => one.includes(password))).toEqual([]);
  });
});
