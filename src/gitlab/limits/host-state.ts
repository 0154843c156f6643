import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createMissingFields } from '../compat/missing-fields.ts';
import type { MissingFields } from '../compat/missing-fields.ts';
import { createAdaptiveSizes } from './adaptive-size.ts';
import type { AdaptiveSizes } from './adaptive-size.ts';
import type { LimitedAnswer } from './rate-budget.ts';
import { createRowClock } from './row-clock.ts';
import type { RowClock } from './row-clock.ts';
import { createRequestQueue } from './request-queue.ts';
import type { RequestQueue } from './request-queue.ts';

/** What everything in a process that reads the same GitLab shares. Holds no token, and of what was read only the time of the newest row. */
export interface HostState extends Pick<RequestQueue, 'enter' | 'observe'> {
  /** Origin and base path. */
  readonly url: string;
  readonly clock: Clock;
  /** How much it bears at once. */
  readonly sizes: AdaptiveSizes;
  /** Fields that this GitLab lacks. */
  readonly learned: MissingFields;
  /** How far its clocks have come, as rows prove it. */
  readonly rows: RowClock;
  /** A request got no answer in all its attempts, and no request got one since: each further request gets one attempt. */
  isSilent: boolean;
}

/** The state of each GitLab host that is read: its budget of requests, and what it can answer. At most 1,000 are kept; idle ones are dropped first. */
export interface HostStates {
  /** The host of a base URL. */
  readonly at: (url: string) => HostState;
}

const mostHosts = 1_000;

/**
 * Creates host states that know no host yet. Hand the same value as `hostStates` to every call that is to share a budget.
 *
 * @example
 * const hostStates = createHostStates();
 * await syncGitlab(em, config, 1, { hostStates });
 */
export function createHostStates({ clock = systemClock }: { readonly clock?: Clock } = {}): HostStates {
  const hosts = new Map<string, HostState & Pick<RequestQueue, 'isIdle'>>();
  return {
    at: (url) => {
      const { origin, pathname } = new URL(url);
      const key = `${origin}${pathname.replace(/\/+$/, '')}`;
      const host = hosts.get(key) ?? createHost(key, clock);
      // The host that was used last is dropped last.
      hosts.delete(key);
      hosts.set(key, host);
      if (hosts.size > mostHosts) {
        const idle = [...hosts.values()].find((other) => other !== host && other.isIdle());
        if (idle) hosts.delete(idle.url);
      }
      return host;
    },
  };
}

function createHost(url: string, clock: Clock): HostState & Pick<RequestQueue, 'isIdle'> {
  const { enter, observe, isIdle } = createRequestQueue(url, clock);
  const host = {
    url,
    clock,
    sizes: createAdaptiveSizes(),
    learned: createMissingFields(),
    rows: createRowClock(),
    isSilent: false,
    enter,
    observe: (answer: LimitedAnswer) => {
      host.isSilent = false;
      observe(answer);
    },
    isIdle,
  };
  return host;
}
