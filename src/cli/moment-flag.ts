import { ConfigurationError } from '../errors.ts';
import { momentHelp, parseMoment } from '../moments.ts';

/** Parses the value of a flag as a moment; dates and times are UTC, as in SYNC_SINCE. Throws ConfigurationError. */
export function parseSince(text: string, flag: string): Date {
  const moment = parseMoment(text, { now: new Date(), zone: 'utc' });
  if (!moment) throw new ConfigurationError([`${flag} must be ${momentHelp}, not ${JSON.stringify(text.slice(0, 100))}`]);
  return moment;
}
