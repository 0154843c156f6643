import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { minutes } from '../../../fake-gitlab/world/time.ts';
import { startBrowser } from '../../support/browser.ts';
import { playDeployments, playIncident, startSite } from './site.ts';
import type { Site } from './site.ts';

let site: Site;
let browser: Browser;
let page: Page;
/** What the browser said, and asked for, since the page was opened. */
const seen = { problems: [] as string[], elsewhere: [] as string[] };

beforeAll(async () => {
  [site, browser] = await Promise.all([startSite(), startBrowser()]);
  await playIncident(site);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});
afterEach(async () => {
  await page.context().close();
  // oxlint-disable-next-line vitest/no-standalone-expect -- it is part of every test of this file.
  expect(seen).toEqual({ problems: [], elsewhere: [] });
});

async function open(path: string, options: BrowserContextOptions = {}, on = site): Promise<void> {
  seen.problems.length = 0;
  seen.elsewhere.length = 0;
  const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, timezoneId: 'Europe/Berlin', ...options });
  page = await context.newPage();
  page.on('console', (message) => seen.problems.push(message.text()));
  page.on('pageerror', (error) => seen.problems.push(error.message));
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== on.url) seen.elsewhere.push(request.url());
  });
  await page.goto(`${on.url}${path}`);
}

const lines = () => page.locator('#rows > .row > details > summary .what').allInnerTexts();
const window20 = '/?from=08:20&to=08:40';

test('the form asks, the URL is the query, and the list is the incident in order', async () => {
  await open('/');
  await page.fill('[name=from]', '08:20');
  await page.fill('[name=to]', '08:40');
  await page.click('button[type=submit]');
  expect(new URL(page.url()).searchParams.get('from')).toBe('08:20');
  const all = await lines();
  expect(all.map((line) => line.replace(/[0-9a-f]{8}|#\d+/g, '_'))).toEqual([
    'opened !2 <img src=x onerror="window.hacked=1"></title><script>window.hacked=1</script> ⟨U+202E⟩evil␛[31m & "quotes" arrived 2026-11-23 08:32',
    'merged !1 into main by grace',
    "_ on main: Merge branch 'feature' into 'main'",
    'released v2.4.0 Orders 2.4',
    'pipeline _ failed on main: e2e',
    'pipeline _ passed on main',
    'web:prod rolled back → _ (was _)',
    '3 commits on main (by Ada Lovelace, of 2 days ago)',
  ]);
  expect(await page.evaluate('window.hacked')).toBeUndefined();
  expect((await page.locator('#coverage').innerText()).trim()).toBe('all 2 projects read 8 min ago');
  expect(await page.locator('.lane .track[role=img]').count()).toBe(2);
  const fold = page.locator('#rows > .row', { hasText: '3 commits' });
  await fold.locator('summary').first().click();
  const folded = await fold.locator('.folded .what').allInnerTexts();
  expect(folded.map((line) => line.replace(/^[0-9a-f]{8} on main: /, '')).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'one',
    'three',
    'two',
  ]);
  await page.fill('[name=project]', 'acme/api');
  for (const kind of ['mr', 'release', 'commit', 'image']) await page.uncheck(`[name=type][value=${kind}]`);
  await page.press('[name=project]', 'Enter');
  await page.waitForURL(/project=/);
  expect(await lines()).toEqual([expect.stringMatching(/^pipeline #\d+ passed on main$/)]);
  await page.goBack();
  expect(await lines()).toEqual(all);
  await page.click('text=15m');
  expect(new URL(page.url()).search).toBe('?last=15m');
});

test('a row opens in place: history, chain and the raw event; a point of a lane leads to its row', async () => {
  await open(window20);
  const merged = page.locator('.row', { hasText: 'merged !1' }).first();
  await merged.locator('summary').first().click();
  await merged.locator('article').waitFor();
  expect(await merged.locator('.history > li').count()).toBe(2);
  expect(await merged.locator('.history tr', { hasText: 'status' }).first().innerText()).toMatch(/status\s+opened\s+merged/);
  expect(await merged.locator('.chain').innerText()).toContain("[Commit] Merge branch 'feature' into 'main'");
  expect(await merged.locator('.facts').allInnerTexts()).toEqual(
    expect.arrayContaining([expect.stringContaining('pipelines read until 2026-11-23 08:32:00')]),
  );
  await merged.locator('.raw summary').click();
  expect(JSON.parse(await merged.locator('pre').innerText())).toMatchObject({ eventId: 'mr-acme/web/shop-1', status: 'merged' });
  const out = merged.locator('a.out');
  expect([await out.getAttribute('href'), await out.getAttribute('rel')]).toEqual([
    'https://gitlab.example.com/acme/web/shop/-/merge_requests/1',
    'noreferrer noopener',
  ]);
  await page.locator('.track a', { has: page.locator('title', { hasText: 'rolled back' }) }).focus();
  expect(await page.locator('.caption').innerText()).toContain('rolled back');
  await page.keyboard.press('Enter');
  await page.locator('.row:target article').waitFor();
  expect(await page.locator('.row:target .what').innerText()).toContain('rolled back');
});

test('new changes come in while the window ends now, and what is being read stays in its place', async () => {
  await open('/?last=1h');
  // The poller decides how often the page asks; a test cannot wait so long.
  const before = await lines();
  const row = page.locator('.row', { hasText: 'rolled back' }).first();
  await row.scrollIntoViewIfNeeded();
  const top = async () => (await row.boundingBox())?.y;
  const placed = await top();
  site.world.pass(minutes(1));
  site.world.projects.find(({ fullPath }) => fullPath === 'acme/api')?.openMergeRequest({ title: 'Hotfix' });
  await site.sync();
  await page.evaluate('refresh()');
  await page.locator('.pill').waitFor();
  expect(await page.locator('.pill').innerText()).toBe('1 new');
  expect(await top()).toBe(placed);
  expect(await lines()).toEqual([...before, 'opened !1 Hotfix']);
  expect(await page.locator('#total').innerText()).toBe(String(Number(await page.locator('#total').innerText())));
  await page.click('.pill');
  expect(await page.locator('.pill').isVisible()).toBe(false);
});

test('the keyboard moves, opens, searches and changes the zone', async () => {
  await open(window20);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  await page.locator('.row', { hasText: 'merged !1' }).first().locator('article').waitFor();
  await page.keyboard.press('?');
  expect(await page.locator('#help').isVisible()).toBe(true);
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('j/k');
  expect(await page.inputValue('#text')).toBe('j/k');
  await page.locator('#text').blur();
  await page.keyboard.press('t');
  await page.waitForURL(/tz=Europe/);
  expect(await page.locator('.tools').innerText()).toContain('Europe/Berlin');
});

test('CSV and JSON hold the same changes', async () => {
  await open(window20);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#csv')]);
  const csv = await readFile(await download.path(), 'utf8');
  expect(csv.split('\n')[0]).toBe('happened_at,arrived_at,project,type,headline,author,status,url,event_id,version,connection_id');
  // Three commits are one line of the page.
  expect(csv.trim().split('\n')).toHaveLength(1 + (await lines()).length + 2);
  const json = (await page.evaluate("fetch(document.querySelector('#json').href).then((response) => response.json())")) as {
    changes: unknown[];
    coverage: unknown[];
  };
  expect(json.changes).toHaveLength((await lines()).length + 2);
  expect(json.coverage).toHaveLength(12);
});

test('without JavaScript everything works but live updates and the keyboard', async () => {
  await open(`${window20}&author=nobody`, { javaScriptEnabled: false });
  expect(await page.locator('.empty').innerText()).toContain('Without the filter: 10 changes');
  await page.click('.empty a');
  expect(await lines()).toHaveLength(8);
  await page.locator('.row', { hasText: 'merged !1' }).first().locator('summary').click();
  await page.locator('.row', { hasText: 'merged !1' }).first().locator('a.more').click();
  expect(new URL(page.url()).pathname).toBe('/changes');
  expect(await page.locator('.history > li').count()).toBe(2);
  await page.locator('.chain a').first().click();
  expect(await page.locator('article h2').innerText()).toContain('[Commit]');
});

test('a wrong time is explained in the page', async () => {
  await open('/?from=noon-ish');
  expect(await page.locator('[role=alert]').innerText()).toContain('"noon-ish"');
  expect(await page.inputValue('[name=from]')).toBe('noon-ish');
  // Chromium says in the console that the status is 400.
  expect(seen.problems.splice(0)).toEqual([expect.stringContaining('400')]);
});

test('a password opens the page and all that belongs to it', async () => {
  const locked = await startSite({ password: 'geheim' });
  try {
    await open('/', { httpCredentials: { username: 'anyone', password: 'geheim' } }, locked);
    expect(await page.locator('.empty').innerText()).toContain('Nothing was read yet');
    expect(await page.evaluate("getComputedStyle(document.querySelector('header')).position")).toBe('sticky');
    expect((await fetch(locked.url)).status).toBe(401);
  } finally {
    await locked.close();
  }
});

test('at every width nothing sticks out of the page, and pictures can be taken of it', async () => {
  const folder = process.env['PAGE_SHOTS'];
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [400, 1000, 1600]) {
      await open('/?from=08:15&to=08:40', { viewport: { width, height: 900 }, colorScheme });
      if (folder) await page.screenshot({ path: `${folder}/${width}-${colorScheme}.png` });
      await page.locator('.row summary').nth(1).click();
      await page.locator('.row article').first().waitFor();
      if (folder) await page.screenshot({ path: `${folder}/${width}-${colorScheme}-open.png`, fullPage: true });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await page.context().close();
    }
});

test('a lane says what ran in an environment, leads to its row, and fits at every width', async () => {
  const folder = process.env['PAGE_SHOTS'];
  const deployed = await startSite();
  try {
    await playDeployments(deployed);
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [400, 1000, 1600]) {
        await open('/?from=08:15&to=08:40', { viewport: { width, height: 700 }, colorScheme }, deployed);
        if (folder) await page.screenshot({ path: `${folder}/environments-${width}-${colorScheme}.png` });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        await page.context().close();
      }
    await open('/?from=08:15&to=08:40', {}, deployed);
    expect(await page.locator('#environments .run text').allTextContents()).toContain('main aaaaaaaa');
    await page.locator('#environments .track a', { has: page.locator('title', { hasText: 'rolled back' }) }).focus();
    expect(await page.locator('#environments .caption').innerText()).toMatch(/^rolled back: main aaaaaaaa from 2026-11-23 08:30:00/);
    await page.keyboard.press('Enter');
    await page.locator('.row:target article').waitFor();
    expect(await page.locator('.row:target .what').innerText()).toContain('production rolled back');
  } finally {
    await deployed.close();
  }
});
