import { ConfigurationError } from '../errors.ts';
import { momentHelp, parseMoment } from '../timeline/moments.ts';

/** Parses the value of a flag as a moment. Default zone: UTC, as in SYNC_SINCE. Throws ConfigurationError. */
export function parseMomentFlag(text: string, flag: string, zone = 'utc'): Date {
  const moment = parseMoment(text, { now: new Date(), zone });
  if (!moment) throw notAMoment(text, flag);
  return moment;
}

/** The error for the value of a flag that is no moment. */
export const notAMoment = (text: string, flag: string): ConfigurationError =>
  new ConfigurationError([`${flag} must be ${momentHelp}, not ${JSON.stringify(text.slice(0, 100))}`]);
