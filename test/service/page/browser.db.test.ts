import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createHostStates, syncGitlab } from '../../../src/index.ts';
import { startHealthServer } from '../../../src/service/health-server.ts';
import type { HealthServer } from '../../../src/service/health-server.ts';
import { createPage, pagePaths } from '../../../src/service/page/page.ts';
import type { Database } from '../../../src/store/database/database.ts';
import { createDemoWorld } from '../../../fake-gitlab/demo-world.ts';
import { createFakeGitlab } from '../../../fake-gitlab/fake-gitlab.ts';
import { goodToken } from '../../../fake-gitlab/world/world.ts';
import { startBrowser } from '../../support/browser.ts';
import { openTestDatabase } from '../../support/databases.ts';
import { fakeUrl, fetchFrom } from '../../support/fake.ts';
import { addConnection } from '../../support/rows.ts';

const hostileTitle = '<img src=x onerror="document.title=1"><script>document.title=2</script> \u202eevil & "quotes"';
const demo = createDemoWorld();
let database: Database;
let connectionId: number;
let browser: Browser;
let server: HealthServer;
const now = () => new Date('2026-11-23T08:05:00Z');
const window = '/?from=2026-11-23+07:00&to=2026-11-23+08:00';

const sync = () =>
  syncGitlab(database.em, { url: fakeUrl, token: goodToken, branches: 'main' }, connectionId, {
    fetch: fetchFrom(createFakeGitlab(demo.world)),
    hostStates: createHostStates(),
  });
const serve = (password: string | null) => {
  const page = createPage({
    password,
    now,
    served: () => Promise.resolve({ em: database.em, urls: new Map([[connectionId, fakeUrl]]) }),
  });
  return startHealthServer({ host: '127.0.0.1', port: 0, page: { paths: pagePaths, fetch: (request) => page.fetch(request) } }, {});
};

beforeAll(async () => {
  database = await openTestDatabase('postgres');
  connectionId = await addConnection(database.em, fakeUrl);
  const project = demo.world.projects.find(({ fullPath }) => fullPath === 'acme/api');
  project?.openMergeRequest({ title: hostileTitle });
  await sync();
  server = await serve(null);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.close();
  await database.close();
});

/** Opens a page, and notes what must not happen: errors in the console, and requests to anywhere else. */
async function open(
  path: string,
  {
    url = server.url,
    change = (html: string) => html,
    ...options
  }: BrowserContextOptions & { readonly url?: string; readonly change?: (html: string) => string } = {},
): Promise<Page & { readonly faults: readonly string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => request.url().startsWith(url) || faults.push(`request to ${request.url()}`));
  await page.route(
    ({ pathname }) => pathname === '/',
    async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: change(await response.text()) });
    },
  );
  await page.goto(`${url}${path}`);
  return Object.assign(page, { faults });
}

test('shows a window, and its form asks for another: the URL is the query', async () => {
  const page = await open(window);
  const lines = await page.locator('.rows > .row').count();
  expect(lines).toBeGreaterThan(5);
  expect(await page.title()).toMatch(/^\d+ changes, 07:00 to 08:00 UTC$/);
  await page.locator('#filters summary').click();
  await page.fill('input[name=project]', 'acme/a*');
  for (const type of ['mr', 'release', 'commit', 'image']) await page.uncheck(`input[name=type][value=${type}]`);
  await page.click('form#query button');
  await page.waitForURL(/project=acme/);
  const texts = await page.locator('.rows > .row .what').allTextContents();
  expect(texts).toContain('pipeline #102 failed on main: integration');
  expect(texts.every((text) => text.startsWith('pipeline'))).toBe(true);
  await page.reload();
  expect(await page.locator('.rows > .row .what').allTextContents()).toEqual(texts);
  expect(await page.locator('#coverage').textContent()).toContain('read');
  const csv = await fetch(new URL((await page.locator('#csv').getAttribute('href')) ?? '', server.url));
  expect(await csv.text()).toContain('pipeline #102 failed on main: integration');
  const json = await fetch(new URL((await page.locator('#json').getAttribute('href')) ?? '', server.url));
  expect(((await json.json()) as { changes: unknown[] }).changes).toHaveLength(texts.length);
  expect(page.faults).toEqual([]);
});

test('a row opens its history and its chain in place, and on a page of its own without JavaScript', async () => {
  const page = await open(window);
  const row = page.locator('.rows > .row', { hasText: 'merged !1' }).first();
  await row.locator('summary').click();
  await row.locator('a.more').click();
  await row.locator('.change h3', { hasText: 'History' }).waitFor();
  expect(await row.locator('.history').textContent()).toContain('merged');
  expect(await row.locator('.chain a').count()).toBeGreaterThan(0);
  expect(await row.locator('a.out').getAttribute('rel')).toBe('noreferrer noopener');
  expect(page.faults).toEqual([]);
  const plain = await open(window, { javaScriptEnabled: false });
  const same = plain.locator('.rows > .row', { hasText: 'merged !1' }).first();
  await same.locator('summary').click();
  await same.locator('a.more').click();
  await plain.waitForURL(/\/changes\?/);
  expect(await plain.locator('.history').textContent()).toContain('merged');
  expect(plain.faults).toEqual([]);
});

test('what GitLab says is text', async () => {
  const page = await open('/?from=2026-11-23+07:00&to=2026-11-23+08:00&type=mr');
  const line = await page.locator('.rows .what', { hasText: 'onerror' }).first().textContent();
  expect(line).toContain('<img src=x onerror="document.title=1"><script>document.title=2</script> ⟨U+202E⟩evil & "quotes"');
  expect(await page.title()).toMatch(/^\d+ changes/);
  expect(await page.locator('.rows img').count()).toBe(0);
  expect(page.faults).toEqual([]);
});

test('an impossible value is named, and what was typed stays', async () => {
  const page = await open('/?from=25:00&type=mr');
  expect(await page.locator('[role=alert]').textContent()).toContain('from is not a time that this page knows: "25:00"');
  expect(await page.inputValue('input[name=from]')).toBe('25:00');
  expect(page.faults.filter((fault) => !fault.includes('400'))).toEqual([]);
});

test('new changes come while the window ends now, and the reader stays where they are', async () => {
  const page = await open('/?last=24h', { change: (html) => html.replace('data-live="1"', 'data-live="1" data-every="1"') });
  const before = await page.locator('.rows > .row').count();
  const first = page.locator('.rows > .row').first();
  await first.locator('summary').click();
  demo.happen();
  await sync();
  await page.locator('#news', { hasText: /^\d+ new$/ }).waitFor({ timeout: 30_000 });
  expect(await page.locator('.rows > .row').count()).toBeGreaterThan(before);
  expect(await page.locator('.rows > .row.new').count()).toBe(Number.parseInt((await page.locator('#news').textContent()) ?? '', 10));
  expect(await first.locator('details').getAttribute('open')).not.toBeNull();
  expect(page.faults).toEqual([]);
});

test('the keyboard moves through rows, and opens them', async () => {
  const page = await open(window);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  expect(await page.locator('.rows > .row').nth(1).locator('details').getAttribute('open')).not.toBeNull();
  await page.keyboard.press('?');
  expect(await page.locator('#help').isVisible()).toBe(true);
});

test.each([400, 1_000, 1_600])('nothing is wider than a window of %i pixels', async (width) => {
  const page = await open(window, { viewport: { width, height: 900 } });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  const folder = process.env['PAGE_PICTURES'];
  if (folder) {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${folder}/${width}-${colorScheme}.png` });
    }
  }
});

test('a password is asked for where there is one, and nothing is shown without it', async () => {
  const locked = await serve('correct horse');
  try {
    const status = async (path: string, password?: string) => {
      const headers: Record<string, string> =
        password === undefined ? {} : { authorization: `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}` };
      return (await fetch(`${locked.url}${path}`, { headers })).status;
    };
    for (const path of pagePaths) expect({ path, status: await status(path) }).toEqual({ path, status: 401 });
    expect(await status('/', 'wrong')).toBe(401);
    expect(await status('/', 'correct horse')).toBe(200);
    const page = await open(window, { httpCredentials: { username: 'ada', password: 'correct horse' }, url: locked.url });
    expect(await page.locator('.rows > .row').count()).toBeGreaterThan(5);
  } finally {
    await locked.close();
  }
});

test('every answer is protected, and other host names are refused', async () => {
  for (const path of ['/', '/page.js', '/changes?id=x', '/changes.json', '/changes.csv']) {
    const { headers } = await fetch(`${server.url}${path}`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
  const { port } = new URL(server.url);
  const { request } = await import('node:http');
  const status = await new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/', headers: { host: 'evil.example' } }, (answer) => resolve(answer.statusCode)).end();
  });
  expect(status).toBe(421);
});
