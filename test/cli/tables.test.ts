import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { coverageText } from '../../src/cli/coverage-text.ts';
import { csvText } from '../../src/timeline/csv-text.ts';
import { eventTable } from '../../src/cli/event-table.ts';
import { fittedTable, stackedRows } from '../../src/cli/fitted-table.ts';
import { commitKey, foldCommits, lineText } from '../../src/timeline/fold-commits.ts';
import { historyTable } from '../../src/cli/history-table.ts';
import { timelineRows, timelineTable } from '../../src/cli/timeline-table.ts';
import { utc, zoneOf } from '../../src/cli/window.ts';
import type { StoredEvent } from '../../src/store/events/read-events.ts';
import type { TimelineChange } from '../../src/store/events/read-timeline.ts';

const project = 'acme/platform/backend-services/payments';
const hostile = 'Fix \u202eevil\u0007 <b>bold</b> 支払いを再試行する 🚀 of a long title that goes on and on';
const change: TimelineChange = {
  happenedAt: '2026-11-23T10:03:00.000000Z',
  arrivedAt: '2026-11-23T10:05:00.000000Z',
  connectionId: 1,
  stream: 'merge-requests',
  type: 'MR',
  project,
  headline: `opened !12 ${hostile}`,
  author: 'grace',
  url: `https://gitlab.example.com/${project}/-/merge_requests/12`,
  eventId: `mr-${project}-12`,
  version: 1,
  status: 'opened',
  changes: null,
  isNoise: false,
  isHistory: false,
};
const event: StoredEvent = {
  connectionId: 1,
  eventId: change.eventId,
  title: `[MR] ${hostile}`,
  description: {},
  author: 'grace',
  timestamp: '2026-11-23T10:03:00.000Z',
  url: change.url,
  status: 'opened',
  metadata: { project, mr_iid: 12, target_branch: 'main' },
  storedAt: null,
};

/** What the cells say, column by column, without the line breaks and the spaces of the table. */
const textIn = (table: string) => {
  const lines = table.split('\n').filter((line) => !/^[┌├└]/.test(line));
  const columns = (lines[0] ?? '').split('│').map((_, index) => lines.map((line) => line.split('│')[index] ?? ''));
  return columns.flat().join('').replaceAll(/\s/g, '');
};
/** Whether a text without spaces is in one line, whole. */
const holds = (table: string, word: string) => table.split(/[\s│]+/).includes(word);

describe.each([60, 80, 120, 200])('a table of %i columns', (width) => {
  const version = { version: 2, status: 'merged', happenedAt: event.timestamp, seenAt: event.timestamp };
  const tables = {
    timeline: timelineTable([change, { ...change, project: 'acme/api', headline: 'merged !1', url: 'https://x.example/1' }], width),
    following: timelineRows([change, change], width),
    events: eventTable([event, event], width),
    history: historyTable([{ ...version, changes: { title: { old: 'before', new: hostile } } }], width),
    single: timelineTable([{ ...change, headline: '支払いを再試行する'.repeat(20), project: 'x'.repeat(150) }], width),
  };

  const whole = ['支払いを再試行する', '🚀', '<b>bold</b>', 'long'];
  const words = { timeline: whole, following: whole, events: whole, history: whole, single: ['what', 'changed'] };

  test.each(Object.entries(tables))('is not wider than that, and says everything: %s', (name, table) => {
    expect(table.split('\n').filter((line) => stringWidth(line) > width)).toEqual([]);
    expect(table).not.toContain('…');
    expect(['\u0007', '\u202e'].filter((character) => table.includes(character))).toEqual([]);
    expect(table.split(/[\s│]+/)).toEqual(expect.arrayContaining(words[name as keyof typeof words]));
  });

  test('breaks only what no line can hold', () => {
    expect(textIn(tables.single)).toContain('支払いを再試行する'.repeat(20));
    expect(textIn(tables.single)).toContain('x'.repeat(150));
  });

  test('breaks no path, and no link or id that a line can hold', () => {
    for (const table of [tables.timeline, tables.following]) expect(holds(table, project)).toBe(true);
    expect(holds(tables.events, `${project}:`)).toBe(true);
    for (const table of [tables.timeline, tables.events]) expect(change.url.length > width - 2 || holds(table, change.url)).toBe(true);
    expect(holds(tables.events, event.eventId)).toBe(true);
    expect(textIn(tables.timeline)).toContain(change.url);
  });

  test('names its columns and the zone', () => {
    for (const text of ['when (UTC)', 'type', 'project', 'what changed']) expect(tables.timeline).toContain(text);
    expect(tables.timeline).toContain('2026-11-23 10:03:00');
    const berlin = timelineTable([change], width, { zone: zoneOf({ tz: 'Europe/Berlin' }, { out: { write: () => {} } }) });
    expect(berlin).toContain('when (Europe/Berlin)');
    expect(berlin).toContain('2026-11-23 11:03:00');
  });
});

test('a wide table has each row in one line, and a narrow one two lines or more without borders', () => {
  const short = { ...change, project: 'acme/api', headline: 'merged !1', url: 'https://gitlab.example.com/acme/api/-/merge_requests/1' };
  const rows = [short, short, short];
  expect(timelineTable(rows, 200).trimEnd().split('\n')).toHaveLength(3 + 4);
  expect(timelineTable(rows, 100).trimEnd().split('\n')).toHaveLength(6 + 4);
  expect(timelineTable([short], 60)).toBe(
    'when (UTC)  type  project\n  what changed\n2026-11-23 10:03:00  MR  acme/api\n  merged !1\n  https://gitlab.example.com/acme/api/-/merge_requests/1\n',
  );
});

test('numbers are to the right in a table, and have their name where it has no borders', () => {
  const columns = [
    { head: 'project', cells: ['acme/api', 'acme/shop'] },
    { head: 'missing', cells: ['7', ''], isNumber: true },
    { head: 'empty', cells: ['', ''] },
    { head: 'result', cells: ['failed: the answer of GitLab was no JSON', 'complete'], fit: 'wrap' as const },
  ];
  expect(fittedTable(columns, 80)).toContain('│ acme/api  │       7 │ failed: the answer of GitLab was no JSON │');
  expect(fittedTable(columns, 40)).toBe(
    'project\n  result\nacme/api  missing 7\n  failed: the answer of GitLab was no\n  JSON\nacme/shop\n  complete\n',
  );
});

test('commits of an author that came to a branch together are one row, which says how old they are', () => {
  const commit = { ...change, stream: 'commits', type: 'Commit', headline: 'aaaaaaaa on main: one', author: 'linus' };
  const commits = [commit, { ...commit, eventId: 'b' }, { ...commit, eventId: 'c' }];
  const others = [
    { ...commit, author: 'ada', eventId: 'd' },
    { ...commit, eventId: 'e', headline: 'eeeeeeee on release/1: one' },
    { ...commit, eventId: 'f', happenedAt: '2026-11-23T10:04:00.000000Z' },
  ];
  const table = timelineTable([...commits, ...others], 200);
  expect(table).toContain(' 3 commits on main (by linus) ');
  expect(table.match(/2026-11-23 10:0/g)).toHaveLength(4);
  const arrived = Date.parse(commit.happenedAt);
  const ago = (...hours: readonly number[]) =>
    foldCommits(
      commits,
      new Map(commits.map((one, index) => [commitKey(one), new Date(arrived - (hours[index] ?? 0) * 3_600_000).toISOString()])),
    ).map((line) => lineText(line, { withAuthor: true }));
  expect(ago(50, 50, 50)).toEqual(['3 commits on main (by linus, of 2 days ago)']);
  expect(ago(72, 400, 24 * 70)).toEqual(['3 commits on main (by linus, of 3 days to 2 months ago)']);
  // They were made just before they came.
  expect(ago(0, 0.5, 0)).toEqual(['3 commits on main (by linus)']);
  const dates = new Map([[commitKey(commit), '2026-11-11T10:03:00.000Z']]);
  const single = (withAuthor: boolean) => foldCommits([commit], dates).map((line) => lineText(line, { withAuthor }));
  expect([...single(true), ...single(false)]).toEqual([
    'aaaaaaaa on main: one (linus, of 12 days ago)',
    'aaaaaaaa on main: one (of 12 days ago)',
  ]);
});

test('a change says when it arrived late, and what is known from history says that', () => {
  expect(timelineTable([{ ...change, isHistory: true }], 200)).toContain('[known from history]');
  const late = { ...change, headline: 'opened !12', arrivedAt: '2026-11-23T11:05:00.000000Z' };
  expect(timelineTable([late], 200)).toContain('opened !12 (grace) [arrived 2026-11-23 11:05]');
  expect(timelineTable([{ ...late, arrivedAt: '2026-11-23T10:13:00.000000Z' }], 200)).not.toContain('arrived');
});

test('what was read is said in lines that fit, and that a window is newer', () => {
  const entry = {
    connectionId: 1,
    project,
    stream: 'pipelines',
    readUntil: '2026-11-23T10:00:00.000Z',
    outcome: 'ok',
    gaps: 0,
    prunedBefore: null,
  };
  const unread = { ...entry, stream: 'releases', readUntil: null, outcome: 'forbidden' };
  const text = (window: { from?: Date; to?: Date }, width = 60) => coverageText([entry, unread], { ...window, zone: utc, width });
  expect(text({})).not.toContain('not read yet');
  expect(text({ from: new Date('2026-11-23T09:00:00Z'), to: new Date('2026-11-23T11:00:00Z') }, 200)).toBe(
    `The project was read at 2026-11-23 10:00 UTC or later, but:\n${project}: releases never read (forbidden).\nWhat happened after that is not read yet.\n`,
  );
  expect(text({ from: new Date('2026-11-23T10:30:00Z'), to: new Date('2026-11-23T11:00:00Z') }, 200)).toContain(
    '\nThe whole window is newer than that: what happened in it is not read yet.\n',
  );
  const pruned = { ...entry, prunedBefore: '2026-11-23T09:30:00.000Z' };
  const ofPruned = (from?: string) =>
    coverageText([entry, pruned], { ...(from === undefined ? {} : { from: new Date(from) }), zone: utc, width: 200 });
  expect(ofPruned('2026-11-23T09:29:00Z')).toContain('\nHistory from before 2026-11-23 09:30 UTC was pruned: ');
  expect(ofPruned('2026-11-23T09:30:00Z') + ofPruned()).not.toContain('pruned');
  expect(
    text({})
      .split('\n')
      .filter((line) => line.length > 60),
  ).toEqual([]);
});

test('an event says of which connection it is where there are several', () => {
  const connections = [{ id: 1, name: 'gitlab.com' }];
  expect(eventTable([event], 120, { connections })).not.toContain('gitlab.com');
  expect(eventTable([event], 200, { connections: [...connections, { id: 2, name: 'own' }] })).toMatch(/│ connection .*│ gitlab\.com /s);
});

test('a cell of CSV is no formula of a spreadsheet', () => {
  expect(csvText([['=1+1', '@x', '-2', 'a,"b"\nc', 7, null]])).toBe(`'=1+1,'@x,'-2,"a,""b"" c",7,\n`);
  expect(csvText([['\t=1', '\r+1', ' @x', '\u202e-1', '＝1']])).toBe(`'=1,'+1,'@x,'-1,'＝1\n`);
});

test('a table of many rows is one table', () => {
  const cells = (count: number) => Array.from({ length: count }, (_, index) => `row ${index}`);
  const lines = fittedTable([{ head: 'a', cells: cells(1_200) }], 60)
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(1_200 + 4);
  expect(lines.filter((line) => /^[┌├└]/.test(line))).toHaveLength(3);
  expect(lines.at(-2)).toContain('row 1199');
  expect(stackedRows([{ head: 'a', cells: cells(130_000) }], 60)).toMatch(/row 129999\n$/);
});
