import pLimit from 'p-limit';
import type { Fetch } from './fetch.ts';

/** Lets at most `concurrency` requests be under way at once; the rest wait in order. */
export function withLimit(fetch: Fetch, concurrency: number): Fetch {
  const limit = pLimit(concurrency);
  return (url, init) => limit(() => fetch(url, init));
}
