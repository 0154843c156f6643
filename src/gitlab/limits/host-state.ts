import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createMissingFields } from '../compat/missing-fields.ts';
import type { MissingFields } from '../compat/missing-fields.ts';
import { createAdaptiveSizes } from './adaptive-size.ts';
import type { AdaptiveSizes } from './adaptive-size.ts';
import type { LimitedAnswer } from './rate-budget.ts';
import { createRequestQueue } from './request-queue.ts';
import type { RequestQueue } from './request-queue.ts';

/** What everything in a process that reads the same GitLab shares. Holds no token, and nothing that was read. */
export interface HostState extends Pick<RequestQueue, 'enter' | 'observe'> {
  /** Origin and base path. */
  readonly url: string;
  readonly clock: Clock;
  /** How much it bears at once. */
  readonly sizes: AdaptiveSizes;
  /** What it has not of what was asked for. */
  readonly learned: MissingFields;
  /** A request got no answer in all its attempts, and no other did since: further ones get one attempt each. */
  isSilent: boolean;
}

/** The hosts that are read, with one budget of requests each. Bounded: of very many, idle ones are forgotten. */
export interface HostStates {
  /** The host of a base URL. */
  readonly at: (url: string) => HostState;
}

const mostHosts = 1_000;

/** States of hosts of which nothing is known yet. Hand them to every call that is to share their budgets. */
export function createHostStates({ clock = systemClock }: { readonly clock?: Clock } = {}): HostStates {
  const hosts = new Map<string, HostState & Pick<RequestQueue, 'isIdle'>>();
  return {
    at: (url) => {
      const { origin, pathname } = new URL(url);
      const key = `${origin}${pathname.replace(/\/+$/, '')}`;
      const host = hosts.get(key) ?? createHost(key, clock);
      // What was asked for last is forgotten last.
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
