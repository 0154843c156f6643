import { Option } from 'commander';
import type { Command } from 'commander';
import { Settings } from 'luxon';
import * as z from 'zod';
import { ConfigurationError } from '../errors.ts';
import { isZone, momentHelp, momentText, parseWindow, zoneName } from '../timeline/moments.ts';
import type { Io } from './io.ts';
import { notAMoment } from './moment-flag.ts';

// Times look the same in every locale. To ask the machine for its locale takes luxon longer than to format a page of times.
Settings.defaultLocale = 'en-US';

/** Flags that choose a time zone. */
export interface ZoneFlags extends Record<string, unknown> {
  readonly utc?: true;
  readonly tz?: string;
}

/** Flags that choose a window of time. */
export interface WindowFlags extends ZoneFlags {
  readonly from?: string;
  readonly to?: string;
  readonly around?: string;
  readonly minutes?: string;
}

/** The zone in which a command reads and shows times. */
export interface ShownZone {
  readonly zone: string;
  /** For people: `UTC`, `Europe/Berlin`. */
  readonly zoneName: string;
  /** A moment, by default to the minute. */
  readonly shown: (moment: Date | string, to?: 'minute' | 'second') => string;
}

/** Of output without a terminal. */
export const utc: ShownZone = shownIn('utc');

/** A window of time, and the zone it is shown in. */
export interface Window extends ShownZone {
  readonly from: Date;
  readonly to: Date;
}

/** Adds the flags of a time zone. */
export function addZone(command: Command): Command {
  return command
    .option('--utc', 'read and show times in UTC (default: the zone of a terminal, else UTC)')
    .addOption(new Option('--tz <zone>', 'read and show times in this zone, such as Europe/Berlin').conflicts('utc'));
}

/** Adds the flags of a window of time. */
export function addWindow(command: Command): Command {
  return addZone(
    command
      .option('--from <when>', `from this moment on: ${momentHelp} (default: 1h)`)
      .option('--to <when>', 'up to this moment (default: now)')
      .addOption(new Option('--around <when>', 'the time around this moment').conflicts(['from', 'to']))
      .option('--minutes <count>', 'how many minutes before and after --around (default: 15)'),
  );
}

/** The zone of the flags. Throws ConfigurationError. */
export function zoneOf({ utc, tz }: ZoneFlags, { out }: Pick<Io, 'out'>): ShownZone {
  if (tz !== undefined && !isZone(tz)) {
    throw new ConfigurationError([`--tz must be a time zone such as Europe/Berlin, utc or local, not ${JSON.stringify(tz.slice(0, 100))}`]);
  }
  const zone = tz ?? (utc || !out.isTTY ? 'utc' : 'local');
  return shownIn(zone);
}

function shownIn(zone: string): ShownZone {
  return { zone, zoneName: zoneName(zone), shown: (moment, to) => momentText(moment, zone, to) };
}

/** The window of the flags. Throws ConfigurationError. */
export function windowOf(flags: WindowFlags, io: Pick<Io, 'out'>): Window {
  const zone = zoneOf(flags, io);
  const { minutes: given, ...texts } = flags;
  const minutes = z.coerce
    .number()
    .positive()
    .max(60 * 24 * 366)
    .optional()
    .safeParse(given);
  if (!minutes.success) throw new ConfigurationError([`--minutes must be a number above 0, not ${JSON.stringify(given)}`]);
  const window = parseWindow({ ...texts, minutes: minutes.data }, { now: new Date(), zone: zone.zone });
  if (!('wrong' in window)) return { ...zone, ...window };
  if (window.wrong === 'order') throw new ConfigurationError(['--from must be before --to']);
  throw notAMoment(texts[window.wrong] ?? '', `--${window.wrong}`);
}
