import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { statSync } from 'node:fs';
import { startSite } from './site.ts';
import type { Site } from './site.ts';

let site: Site;
beforeAll(async () => {
  site = await startSite();
  const kysely = site.em.fork().getKysely();
  const { connectionId } = site;
  // 200 projects with 25 changes each, some of them noise, within an hour; and 50,000 changes of other days.
  await sql`
    with events as (
      insert into change_events (connection_id, source, event_id, title, description, author, "timestamp", url, status, metadata, stream)
      select ${connectionId}, 'gitlab', 'pipeline-acme/p' || p || '-' || i, '[Pipeline] ✗ main', '{"failed_jobs":[]}', 'ada', t, 'https://gitlab.example.com/x', s,
        jsonb_build_object('project', 'acme/p' || p, 'pipeline_id', i, 'ref', 'main', 'started_at', t - interval '2 minutes', 'finished_at', t), 'pipelines'
      from generate_series(1, 200) p, generate_series(1, 275) i,
        lateral (select case when i % 7 = 0 then 'failed' else 'success' end as s,
          case when i <= 25 then timestamptz '2026-11-23T07:00Z' else timestamptz '2026-11-01T07:00Z' + i * interval '1 hour' end + (p * 25 + i) * interval '0.7 seconds' as t) x
      returning id, status, "timestamp"
    )
    insert into change_event_versions (change_event_id, version, status, changes, happened_at, seen_at)
    select id, 1, status, null, "timestamp", "timestamp" from events`.execute(kysely);
  await sql`analyze`.execute(kysely);
});
afterAll(() => site?.close());

const get = async (path: string) => {
  const started = performance.now();
  const response = await fetch(`${site.url}${path}`);
  const firstByteMs = performance.now() - started;
  return { status: response.status, text: await response.text(), firstByteMs };
};

test('5,000 changes of 200 projects are pages of 500, each change on one of them, below lanes with counts', async () => {
  const seen: string[] = [];
  const took: number[] = [];
  for (let path = '/?last=1h', pages = 0; path !== ''; pages++) {
    const { text, firstByteMs } = await get(path);
    took.push(Math.round(firstByteMs));
    expect(text).toContain('<strong id="total">5,000</strong>');
    expect(text.match(/class="lane"/g)).toHaveLength(30);
    expect(text).toContain('170 more projects with 4,250 changes');
    expect(text.length).toBeLessThan(1_000_000);
    seen.push(...Array.from(text.matchAll(/<li class="row [^"]*" id="(\w+)"/g), ([, id = '']) => id));
    path = (/rel="next" href="([^"]*)"/.exec(text)?.[1] ?? '').replaceAll('&amp;', '&');
    expect(pages).toBeLessThan(10);
  }
  expect([seen.length, new Set(seen).size]).toEqual([5_000, 5_000]);
  if (process.env['PAGE_TIMES']) console.log(took);
  const csv = await get('/changes.csv?last=1h');
  expect(csv.text.trim().split('\n')).toHaveLength(5_001);
  const [, zoom = ''] = /<a href="([^"]*)" class="cell/.exec((await get('/?last=1h')).text) ?? [];
  expect((await get(zoom.replaceAll('&amp;', '&'))).text).toMatch(/<strong id="total">\d{1,3}<\/strong>/);
});

test('what the page adds to its HTML is less than 60 kB', () => {
  const sizes = ['page.css', 'page.js', 'page.svg'].map((name) => statSync(`src/service/page/assets/${name}`).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
});
