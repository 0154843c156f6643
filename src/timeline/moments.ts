import { DateTime, IANAZone, Info } from 'luxon';
import type { Zone } from 'luxon';

/** How a text is read as a moment. */
export interface MomentOptions {
  readonly now: Date;
  /** The zone of dates and times without one of their own: an IANA name, `utc` or `local`. */
  readonly zone: string;
  /** A time of day alone is the first one after this moment. Absent: the last one that is not after `now`. */
  readonly after?: Date | undefined;
}

/** Whether a text names a time zone: an IANA name, `utc` or `local`, in any case. */
export const isZone = (zone: string): boolean => /^(utc|local)$/i.test(zone) || (/^[a-z]/i.test(zone) && IANAZone.isValidZone(zone));

/**
 * The moment that a text means, or null. The forms, in any case:
 *
 * - `now`, and spans before now: `90m`, `2h30m`, `7d`, `1w` (units w, d, h, m, s in this order). A day is 24 hours, also when clocks change.
 * - `10:00`, `10:00:30`: the last time that clocks showed it, today or on a day before; with `after`, the first time after that.
 * - `today`, `yesterday`, `monday` … `sunday` (also `mon`), alone for the midnight at which the day began, or with a time: `yesterday 14:00`.
 *   A weekday is the last one whose time is not in the future. `today 14:00` is today, also in the morning.
 * - `2026-11-23` for the midnight at which the day began, and with a time `2026-11-23 10:00`, `2026-11-23T10:00:00.5`. `24:00` is the end
 *   of the day. With an offset (`Z`, `+02:00`) the moment does not depend on the zone.
 *
 * Null for a text in another form, for impossible values such as `25:00` or `2026-02-30`, and for a time with a date or a day that no
 * clock showed because clocks were put forward. Where clocks showed a time twice, the earlier moment. Throws RangeError for an unknown zone.
 */
export function parseMoment(text: string, { now, zone: name, after }: MomentOptions): Date | null {
  if (!isZone(name)) throw new RangeError(`unknown time zone ${JSON.stringify(name)}`);
  const zone = Info.normalizeZone(zoneOf(name));
  const plain = text.trim().toLowerCase();
  if (plain === 'now') return new Date(now);
  return spanBefore(plain, now) ?? timeAlone(plain, { now, after }, zone) ?? namedDay(plain, now, zone) ?? dateAndTime(plain, zone);
}

const unitsMs = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];

function spanBefore(text: string, now: Date): Date | null {
  const match = /^(?=\d)(?:(\d{1,6})w\s*)?(?:(\d{1,6})d\s*)?(?:(\d{1,6})h\s*)?(?:(\d{1,6})m\s*)?(?:(\d{1,6})s)?(?:\s*ago)?$/.exec(text);
  if (!match) return null;
  const spanMs = unitsMs.reduce((sum, unitMs, index) => sum + Number(match[index + 1] ?? 0) * unitMs, 0);
  // PostgreSQL and JSON have no years before Christ: a span that is longer than all history means all of it.
  return new Date(Math.max(0, now.getTime() - spanMs));
}

/** A wall clock's date and time, as milliseconds since 1970 as if they were UTC. */
type Wall = number;

const dayMs = 86_400_000;
const clock = String.raw`(\d{1,2}):(\d\d)(?::(\d\d))?`;
const clockPattern = new RegExp(`^${clock}$`);

function timeAlone(text: string, { now, after }: Pick<MomentOptions, 'now' | 'after'>, zone: Zone): Date | null {
  const match = clockPattern.exec(text);
  const timeMs = match ? timeOf(match.slice(1)) : null;
  if (timeMs === null) return null;
  const [start, step] = after ? [after, dayMs] : [now, -dayMs];
  // On the day on which clocks are put forward, they do not show each time: then it is on the next day, or was on the day before.
  for (let day = dayOf(start, zone); ; day += step) {
    const moment = momentAt(day + timeMs, zone);
    if (moment && (after ? moment > after : moment <= now)) return moment;
  }
}

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const namedDayPattern = new RegExp(
  `^(today|yesterday|${weekdays.map((day) => `${day.slice(0, 3)}(?:${day.slice(3)})?`).join('|')})(?:\\s+(?:at\\s+)?${clock})?$`,
);

function namedDay(text: string, now: Date, zone: Zone): Date | null {
  const [, name, ...parts] = namedDayPattern.exec(text) ?? [];
  if (name === undefined) return null;
  const timeMs = parts[0] === undefined ? 0 : timeOf(parts);
  if (timeMs === null) return null;
  const today = dayOf(now, zone);
  const at = (day: Wall) => (parts[0] === undefined ? startOfDay(day, zone) : momentAt(day + timeMs, zone));
  if (name === 'today') return at(today);
  if (name === 'yesterday') return at(today - dayMs);
  const weekday = weekdays.findIndex((day) => day.startsWith(name));
  const last = today - ((new Date(today).getUTCDay() - weekday + 7) % 7) * dayMs;
  const moment = at(last);
  return moment && moment > now ? at(last - 7 * dayMs) : moment;
}

const datePattern = /^(\d{4})-(\d\d)-(\d\d)(?:(?:t|\s+)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(z|utc|[+-]\d\d(?::?\d\d)?)?)?$/;

function dateAndTime(text: string, zone: Zone): Date | null {
  const [, year, month, date, hour, minute, second, fraction = '', offset] = datePattern.exec(text) ?? [];
  const day = Date.UTC(Number(year), Number(month) - 1, Number(date));
  // An impossible date, such as February 30, becomes another one.
  if (year === undefined || new Date(day).toISOString().slice(0, 10) !== `${year}-${month}-${date}`) return null;
  if (hour === undefined) return startOfDay(day, zone);
  const isEnd = hour === '24' && minute === '00' && Number(second ?? 0) === 0 && Number(fraction) === 0;
  if (isEnd && offset === undefined) return startOfDay(day + dayMs, zone);
  const timeMs = isEnd ? dayMs : timeOf([hour, minute, second]);
  if (timeMs === null) return null;
  const wall = day + timeMs + Number(fraction.padEnd(3, '0').slice(0, 3));
  if (offset === undefined) return momentAt(wall, zone);
  const offsetMs = offsetOf(offset);
  return offsetMs === null ? null : new Date(wall - offsetMs);
}

/** Milliseconds since midnight; null for an impossible time. */
function timeOf([hour, minute, second]: ReadonlyArray<string | undefined>): number | null {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second ?? 0)];
  return hours > 23 || minutes > 59 || seconds > 59 ? null : ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

function offsetOf(text: string): number | null {
  if (text === 'z' || text === 'utc') return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(3).replace(':', '') || 0)];
  if (hours > 14 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const offsetMsAt = (moment: number, zone: Zone) => zone.offset(moment) * 60_000;

/** The day that calendars of the zone show at a moment. */
const dayOf = (now: Date, zone: Zone): Wall => Math.floor((now.getTime() + offsetMsAt(now.getTime(), zone)) / dayMs) * dayMs;

/** The first moment at which clocks of the zone showed this; null when they never did. */
function momentAt(wall: Wall, zone: Zone): Date | null {
  // Offsets are less than a day, so the offset at the moment that is looked for is one of these two, where clocks change at most once in two days.
  const moments = [wall - dayMs, wall + dayMs].map((near) => wall - offsetMsAt(near, zone));
  const right = moments.filter((moment) => moment + offsetMsAt(moment, zone) === wall);
  return right.length === 0 ? null : new Date(Math.min(...right));
}

/** When a day began. Some zones put their clocks forward at midnight: the day then begins at one o'clock. */
function startOfDay(day: Wall, zone: Zone): Date | null {
  const moment = momentAt(day, zone);
  if (moment) return moment;
  const change = day - offsetMsAt(day - dayMs, zone);
  // Samoa left out a whole day.
  return dayOf(new Date(change), zone) === day ? new Date(change) : null;
}

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
