import { describe, expect, test } from 'vitest';
import { isZone, momentText, parseMoment, parseWindow, zoneName } from '../src/moments.ts';

// A Wednesday.
const now = new Date('2026-11-25T10:15:00Z');
const read = (text: string, zone = 'utc', at = now) => parseMoment(text, { now: at, zone })?.toISOString() ?? null;

describe('a moment', () => {
  test.each([
    ['now', '2026-11-25T10:15:00.000Z'],
    ['90m', '2026-11-25T08:45:00.000Z'],
    ['2h30m', '2026-11-25T07:45:00.000Z'],
    ['1w', '2026-11-18T10:15:00.000Z'],
    ['1d12h', '2026-11-23T22:15:00.000Z'],
    ['10:00', '2026-11-25T10:00:00.000Z'],
    ['9:05', '2026-11-25T09:05:00.000Z'],
    ['10:15', '2026-11-25T10:15:00.000Z'],
    ['10:16', '2026-11-24T10:16:00.000Z'],
    ['23:50:30', '2026-11-24T23:50:30.000Z'],
    ['today 14:00', '2026-11-25T14:00:00.000Z'],
    ['today', '2026-11-25T00:00:00.000Z'],
    ['yesterday 14:00', '2026-11-24T14:00:00.000Z'],
    [' Yesterday  14:00 ', '2026-11-24T14:00:00.000Z'],
    ['monday 8:00', '2026-11-23T08:00:00.000Z'],
    ['wednesday 8:00', '2026-11-18T08:00:00.000Z'],
    ['2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['2026-11-23 10:00', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:00.25', '2026-11-23T10:00:00.250Z'],
    ['2026-11-23T10:00:00Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23 10:00:00+02:00', '2026-11-23T08:00:00.000Z'],
    ['2026-11-23T10:00:00.123456Z', '2026-11-23T10:00:00.123Z'],
  ])('%s', (text, moment) => {
    expect(read(text)).toBe(moment);
  });

  test.each([
    '',
    'soon',
    '25:00',
    '10:61',
    '10:0',
    '24:00',
    '2026-02-30',
    '2026-02-30 10:00',
    '2026-13-01T10:00:00Z',
    '2026-11-23T25:00:00Z',
    '5x',
    '-3h',
    'tomorrow 10:00',
    '10',
    '1e3m',
  ])('is not %s', (text) => {
    expect(read(text)).toBeNull();
  });

  test('without a zone is of the zone that is asked for', () => {
    expect(read('10:00', 'Europe/Berlin')).toBe('2026-11-25T09:00:00.000Z');
    expect(read('2026-07-01', 'Europe/Berlin')).toBe('2026-06-30T22:00:00.000Z');
    expect(read('yesterday 23:30', 'America/New_York', new Date('2026-11-25T02:00:00Z'))).toBe('2026-11-24T04:30:00.000Z');
    expect(read('2026-11-23T10:00:00Z', 'Asia/Kolkata')).toBe('2026-11-23T10:00:00.000Z');
    expect(read('00:10', 'Asia/Kolkata', new Date('2026-11-25T18:35:00Z'))).toBe('2026-11-24T18:40:00.000Z');
  });

  test('does not exist when the clocks go forward, and is the first one when they go back', () => {
    expect(read('2026-03-29 02:30', 'Europe/Berlin')).toBeNull();
    expect(read('2026-03-29 03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z');
    expect(read('2026-10-25 02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
    expect(read('2026-10-25T02:30', 'Europe/Berlin', new Date('2026-12-01T00:00:00Z'))).toBe('2026-10-25T00:30:00.000Z');
  });
});

describe('a window', () => {
  const window = (text: Parameters<typeof parseWindow>[0], at = now) => {
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
  expect(['utc', 'UTC', 'local', 'Europe/Berlin'].every(isZone)).toBe(true);
  expect(['Mars/Olympus', '', 'CEST!'].some(isZone)).toBe(false);
  expect(zoneName('utc')).toBe('UTC');
  expect(zoneName('Europe/Berlin')).toBe('Europe/Berlin');
  expect(zoneName('local')).toBe(zoneName(Intl.DateTimeFormat().resolvedOptions().timeZone));
  expect(momentText('2026-11-25T10:15:30Z', 'Europe/Berlin')).toBe('2026-11-25 11:15');
  expect(momentText(new Date('2026-11-25T10:15:30Z'), 'utc', 'second')).toBe('2026-11-25 10:15:30');
});
