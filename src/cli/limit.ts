import * as z from 'zod';
import { ConfigurationError } from '../errors.ts';

/** Parses the value of `--limit`. Throws ConfigurationError. */
export function parseLimit(text: string): number {
  const limit = z.coerce.number().int().min(1).max(1_000_000).safeParse(text);
  if (!limit.success) throw new ConfigurationError([`--limit must be a whole number of at least 1, not ${JSON.stringify(text)}`]);
  return limit.data;
}

/** How many rows are shown, of how many: `50 of 1,405 changes`, with what to do about it. */
export function countText(shown: number, total: number, noun: 'change' | 'event'): string {
  const number = (count: number) => count.toLocaleString('en-US');
  if (shown < total) return `${number(shown)} of ${number(total)} ${noun}s: raise --limit, or give --all.\n`;
  return `${number(total)} ${noun}${total === 1 ? '' : 's'}\n`;
}
