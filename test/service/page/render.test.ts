import { expect, test } from 'vitest';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Answer } from '../../../src/service/page/answer.ts';
import { coverageWords } from '../../../src/service/page/coverage.ts';
import { answerDocument } from '../../../src/service/page/document.ts';
import { kindOf, toneOf } from '../../../src/service/page/kinds.ts';
import { layOut } from '../../../src/service/page/lanes.ts';
import { linkTo, safeUrl } from '../../../src/service/page/links.ts';
import { createPage } from '../../../src/service/page/page.ts';
import { parseQuery } from '../../../src/service/page/query.ts';
import type { PageQuery } from '../../../src/service/page/query.ts';
import { clockOf } from '../../../src/service/page/times.ts';
import type { TimelineChange } from '../../../src/store/events/read-timeline.ts';
import { hostileTitle } from './site.ts';

const now = new Date('2026-11-23T10:30:00Z');
const parse = (query: string) => parseQuery(new URLSearchParams(query), now);
const queryOf = (query: string): PageQuery => {
  const parsed = parse(query).query;
  if (parsed === null) throw new Error(`no query: ${query}`);
  return parsed;
};
const change = (more: Partial<TimelineChange> = {}): TimelineChange => ({
  happenedAt: '2026-11-23T10:05:00.000000Z',
  arrivedAt: '2026-11-23T10:06:00.000000Z',
  connectionId: 1,
  stream: 'merge-requests',
  type: 'MR',
  project: 'acme/shop',
  headline: 'opened !1 Refunds',
  author: 'ada',
  url: 'https://gitlab.example.com/acme/shop/-/merge_requests/1',
  eventId: 'mr-acme/shop-1',
  version: 1,
  status: 'opened',
  changes: null,
  isNoise: false,
  isHistory: false,
  ...more,
});
const coverage = {
  connectionId: 1,
  project: 'acme/shop',
  stream: 'pipelines',
  readUntil: '2026-11-23T10:15:00.000Z',
  outcome: 'ok',
  gaps: 0,
  prunedBefore: null,
};
const answer = (more: Partial<Answer> = {}): Answer => {
  const changes = more.changes ?? [];
  return {
    query: queryOf('from=10:00&to=10:20'),
    now,
    urls: new Map([[1, 'https://gitlab.example.com']]),
    changes,
    next: null,
    total: changes.length,
    unfiltered: null,
    counts: changes.map(({ project, stream }) => ({ project, stream, column: 0, count: 1, failed: 0 })),
    commitDates: new Map(),
    environments: null,
    spans: new Map(),
    coverage: [coverage],
    projects: ['acme/shop'],
    ...more,
  };
};
const documentOf = async (more: Partial<Answer>) => String(await answerDocument(answer(more), new URLSearchParams()));

test('a URL is a window and a filter, and an impossible value is a sentence', () => {
  const window = ({ from, to }: PageQuery) => [from.toISOString().slice(11, 16), to.toISOString().slice(11, 16)];
  expect(window(queryOf(''))).toEqual(['09:30', '10:30']);
  expect(queryOf('')).toMatchObject({ endsNow: true, zone: 'UTC', by: 'happened' });
  expect(window(queryOf('last=15m'))).toEqual(['10:15', '10:30']);
  expect(window(queryOf('last=15m&from=10:00&to=10:20'))).toEqual(['10:00', '10:20']);
  expect(window(queryOf('from=10:00'))).toEqual(['10:00', '10:30']);
  expect(window(queryOf('to=10:00'))).toEqual(['09:00', '10:00']);
  expect(window(queryOf('around=10:10'))).toEqual(['09:55', '10:25']);
  expect(window(queryOf('around=10:10&minutes=5&from=09:00'))).toEqual(['10:05', '10:15']);
  expect(queryOf('around=10:10').endsNow).toBe(false);
  expect(queryOf('project=acme/a,acme/b&project=x&type=mr&type=image&author=ada+linus&status=failed&noise=1&text=a+b')).toMatchObject({
    projects: ['acme/a', 'acme/b', 'x'],
    types: ['mr', 'image'],
    authors: ['ada', 'linus'],
    statuses: ['failed'],
    showNoise: true,
    text: 'a b',
  });
  for (const [wrong, problem] of [
    ['from=noon-ish', 'from is not a time that this page knows: "noon-ish"'],
    ['from=1h&to=2h', 'The window must begin before it ends'],
    ['last=forever', 'last is not a span that this page knows: "forever"'],
    ['around=10:10&minutes=-1', 'minutes must be a whole number of at least 1, not "-1"'],
    ['by=luck', 'by must be happened or arrival, not "luck"'],
    ['type=cake', '"cake" is not a kind of change: the kinds are mr, pipeline, release, commit, image'],
    ['tz=Mars/Base', 'tz is not a time zone: "Mars/Base"'],
    ["after=1'/2", 'after is not a place in this list'],
    ['after=2026-99-99T10:00:00.000000Z/1', 'after is not a place in this list'],
    ['from=2020-01-01', 'The window must be 400 days long at most'],
  ] as const)
    expect([wrong, parse(wrong).query, parse(wrong).problems.join(' ')]).toEqual([wrong, null, expect.stringContaining(problem)]);
});

test('a link asks for the same changes, whenever it is opened', () => {
  const query = queryOf('from=10:00&to=10:20&project=acme/*&type=mr&author=ada&status=merged&text=x+y&noise=1&by=arrival&tz=Europe/Berlin');
  const again = queryOf(linkTo(query).slice(2));
  expect(again).toEqual({ ...query, endsNow: false });
  expect(linkTo(queryOf('from=10:00&to=10:20&project=acme/*'), { withoutFilter: true })).toBe(
    '/?from=2026-11-23T10:00:00.000Z&to=2026-11-23T10:20:00.000Z',
  );
});

test('a text of GitLab is shown as text: markup is escaped, and characters that steer are shown by their numbers', async () => {
  const hostile = change({ headline: hostileTitle, author: '"><b>', project: 'a"><i>', eventId: '"\'<x>' });
  const text = await documentOf({ changes: [hostile], coverage: [{ ...coverage, project: '<u>', readUntil: null, outcome: 'forbidden' }] });
  expect(text).not.toMatch(/<img|<script>|<b>|<i>|<u>|<x>/);
  expect(text).toContain('&lt;img src=x onerror=&quot;window.hacked=1&quot;&gt;');
  expect(text).toContain('⟨U+202E⟩evil␛[31m');
  for (const character of ['\u202E', '\u001B']) expect(text).not.toContain(character);
});

test('a document holds no script, no style and no address from elsewhere', async () => {
  const text = await documentOf({ changes: [change()] });
  expect(text).not.toMatch(/\sstyle=|\son[a-z]+=|<style|javascript:/);
  expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/page.js" defer></script>'.replace('</script>', '')]);
  const elsewhere = [...text.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, url = '']) => url).filter((url) => !/^[/#]/.test(url));
  expect(elsewhere).toEqual(['https://gitlab.example.com/acme/shop/-/merge_requests/1']);
});

test('only an address of the GitLab of the connection becomes a link', () => {
  const gitlab = 'https://gitlab.example.com/sub';
  expect(safeUrl('https://gitlab.example.com/x?y#z', gitlab)).toBe('https://gitlab.example.com/x?y#z');
  for (const url of [
    'javascript:alert(1)',
    'https://gitlab.example.com.evil.example/',
    'http://gitlab.example.com/',
    'https://gitlab.example.com:8443/',
    'https://u:p@gitlab.example.com/',
    '//evil',
    '',
    'data:text/html,x',
  ])
    expect([url, safeUrl(url, gitlab)]).toEqual([url, null]);
  expect(safeUrl('https://gitlab.example.com/', undefined)).toBeNull();
});

test('commits that arrived together are one row that opens, and old ones and late ones say so', async () => {
  const commit = (sha: string, more: Partial<TimelineChange> = {}) =>
    change({ stream: 'commits', headline: `${sha} on main: Title: with colon`, author: 'linus', eventId: `commit-${sha}`, ...more });
  const old = new Map(['aaaaaaaa', 'bbbbbbbb'].map((sha) => [`1 commit-${sha}`, '2026-11-21T10:05:00.000Z']));
  const late = change({ arrivedAt: '2026-11-23T10:25:00.000000Z' });
  const changes = [commit('aaaaaaaa'), commit('bbbbbbbb'), commit('cccccccc', { author: 'ada' }), late, change({ isHistory: true })];
  const text = await documentOf({ changes, commitDates: old });
  const rows = [...text.matchAll(/<span class="what">(.*?)<\/span>\s*<span class="project">/gs)].map(([, what = '']) =>
    what.replaceAll(/<[^>]*>/g, '').trim(),
  );
  expect(rows).toEqual([
    '2 commits on main (by linus, of 2 days ago)',
    'aaaaaaaa on main: Title: with colon',
    'bbbbbbbb on main: Title: with colon',
    'cccccccc on main: Title: with colon',
    'opened !1 Refunds arrived 2026-11-23 10:25',
    'opened !1 Refunds known from history',
  ]);
});

test('a lane has bars from start to end in tracks, points, and counts where a column is full', () => {
  const pipeline = (id: number, minute: number, status = 'success') =>
    change({
      stream: 'pipelines',
      status,
      eventId: `pipeline-acme/shop-${id}`,
      version: 2,
      happenedAt: `2026-11-23T10:${minute}:00.000000Z`,
    });
  const spans = new Map(
    [10, 11, 12, 13].map((id) => [
      `1 pipeline-acme/shop-${id}`,
      { connectionId: 1, eventId: `pipeline-acme/shop-${id}`, startedAt: '2026-11-23T09:50:00Z', finishedAt: null },
    ]),
  );
  const { lanes } = layOut(
    answer({
      changes: [
        pipeline(10, 10, 'failed'),
        pipeline(11, 10),
        pipeline(12, 10),
        pipeline(13, 10),
        change({ happenedAt: '2026-11-23T10:15:00.000000Z' }),
      ],
      spans,
    }),
  );
  expect(lanes).toHaveLength(1);
  expect(lanes[0]?.readTo).toBeCloseTo(0.75);
  expect(lanes[0]?.bars.map(({ x, width, track, tone }) => [x, width, track, tone])).toEqual([
    [0, 0.5, 0, 'bad'],
    [0, 0.5, 1, 'good'],
    [0, 0.5, 2, 'good'],
  ]);
  // The fourth has no track.
  expect(lanes[0]?.points.map(({ x }) => x).toSorted((a, b) => a - b)).toEqual([0.5, 0.75]);
  const crowd = layOut(answer({ changes: [1, 2, 3].map((version) => change({ version })) })).lanes[0];
  expect(crowd).toMatchObject({ points: [], cells: [{ column: 12, count: 3, failed: 0 }] });
});

test('more than a page is drawn as counts of the whole window, and more projects than fit are counted', () => {
  const counts = Array.from({ length: 200 }, (_, index) => ({
    project: `acme/p${String(index).padStart(3, '0')}`,
    stream: 'commits',
    column: index % 48,
    count: 200 - index,
    failed: index === 0 ? 2 : 0,
  }));
  const { lanes, hiddenProjects, hiddenChanges } = layOut(answer({ changes: [change()], next: 'x', counts, coverage: [] }));
  expect(lanes).toHaveLength(30);
  expect(lanes[0]).toEqual({
    project: 'acme/p000',
    points: [],
    bars: [],
    cells: [{ column: 0, count: 200, failed: 2 }],
    total: 200,
    readTo: 1,
  });
  expect([hiddenProjects, hiddenChanges]).toEqual([170, (170 * 171) / 2]);
});

test('a project that was not read in the window has a lane that says so', () => {
  const { lanes } = layOut(answer({ coverage: [coverage, { ...coverage, project: 'acme/shut', readUntil: null, outcome: 'forbidden' }] }));
  expect(lanes.map(({ project, readTo }) => [project, readTo])).toEqual([['acme/shut', 0]]);
});

test('a lane of an environment says what it does not know: what is left out, what no longer runs, and what is not looked at', async () => {
  const deployment = (iid: number, minute: number) => ({
    eventId: `deployment-acme/shop-${iid}`,
    iid,
    status: 'success',
    ref: '"><b>',
    sha: null,
    author: '<i>',
    isRollback: false,
    isCurrent: false,
    createdAt: `2026-11-23T10:${minute}:00.000Z`,
    finishedAt: `2026-11-23T10:${minute}:00.000Z`,
  });
  const history = {
    connectionId: 1,
    project: 'acme/shop',
    environment: 'review/"><b>',
    tier: null,
    leftOut: 3,
    deployments: [deployment(4, 10), deployment(5, 14)],
  };
  const environments = { environments: [history], hidden: 7, unseenProjects: 1 };
  const more = { environments, coverage: [{ ...coverage, stream: 'deployments' }], query: queryOf('from=10:00') };
  const text = await documentOf(more);
  const [, section = ''] = /id="environments"(.*?)<\/section>/s.exec(text) ?? [];
  expect(section).toContain('3 earlier deployments: zoom in');
  expect(section).toContain('7 more environments, and 1 more project whose environments are not looked at: filter the projects.');
  expect(section).toContain('it no longer runs there, and no deployment says since when');
  expect(section).not.toMatch(/<b>|<i>/);
  expect(section.match(/class="run k-deployment gone"/g)).toHaveLength(1);
  // The window of the answer ended in the past: what came after it is not known here.
  expect(await documentOf({ ...more, query: queryOf('from=10:00&to=10:15') })).not.toContain('no longer runs');
});

test('an empty answer says why', async () => {
  expect(await documentOf({ projects: [], coverage: [] })).toMatch(/Nothing was read yet.*gitlab-connector sync/s);
  expect(await documentOf({ unfiltered: 14 })).toMatch(/The filter is too narrow.*14 changes/s);
  expect(await documentOf({ query: queryOf('from=10:16&to=10:20') })).toMatch(/Not read yet.*10:15:00/s);
  expect(await documentOf({})).toMatch(/Nothing changed.*after 2026-11-23 10:15:00 is not read yet/s);
  expect(await documentOf({ coverage: [coverage, { ...coverage, stream: 'commits', outcome: 'failed' }] })).toContain('No change is known');
  expect(await documentOf({ query: queryOf('project=nobody&from=10:00'), coverage: [] })).toContain('No project that is read fits');
  expect(await documentOf({ query: queryOf('project=acme/shp&from=10:00'), coverage: [], unfiltered: 3 })).toMatch(
    /No such project.*Did you mean <bdi>acme\/shop<\/bdi>\?.*3 changes/s,
  );
});

test('coverage is said in words', () => {
  const words = (entries: Parameters<typeof coverageWords>[0]) =>
    coverageWords(entries, { now, from: new Date('2026-11-23T09:00:00Z'), clock: clockOf('UTC') });
  expect(words([]).summary).toBe('no project was read yet');
  expect(words([coverage, { ...coverage, project: 'acme/api', gaps: 2 }]).summary).toBe('all 2 projects read 15 min ago · 2 gaps');
  expect(words([coverage, { ...coverage, project: 'acme/api', outcome: 'forbidden', readUntil: '2026-11-23T09:50:00Z' }])).toEqual({
    summary: '1 of 2 projects read 15 min ago',
    lines: ['acme/api: pipelines not read since 2026-11-23 09:50:00 (forbidden)'],
    isComplete: false,
  });
  const pruned = (prunedBefore: string) => words([{ ...coverage, prunedBefore }]).summary;
  expect(pruned('2026-11-23T08:00:00.000Z')).toBe('the project read 15 min ago');
  expect(pruned('2026-11-23T09:30:00.000Z')).toBe(
    'the project read 15 min ago · history from before 2026-11-23 09:30:00 was pruned: of what happened before, no more than the last state of each event is stored',
  );
});

test('red is for what failed or was rolled back', () => {
  const tone = (stream: string, status: string, headline = '') => toneOf({ stream, status, headline });
  expect(tone('pipelines', 'failed')).toBe('bad');
  expect(tone('registry-images', 'published', 'shop:prod rolled back → 39b1dbab (was 256aa085)')).toBe('bad');
  expect(tone('pipelines', 'success')).toBe('good');
  for (const [stream, headline] of [
    ['merge-requests', 'opened !1 prod rolled back → 39b1dbab'],
    ['registry-images', 'shop:prod → 39b1dbab'],
    ['merge-requests', 'closed !1'],
  ] as const)
    expect(tone(stream, 'closed', headline)).toBe('plain');
  expect(kindOf('nothing known').word).toBe('change');
});

test('times are those of the zone', async () => {
  const text = await documentOf({ query: queryOf('from=10:00&to=10:20&tz=Europe/Berlin'), changes: [change()] });
  expect(text).toContain('>11:05:00</time');
  expect(text).toContain('Europe/Berlin');
});

const pageOf = (password: string | null = null, more: Partial<Parameters<typeof createPage>[0]> = {}) =>
  createPage({ served: () => Promise.resolve({ em: {} as SqlEntityManager, urls: new Map() }), password, now: () => now, ...more });

test('every answer has the headers that protect it, and asks for the password before anything else', async () => {
  const app = pageOf('geheim: pass');
  const basic = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } });
  for (const path of ['/', '/changes', '/changes.csv', '/changes.json', '/page.css', '/page.js', '/page.svg']) {
    const refused = await app.request(path);
    expect([path, refused.status, refused.headers.get('www-authenticate')]).toEqual([
      path,
      401,
      'Basic realm="GitLab changes", charset="UTF-8"',
    ]);
    expect(refused.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'self'; script-src 'self'; .*frame-ancestors 'none'$/,
    );
  }
  const statusOf = async (init: RequestInit) => (await app.request('/page.css', init)).status;
  for (const wrong of ['geheim: pass', ':geheim', ':geheim: pass ', ':', 'user:', ':GEHEIM: PASS'])
    expect([wrong, await statusOf(basic(wrong))]).toEqual([wrong, 401]);
  for (const right of [':geheim: pass', 'anyone:geheim: pass']) expect(await statusOf(basic(right))).toBe(200);
  for (const authorization of ['Bearer geheim', 'Basic', 'Basic !!', `basic ${Buffer.from('geheim: pass').toString('base64')}`])
    expect(await statusOf({ headers: { authorization } })).toBe(401);
  const open = await pageOf().request('/page.js');
  expect(open.status).toBe(200);
  expect(Object.fromEntries(open.headers)).toMatchObject({
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-type': 'text/javascript; charset=utf-8',
  });
});

test('a wrong value is an answer of 400 with the value in the form, and a poller without a database one of 503', async () => {
  const wrong = await pageOf().request('/?from=%3Cb%3Enoon');
  expect(wrong.status).toBe(400);
  const text = await wrong.text();
  expect(text).toContain('value="&lt;b&gt;noon"');
  expect(text).toContain('is not a time that this page knows');
  expect((await pageOf().request('/changes.csv?from=noon')).status).toBe(400);
  const bugs: unknown[] = [];
  const app = pageOf(null, { served: () => Promise.reject(new TypeError('secret stack')), onBug: (error) => bugs.push(error) });
  const failed = await app.request('/');
  expect([failed.status, await failed.text()]).toEqual([500, expect.not.stringContaining('secret')]);
  expect(failed.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(bugs).toHaveLength(1);
});
