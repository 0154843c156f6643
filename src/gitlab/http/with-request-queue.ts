import type { HostState } from '../limits/host-state.ts';
import type { HostLimits } from '../limits/request-queue.ts';
import type { Fetch } from './fetch.ts';

/** Sends a request when it is its turn at its host, which it holds until all that `fetch` does about it is done. */
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

/** Tells a host what its answers say about limits. */
export function withNotes(fetch: Fetch, host: HostState): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    host.observe(response);
    return response;
  };
}
