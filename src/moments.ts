import { DateTime, IANAZone } from 'luxon';

/** How a text is read as a moment. */
export interface MomentOptions {
  readonly now: Date;
  /** The zone of dates and times without one of their own: an IANA name, `utc` or `local`. */
  readonly zone: string;
  /** A time of day alone is the first one after this moment. Absent: the last one that is not after `now`. */
  readonly after?: Date | undefined;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/**
 * The moment that a text means. Accepts `now`; spans before now (`90m`, `2h30m`, `7d`, `1w`); times of day (`10:00`, `10:00:30`), also after
 * `today`, `yesterday`, a weekday (the last one) or a date; dates (`2026-11-23`: its first moment); ISO 8601. Returns null for other texts,
 * and for dates and times that do not exist: 25:00, 2026-02-30, or 02:30 in the night in which the clocks go forward. When the clocks go
 * back, a time of day comes twice: the first one is returned.
 */
export function parseMoment(text: string, options: MomentOptions): Date | null {
  const plain = text.trim().toLowerCase();
  if (plain === 'now') return options.now;
  return spanBefore(plain, options.now) ?? timeOnDay(plain, options) ?? isoMoment(text.trim(), options);
}

function spanBefore(text: string, now: Date): Date | null {
  if (!/^(\d{1,6}[wdhms])+$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+)([wdhms])/g)];
  return new Date(now.getTime() - parts.reduce((sum, [, count = '0', unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0), 0));
}

function timeOnDay(text: string, options: MomentOptions): Date | null {
  const [, day, time] = /^(?:([a-z]+|\d{4}-\d\d-\d\d)(?: +|$))?(\d{1,2}:\d\d(?::\d\d)?)?$/.exec(text) ?? [];
  if (day === undefined && time === undefined) return null;
  const zone = zoneOf(options.zone);
  const today = DateTime.fromJSDate(options.now, { zone });
  if (day !== undefined) {
    const date = dayOf(day, today);
    return date && momentOn(date, time ?? '00:00');
  }
  if (time === undefined) return null;
  const near = options.after ? DateTime.fromJSDate(options.after, { zone }) : today;
  const fits = (moment: Date) => (options.after ? moment > options.after : moment <= options.now);
  const days = options.after ? [0, 1, 2] : [0, -1, -2];
  const moments = days.map((count) => momentOn(near.plus({ days: count }), time));
  return moments.find((moment) => moment !== null && fits(moment)) ?? null;
}

function dayOf(word: string, today: DateTime): DateTime | null {
  if (word === 'today') return today;
  if (word === 'yesterday') return today.minus({ days: 1 });
  const weekday = weekdays.indexOf(word) + 1;
  if (weekday > 0) return today.minus({ days: (today.weekday - weekday + 7) % 7 || 7 });
  const date = DateTime.fromISO(word, { zone: today.zone });
  return /^\d/.test(word) && date.isValid ? date : null;
}

/** A time on the day of a date in its zone. Null when that day does not have the time. */
function momentOn(day: DateTime, time: string): Date | null {
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
  const found = DateTime.fromObject({ year: day.year, month: day.month, day: day.day, hour, minute, second }, { zone: day.zone });
  if (!found.isValid || found.hour !== hour || found.minute !== minute) return null;
  return new Date(Math.min(...found.getPossibleOffsets().map((one) => one.toMillis())));
}

function isoMoment(text: string, { zone }: MomentOptions): Date | null {
  if (!/^\d{4}-\d\d-\d\d[t ]/i.test(text)) return null;
  const iso = text.replace(/^(\S+)\s+/, '$1T');
  if (!/(?:z|[+-]\d\d(?::?\d\d)?)$/i.test(iso.slice(10))) {
    const [, date = '', time = '', fraction = ''] = /^(\d{4}-\d\d-\d\d)t(\d\d:\d\d(?::\d\d)?)(\.\d+)?$/i.exec(iso) ?? [];
    const day = DateTime.fromISO(date, { zone: zoneOf(zone) });
    const moment = day.isValid ? momentOn(day, time) : null;
    return moment && new Date(moment.getTime() + Math.floor(Number(`0${fraction}`) * 1_000));
  }
  const moment = DateTime.fromISO(iso, { setZone: true });
  return moment.isValid ? moment.toJSDate() : null;
}

/** Whether a text names a time zone: an IANA name, `utc` or `local`. */
export const isZone = (zone: string): boolean => ['utc', 'local'].includes(zone.toLowerCase()) || IANAZone.isValidZone(zone);

const zoneOf = (zone: string): string => (zone.toLowerCase() === 'utc' ? 'utc' : zone.toLowerCase() === 'local' ? 'system' : zone);

/** The name of a zone for people: `UTC`, `Europe/Berlin`. */
export const zoneName = (zone: string): string => {
  const name = DateTime.utc().setZone(zoneOf(zone)).zoneName ?? 'UTC';
  return name === 'Etc/UTC' ? 'UTC' : name;
};

/** A moment in a zone, to the minute or the second: `2026-11-23 10:00`. */
export const momentText = (moment: Date | string, zone: string, to: 'minute' | 'second' = 'minute'): string =>
  DateTime.fromJSDate(new Date(moment))
    .setZone(zoneOf(zone))
    .toFormat(to === 'minute' ? 'yyyy-MM-dd HH:mm' : 'yyyy-MM-dd HH:mm:ss');

/** The texts that describe a window of time. */
export interface WindowText {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** A moment; the window lies around it. */
  readonly around?: string | undefined;
  /** Minutes before and after `around`. @default 15 */
  readonly minutes?: number | undefined;
}

/** A window of time, or the text in it that means no moment, or `order` when it would end before it begins. */
export type ParsedWindow = { readonly from: Date; readonly to: Date } | { readonly wrong: 'from' | 'to' | 'around' | 'order' };

/** The window from `from` (default: an hour ago) to `to` (default: now), or around a moment. A time of day as `to` is the first one after `from`. */
export function parseWindow({ from, to, around, minutes = 15 }: WindowText, options: Omit<MomentOptions, 'after'>): ParsedWindow {
  if (around !== undefined) {
    const middle = parseMoment(around, options);
    return middle
      ? { from: new Date(middle.getTime() - minutes * 60_000), to: new Date(middle.getTime() + minutes * 60_000) }
      : { wrong: 'around' };
  }
  const begin = parseMoment(from ?? '1h', options);
  if (!begin) return { wrong: 'from' };
  const end = parseMoment(to ?? 'now', { ...options, after: begin });
  if (!end) return { wrong: 'to' };
  return begin < end ? { from: begin, to: end } : { wrong: 'order' };
}

/** Examples of moments, for error messages. */
export const momentHelp = '10:00, yesterday 14:00, 2026-11-23, 2026-11-23T10:00:00Z, or a span before now such as 90m, 2h30m, 7d, 1w';
