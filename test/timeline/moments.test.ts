import { describe, expect, test } from 'vitest';
import { isZone, momentText, parseMoment, parseWindow, zoneName } from '../../src/timeline/moments.ts';

/** A Tuesday: 10:20 in UTC, 11:20 in Berlin, 05:20 in New York. */
const now = new Date('2026-11-24T10:20:00.000Z');
const read = (text: string, zone = 'utc', at: Date | string = now) =>
  parseMoment(text, { now: new Date(at), zone })
    ?.toISOString()
    .replace('.000Z', 'Z') ?? null;

describe('a text that means a moment', () => {
  test.each<[string, string, string]>([
    ['now', 'utc', '2026-11-24T10:20:00Z'],
    [' Now ', 'Asia/Tokyo', '2026-11-24T10:20:00Z'],
    ['90m', 'utc', '2026-11-24T08:50:00Z'],
    ['2h30m', 'Europe/Berlin', '2026-11-24T07:50:00Z'],
    ['2h 30m ago', 'utc', '2026-11-24T07:50:00Z'],
    ['45s', 'utc', '2026-11-24T10:19:15Z'],
    ['7d', 'utc', '2026-11-17T10:20:00Z'],
    ['1w', 'utc', '2026-11-17T10:20:00Z'],
    ['1w2d3h4m5s', 'utc', '2026-11-15T07:15:55Z'],
    ['0m', 'utc', '2026-11-24T10:20:00Z'],
    ['999999w', 'utc', '1970-01-01T00:00:00Z'],
    ['10:00', 'utc', '2026-11-24T10:00:00Z'],
    ['10:00:30', 'utc', '2026-11-24T10:00:30Z'],
    ['9:05', 'utc', '2026-11-24T09:05:00Z'],
    ['10:20', 'utc', '2026-11-24T10:20:00Z'],
    ['0:00', 'utc', '2026-11-24T00:00:00Z'],
    // Not in the future: the last time that it was so late.
    ['10:20:01', 'utc', '2026-11-23T10:20:01Z'],
    ['23:59', 'utc', '2026-11-23T23:59:00Z'],
    ['11:00', 'Europe/Berlin', '2026-11-24T10:00:00Z'],
    ['11:00', 'America/New_York', '2026-11-23T16:00:00Z'],
    ['18:30', 'Asia/Kolkata', '2026-11-23T13:00:00Z'],
    ['15:30', 'Asia/Kolkata', '2026-11-24T10:00:00Z'],
    ['today', 'utc', '2026-11-24T00:00:00Z'],
    ['today 9:30', 'utc', '2026-11-24T09:30:00Z'],
    ['today at 9:30', 'utc', '2026-11-24T09:30:00Z'],
    ['today 14:00', 'utc', '2026-11-24T14:00:00Z'],
    ['today', 'Pacific/Auckland', '2026-11-23T11:00:00Z'],
    ['yesterday', 'utc', '2026-11-23T00:00:00Z'],
    ['Yesterday  14:00', 'utc', '2026-11-23T14:00:00Z'],
    ['yesterday 14:00:07', 'America/New_York', '2026-11-23T19:00:07Z'],
    ['monday', 'utc', '2026-11-23T00:00:00Z'],
    ['monday 14:00', 'utc', '2026-11-23T14:00:00Z'],
    ['Mon 14:00', 'Europe/Berlin', '2026-11-23T13:00:00Z'],
    ['tuesday 10:00', 'utc', '2026-11-24T10:00:00Z'],
    ['tuesday 14:00', 'utc', '2026-11-17T14:00:00Z'],
    ['tuesday', 'utc', '2026-11-24T00:00:00Z'],
    ['wednesday 14:00', 'utc', '2026-11-18T14:00:00Z'],
    ['sunday 00:00', 'utc', '2026-11-22T00:00:00Z'],
    ['2026-11-23', 'utc', '2026-11-23T00:00:00Z'],
    ['2026-11-23', 'Europe/Berlin', '2026-11-22T23:00:00Z'],
    ['2026-11-23 10:00', 'utc', '2026-11-23T10:00:00Z'],
    ['2026-11-23 10:00', 'Asia/Kolkata', '2026-11-23T04:30:00Z'],
    ['2026-11-23T10:00', 'Europe/Berlin', '2026-11-23T09:00:00Z'],
    ['2026-11-23t10:00:59.5', 'utc', '2026-11-23T10:00:59.500Z'],
    ['2026-11-23T10:00:59.123456789Z', 'utc', '2026-11-23T10:00:59.123Z'],
    ['2026-11-23T10:00:00Z', 'Asia/Tokyo', '2026-11-23T10:00:00Z'],
    ['2026-11-23 10:00 UTC', 'Asia/Tokyo', '2026-11-23T10:00:00Z'],
    ['2026-11-23T10:00:00+05:30', 'utc', '2026-11-23T04:30:00Z'],
    ['2026-11-23T10:00-0330', 'utc', '2026-11-23T13:30:00Z'],
    ['2026-11-23T10:00+02', 'utc', '2026-11-23T08:00:00Z'],
    ['2026-11-23 24:00', 'utc', '2026-11-24T00:00:00Z'],
    ['2026-11-23T24:00:00+01:00', 'utc', '2026-11-23T23:00:00Z'],
    ['2028-02-29', 'utc', '2028-02-29T00:00:00Z'],
    ['2030-01-01', 'utc', '2030-01-01T00:00:00Z'],
  ])('%s in %s', (text, zone, expected) => {
    expect(read(text, zone)).toBe(expected);
  });

  test('in the zone of the machine', () => {
    expect(read('2026-06-01 10:00', 'local')).toBe(new Date(2026, 5, 1, 10).toISOString().replace('.000Z', 'Z'));
  });
});

test.each([
  '',
  ' ',
  'noon',
  'tomorrow',
  'last week',
  '10',
  '10:0',
  '10:000',
  '1000',
  '25:00',
  '24:00',
  '10:61',
  '10:00:60',
  '-1h',
  '1x',
  '1m2h',
  'h',
  'ago',
  '1.5h',
  '1234567m',
  'today10:00',
  'today 25:00',
  'monday 10:61',
  'mond',
  'yesterday ago',
  'now 10:00',
  '2026-02-30',
  '2026-13-01',
  '2026-00-10',
  '2026-11-00',
  '2025-02-29',
  '2026-11-31 10:00',
  '2026-11-23 25:00',
  '2026-11-23 24:01',
  '2026-11-23T10:61',
  '2026-11-23T10:00+15:00',
  '2026-11-23T10:00+02:60',
  '2026-11-23T',
  '2026-11-23x',
  '2026-1-1',
  '23.11.2026',
  '11/23/2026',
  '2026-11',
  '2026',
  '0000-00-00',
  '2026-11-23T10:00:00Z; drop',
  '１０:００',
  'undefined',
])('%j means no moment', (text) => {
  for (const zone of ['utc', 'Europe/Berlin', 'America/New_York']) expect(read(text, zone)).toBeNull();
});

describe('where clocks are put forward', () => {
  // Berlin: 2026-03-29 02:00 becomes 03:00. New York: 2026-03-08. Lord Howe: half an hour, on 2026-10-04. Cairo and Santiago: at midnight.
  test.each([
    ['2026-03-29 02:00', 'Europe/Berlin'],
    ['2026-03-29 02:30', 'Europe/Berlin'],
    ['2026-03-29T02:59:59.999', 'Europe/Berlin'],
    ['2026-03-08 02:30', 'America/New_York'],
    ['2026-10-04 02:15', 'Australia/Lord_Howe'],
    ['2026-04-24 00:30', 'Africa/Cairo'],
    ['2011-12-30 12:00', 'Pacific/Apia'],
  ])('%s in %s was never, and means no moment', (text, zone) => {
    expect(read(text, zone)).toBeNull();
  });

  test.each([
    ['2026-03-29 01:59:59', 'Europe/Berlin', '2026-03-29T00:59:59Z'],
    ['2026-03-29 03:00', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-29 02:30', 'utc', '2026-03-29T02:30:00Z'],
    ['2026-03-29 02:30+01:00', 'Europe/Berlin', '2026-03-29T01:30:00Z'],
    ['2026-10-04 02:30', 'Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
    // The day begins at one o'clock.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00Z'],
    ['2026-04-23 24:00', 'Africa/Cairo', '2026-04-23T22:00:00Z'],
    ['2026-09-06', 'America/Santiago', '2026-09-06T04:00:00Z'],
  ])('%s in %s', (text, zone, expected) => {
    expect(read(text, zone)).toBe(expected);
  });

  test('a day that a zone left out has no beginning', () => {
    expect(read('2011-12-30', 'Pacific/Apia')).toBeNull();
    expect(read('2011-12-31', 'Pacific/Apia')).toBe('2011-12-30T10:00:00Z');
  });

  test('a time alone that was not today means the day before', () => {
    expect(read('02:30', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toBe('2026-03-28T01:30:00Z');
    expect(read('10:00', 'Europe/Berlin', '2026-03-29T07:59:00Z')).toBe('2026-03-28T09:00:00Z');
  });

  test('a day with a time that was not means no moment; a span is as long as it says', () => {
    expect(read('today 02:30', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toBeNull();
    expect(read('sunday 02:30', 'Europe/Berlin', '2026-03-31T10:00:00Z')).toBeNull();
    expect(read('yesterday 10:00', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toBe('2026-03-28T09:00:00Z');
    expect(read('1d', 'Europe/Berlin', '2026-03-29T10:00:00Z')).toBe('2026-03-28T10:00:00Z');
  });
});

describe('where clocks are put back', () => {
  // Berlin: 2026-10-25 03:00 becomes 02:00. New York: 2026-11-01. Lord Howe: half an hour, on 2026-04-05. Cairo: at midnight.
  test.each([
    ['2026-10-25 02:30', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
    ['2026-10-25 02:00', 'Europe/Berlin', '2026-10-25T00:00:00Z'],
    ['2026-10-25 01:59', 'Europe/Berlin', '2026-10-24T23:59:00Z'],
    ['2026-10-25 03:00', 'Europe/Berlin', '2026-10-25T02:00:00Z'],
    ['2026-10-25 02:30+01:00', 'Europe/Berlin', '2026-10-25T01:30:00Z'],
    ['2026-11-01 01:30', 'America/New_York', '2026-11-01T05:30:00Z'],
    ['2026-04-05 01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00Z'],
    ['2026-10-29 23:30', 'Africa/Cairo', '2026-10-29T20:30:00Z'],
  ])('%s in %s was twice, and means the earlier', (text, zone, expected) => {
    expect(read(text, zone)).toBe(expected);
  });

  test('a time alone means the earlier too, and is never in the future', () => {
    expect(read('02:30', 'Europe/Berlin', '2026-10-25T02:00:00Z')).toBe('2026-10-25T00:30:00Z');
    expect(read('02:30', 'Europe/Berlin', '2026-10-25T00:45:00Z')).toBe('2026-10-25T00:30:00Z');
    expect(read('02:30', 'Europe/Berlin', '2026-10-25T00:15:00Z')).toBe('2026-10-24T00:30:00Z');
  });

  test('a weekday is a day of the calendar, also in a week that is an hour longer', () => {
    expect(read('friday 14:00', 'Europe/Berlin', '2026-10-27T10:00:00Z')).toBe('2026-10-23T12:00:00Z');
    expect(read('monday 00:00', 'Europe/Berlin', '2026-10-25T23:30:00Z')).toBe('2026-10-25T23:00:00Z');
  });
});

test('each time around a change of clocks is read as what clocks of a zone show, or as the earlier of two', () => {
  const changes = ['2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01'].map((day) => Date.parse(day));
  for (const zone of ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu']) {
    const shown = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    for (const change of changes) {
      for (let at = change - 86_400_000; at < change + 86_400_000; at += 15 * 60_000) {
        const moment = parseMoment(shown.format(at), { now, zone })?.getTime() ?? Number.NaN;
        expect(shown.format(moment)).toBe(shown.format(at));
        expect(moment).toBeLessThanOrEqual(at);
      }
    }
  }
});

test('a zone is a name of the IANA database, utc or local', () => {
  expect(
    ['utc', 'UTC', 'local', 'Europe/Berlin', 'europe/berlin', 'America/New_York', 'Asia/Kathmandu', 'GMT'].filter((zone) => !isZone(zone)),
  ).toEqual([]);
  expect(
    ['', ' ', 'Berlin', 'Europe/Berlin2', '+02:00', 'utc+2', 'system', 'CET/CEST', '../etc', 'Mars/Olympus', 'toString'].filter(isZone),
  ).toEqual([]);
  expect(() => parseMoment('now', { now, zone: 'Mars/Olympus' })).toThrow('unknown time zone "Mars/Olympus"');
});

describe('a window', () => {
  const wednesday = new Date('2026-11-25T10:15:00Z');
  const window = (text: Parameters<typeof parseWindow>[0], at = wednesday) => {
    const found = parseWindow(text, { now: at, zone: 'utc' });
    return 'wrong' in found ? found.wrong : [found.from.toISOString(), found.to.toISOString()];
  };

  test('is the last hour, or from one moment to another', () => {
    expect(window({})).toEqual(['2026-11-25T09:15:00.000Z', '2026-11-25T10:15:00.000Z']);
    expect(window({ from: '10:00', to: '10:20' })).toEqual(['2026-11-25T10:00:00.000Z', '2026-11-25T10:20:00.000Z']);
    expect(window({ from: '23:50', to: '0:20' })).toEqual(['2026-11-24T23:50:00.000Z', '2026-11-25T00:20:00.000Z']);
    expect(window({ from: 'yesterday 14:00', to: '15:00' })).toEqual(['2026-11-24T14:00:00.000Z', '2026-11-24T15:00:00.000Z']);
    expect(window({ from: '2d', to: '1d' })).toEqual(['2026-11-23T10:15:00.000Z', '2026-11-24T10:15:00.000Z']);
  });

  test('to a time of day ends at the first one after its beginning, also when clocks change between them', () => {
    const berlin = (from: string, to: string) => {
      const found = parseWindow({ from, to }, { now: new Date('2026-10-26T10:00:00Z'), zone: 'Europe/Berlin' });
      return 'wrong' in found ? found.wrong : found.to.toISOString();
    };
    expect(berlin('2026-10-24 23:00', '03:00')).toBe('2026-10-25T02:00:00.000Z');
    expect(berlin('2026-03-29 01:00', '02:30')).toBe('2026-03-30T00:30:00.000Z');
    expect(berlin('2026-03-29 01:00', '24:00')).toBe('to');
  });

  test('may lie around a moment', () => {
    expect(window({ around: '10:00' })).toEqual(['2026-11-25T09:45:00.000Z', '2026-11-25T10:15:00.000Z']);
    expect(window({ around: '10:00', minutes: 5 })).toEqual(['2026-11-25T09:55:00.000Z', '2026-11-25T10:05:00.000Z']);
  });

  test('says what is wrong with it', () => {
    expect(window({ from: 'x' })).toBe('from');
    expect(window({ to: '10:99' })).toBe('to');
    expect(window({ around: '26:00' })).toBe('around');
    expect(window({ from: '1h', to: '2h' })).toBe('order');
  });
});

test('zones have names, and moments are shown in them', () => {
  expect(zoneName('utc')).toBe('UTC');
  expect(zoneName('Europe/Berlin')).toBe('Europe/Berlin');
  expect(zoneName('local')).toBe(zoneName(Intl.DateTimeFormat().resolvedOptions().timeZone));
  expect(momentText('2026-11-25T10:15:30Z', 'Europe/Berlin')).toBe('2026-11-25 11:15');
  expect(momentText(new Date('2026-11-25T10:15:30Z'), 'utc', 'second')).toBe('2026-11-25 10:15:30');
});
