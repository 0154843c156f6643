/** The longest wait of a request for a rate limit, in milliseconds. A request that would wait longer fails, and its error says how long. */
export const longestWaitMs = 5 * 60_000;

/**
 * The wait that `Retry-After` asks for, in milliseconds. GitLab sends seconds; some proxies send a moment of the server's
 * clock. Undefined when the header is absent or neither of the two.
 */
export function retryAfterMsOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const waitMs = /[a-z]/i.test(text) ? Date.parse(text) - serverTimeOf(headers) : Number.NaN;
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

/** The time of the server's clock in an answer, in milliseconds since 1970, in whole seconds; NaN when the answer has no `Date`. */
export const serverTimeOf = (headers: Headers): number => Date.parse(headers.get('date') ?? '');

/** A span of time for a message, rounded up: `40 s`, `12 min`. */
export const spanText = (ms: number): string => (ms <= 120_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`);
