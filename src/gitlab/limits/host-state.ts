import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createLearnedSchema } from '../compat/missing-fields.ts';
import type { LearnedSchema } from '../compat/missing-fields.ts';
import { createSizes } from './adaptive-size.ts';
import type { Sizes } from './adaptive-size.ts';
import { createTurns } from './request-queue.ts';
import type { Turns } from './request-queue.ts';

/** What everything in a process that reads the same GitLab shares. Holds no token, and nothing that was read. */
export interface Host extends Pick<Turns, 'enter' | 'observe'> {
  /** Origin and base path. */
  readonly url: string;
  readonly clock: Clock;
  /** How much it bears at once. */
  readonly sizes: Sizes;
  /** What it has not of what was asked for. */
  readonly learned: LearnedSchema;
  /** A request got no answer in all its attempts, and no other did since: further ones get one attempt each. */
  isSilent: boolean;
}

/** The hosts that are read, with one budget of requests each. Bounded: of very many, idle ones are forgotten. */
export interface Hosts {
  /** The host of a base URL. */
  readonly at: (url: string) => Host;
}

const mostHosts = 1_000;

/** Hosts of which nothing is known yet. Hand them to every call that is to share their budgets. */
export function createHosts({ clock = systemClock }: { readonly clock?: Clock } = {}): Hosts {
  const hosts = new Map<string, Host & Pick<Turns, 'isIdle'>>();
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

function createHost(url: string, clock: Clock): Host & Pick<Turns, 'isIdle'> {
  const { enter, observe, isIdle } = createTurns(url, clock);
  const host = {
    url,
    clock,
    sizes: createSizes(),
    learned: createLearnedSchema(),
    isSilent: false,
    enter,
    observe: (headers: Headers) => {
      host.isSilent = false;
      observe(headers);
    },
    isIdle,
  };
  return host;
}
