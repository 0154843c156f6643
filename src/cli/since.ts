import { momentOf } from '../config/settings.ts';
import { ConfigurationError } from '../errors.ts';

/** Parses the value of a flag: a date, a moment, or a span before now. Throws ConfigurationError. */
export function parseSince(text: string, flag: string): Date {
  const moment = momentOf(text.trim(), new Date());
  if (!moment) throw new ConfigurationError([`${flag} must be a date, a moment, or a span such as 12h, not ${JSON.stringify(text)}`]);
  return moment;
}
