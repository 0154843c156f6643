/** No request waits longer than this for GitLab to be ready, in milliseconds; it fails and says how long the wait would be. */
export const longestWaitMs = 5 * 60_000;

/**
 * What `Retry-After` asks for, in milliseconds: seconds, as GitLab sends them, or a moment by the server's own clock,
 * as some proxies do. Undefined when it is absent or neither.
 */
export function retryAfterMsOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const waitMs = /[a-z]/i.test(text) ? Date.parse(text) - serverTimeOf(headers) : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** The server's clock when it answered, in milliseconds since 1970, cut to the second; NaN when it did not say. */
export const serverTimeOf = (headers: Headers): number => Date.parse(headers.get('date') ?? '');

/** A span of time for a message, rounded up: `40 s`, `12 min`. */
export const spanText = (ms: number): string => (ms <= 120_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`);
