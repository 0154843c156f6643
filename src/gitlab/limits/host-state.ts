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

/** The state that all clients of one GitLab in a process share. Contains no token, and of the read rows only the latest time. */
export interface HostState extends Pick<RequestQueue, 'enter' | 'observe'> {
  /** Origin and base path. */
  readonly url: string;
  readonly clock: Clock;
  /** The sizes of requests that it answers in time. */
  readonly sizes: AdaptiveSizes;
  /** Fields that this GitLab lacks. */
  readonly learned: MissingFields;
  /** The latest time that rows of this GitLab prove. */
  readonly rows: RowClock;
  /** A request got no answer in all its attempts, and no later request got an answer. While this is so, each request gets one attempt. */
  isSilent: boolean;
}

/** The state of each GitLab host: its rate budget and what it can answer. Keeps at most about 1,000 hosts: drops the idle host that was used least recently. */
export interface HostStates {
  /** The state of the host of a base URL. Creates a missing state. */
  readonly at: (url: string) => HostState;
}

const mostHosts = 1_000;

/**
 * Creates host states without a host. Pass the same value as `hostStates` to every call that shares a rate budget.
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
