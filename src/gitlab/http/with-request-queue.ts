import type { HostState } from '../limits/host-state.ts';
import type { HostLimits } from '../limits/request-queue.ts';
import type { Fetch } from './fetch.ts';

/** Waits in the request queue of the host before it sends a request. The request keeps its place until `fetch` has ended. */
export function withRequestQueue(fetch: Fetch, host: HostState, limits: HostLimits): Fetch {
  return async (url, init) => {
    const leave = await host.enter({ ...limits, operation: init.operation, signal: init.signal });
    try {
      return await fetch(url, init);
    } finally {
      leave();
    }
  };
}

/** Notes what the answers of a host say about its rate limits. */
export function withLimitsNoted(fetch: Fetch, host: HostState): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    host.observe(response);
    return response;
  };
}
