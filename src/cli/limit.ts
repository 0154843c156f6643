import * as z from 'zod';
import { ConfigurationError } from '../errors.ts';

/** Parses the value of `--limit`. Throws ConfigurationError. */
export function parseLimit(text: string): number {
  const limit = z.coerce.number().int().min(1).max(1_000_000).safeParse(text);
  if (!limit.success) throw new ConfigurationError([`--limit must be a whole number of at least 1, not ${JSON.stringify(text)}`]);
  return limit.data;
}
