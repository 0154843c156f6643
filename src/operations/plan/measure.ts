import type { Config } from '../../config/parse-config.ts';
import type { Gitlab } from '../../gitlab/client.ts';
import type { Sdk } from '../../gitlab/generated/sdk.ts';

/** How fast a GitLab answers, and its limit of requests. */
export interface Measure {
  /** The median time from a request to its answer, in milliseconds. */
  readonly roundTripMs: number;
  /** The smaller of GitLab's limit and MAX_REQUESTS_PER_MINUTE; null when neither is known. */
  readonly requestsPerMinute: number | null;
}

/** The same GitLab, with each answer timed. Send requests one after another: the time in the request queue would count. */
export function measured(
  gitlab: Gitlab,
  { maxRequestsPerMinute }: Pick<Config, 'maxRequestsPerMinute'>,
): { readonly gitlab: Gitlab; readonly measure: () => Measure } {
  const times: number[] = [];
  let allowed = Number.POSITIVE_INFINITY;
  const operations = Object.entries(gitlab.graphql).map(([name, ask]) => [
    name,
    async (...args: readonly unknown[]) => {
      const startedAt = performance.now();
      const answer = await (ask as (...args: readonly unknown[]) => Promise<{ readonly headers: Headers }>)(...args);
      times.push(performance.now() - startedAt);
      const limit = Number(answer.headers.get('ratelimit-limit') ?? Number.NaN);
      if (limit > 0) allowed = limit;
      return answer;
    },
  ]);
  return {
    gitlab: { ...gitlab, graphql: Object.fromEntries(operations) as Sdk },
    measure: () => {
      const most = Math.min(allowed, maxRequestsPerMinute || Number.POSITIVE_INFINITY);
      return {
        roundTripMs: Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0),
        requestsPerMinute: Number.isFinite(most) ? most : null,
      };
    },
  };
}

/** How long requests take, in seconds, at a concurrency and within the limit. Does not include storing the answers. */
export function secondsOf(
  requests: number,
  { roundTripMs, requestsPerMinute, concurrency }: Measure & { readonly concurrency: number },
): number {
  const sending = (requests / concurrency) * (roundTripMs / 1000);
  return Math.max(sending, requestsPerMinute === null ? 0 : (requests / requestsPerMinute) * 60);
}
