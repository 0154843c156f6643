import { expect, test } from 'vitest';
import { eventTable } from '../../src/cli/event-table.ts';
import { timelineTable } from '../../src/cli/timeline-table.ts';
import { csvText } from '../../src/cli/csv-text.ts';
import type { StoredEvent } from '../../src/store/events/read-events.ts';
import type { TimelineChange } from '../../src/store/events/read-timeline.ts';

const utc = {
  zone: 'utc',
  zoneName: 'UTC',
  shown: (moment: Date | string) => new Date(moment).toISOString().slice(0, 16).replace('T', ' '),
};
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

/** Columns that a line takes: characters of East Asia and emoji take two. */
const widthOf = (line: string) => line.length + (line.match(/[\u2e80-\ud7ff\uf900-\uffdc]/g)?.length ?? 0);
/** What the cells say, column by column, without the line breaks and the spaces of the table. */
const textIn = (table: string) => {
  const lines = table.split('\n').filter((line) => line.startsWith('│'));
  const columns = (lines[0] ?? '').split('│').map((_, index) => lines.map((line) => line.split('│')[index] ?? ''));
  return columns.flat().join('').replaceAll(/\s/g, '');
};

test.each([60, 80, 120, 200])('tables fit into %i columns, and say everything', (width) => {
  for (const table of [timelineTable([change, change], width, utc), eventTable([event], width, { zone: utc })]) {
    expect(Math.max(...table.split('\n').map(widthOf))).toBeLessThanOrEqual(width);
    const text = textIn(table);
    expect(text).toContain('支払いを再試行する🚀');
    expect(text).toContain(project);
    expect(text).toContain('goesonandon');
    expect(text).not.toContain('…');
    expect(['\u0007', '\u202e'].filter((character) => table.includes(character))).toEqual([]);
  }
  expect(textIn(eventTable([event], width, { zone: utc }))).toContain(change.url);
});

test('commits that arrived together are one row, and what is history says so', () => {
  const commit = { ...change, stream: 'commits', headline: 'aaaaaaaa on main: one' };
  const table = timelineTable([commit, { ...commit, eventId: 'b' }, { ...commit, eventId: 'c' }, { ...commit, author: 'linus' }], 120, utc);
  expect(table).toContain('3 commits, the first: aaaaaaaa on main: one');
  expect(table.match(/2026-11-23 10:03/g)).toHaveLength(2);
  expect(timelineTable([{ ...change, isHistory: true }], 200, utc)).toContain('[known from history]');
  expect(timelineTable([{ ...change, headline: 'opened !12', arrivedAt: '2026-11-23T11:05:00.000000Z' }], 200, utc)).toContain(
    '[arrived 2026-11-23 11:05]',
  );
});

test('an event says of which connection it is where there are several', () => {
  const connections = [{ id: 1, name: 'gitlab.com' }];
  expect(eventTable([event], 120, { connections })).not.toContain('gitlab.com');
  expect(eventTable([event], 120, { connections: [...connections, { id: 2, name: 'own' }] })).toContain('connection: gitlab.com');
});

test('a cell of CSV is no formula of a spreadsheet', () => {
  expect(csvText([['=1+1', '@x', '-2', 'a,"b"\nc', 7, null]], ['a', 'b', 'c', 'd', 'e', 'f'])).toBe(
    `a,b,c,d,e,f\n'=1+1,'@x,'-2,"a,""b"" c",7,\n`,
  );
});
