import { setTimeout as sleep } from 'node:timers/promises';
import { createFakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { serve } from '../../fake-gitlab/serve.ts';
import { minutes, restTime } from '../../fake-gitlab/world/time.ts';
import { changeProjects, createBenchWorld, rowsOf } from './world.ts';
import type { WorldSize } from './world.ts';

/** The requests to the fake GitLab and the size of its answers. */
export interface Traffic {
  readonly graphql: number;
  readonly rest: number;
  /** REST requests for container images; included in `rest`. */
  readonly registry: number;
  /** Bodies of answers, uncompressed. */
  readonly bytes: number;
}

const noTraffic: Traffic = { graphql: 0, rest: 0, registry: 0, bytes: 0 };

/** How long an answer takes, including the work of the fake GitLab. */
export interface Latency {
  readonly roundTripMs: number;
  /** For every element of every list in the answer. */
  readonly perRowMs: number;
}

/** A fake GitLab with a generated world, on a port of this machine. */
export interface ServedWorld {
  readonly url: string;
  setLatency(latency: Latency): void;
  /** Changes so many projects, five minutes after whatever was before. */
  change(projects: number): void;
  /** The time of its clock (ISO 8601). */
  now(): string;
  /** Every row as it is now, by event id, with the time of its last change. */
  rows(): Map<string, string>;
  /** Sets the counters to zero. */
  reset(): void;
  traffic(): Traffic;
  close(): Promise<void>;
}

/** Serves a world of this size; answers take no longer than they must until a latency is set. */
export async function serveWorld(size: WorldSize): Promise<ServedWorld> {
  const world = createBenchWorld(size);
  const fake = createFakeGitlab(world);
  let latency: Latency = { roundTripMs: 0, perRowMs: 0 };
  let traffic = { ...noTraffic };
  const handle = async (request: Request): Promise<Response> => {
    const startedAt = performance.now();
    const answer = await fake.answer(request);
    const body = await answer.text();
    const { pathname } = new URL(request.url);
    traffic[pathname.endsWith('/api/graphql') ? 'graphql' : 'rest']++;
    if (pathname.includes('/registry/')) traffic.registry++;
    traffic.bytes += Buffer.byteLength(body);
    const { roundTripMs, perRowMs } = latency;
    const restMs = roundTripMs + (perRowMs > 0 ? perRowMs * rowsIn(JSON.parse(body)) : 0) - (performance.now() - startedAt);
    if (restMs > 0) await sleep(restMs);
    return new Response(body, { status: answer.status, headers: answer.headers });
  };
  const served = await serve({ handle });
  return {
    url: served.url,
    setLatency: (next) => {
      latency = next;
    },
    change: (projects) => {
      world.pass(minutes(5));
      changeProjects(world, projects);
    },
    now: () => restTime(world.now),
    rows: () => rowsOf(world),
    reset: () => {
      traffic = { ...noTraffic };
    },
    traffic: () => ({ ...traffic }),
    close: () => served.close(),
  };
}

/** Elements of all lists in an answer, and one for an answer that is no list: what GitLab had to read and to write down. */
export function rowsIn(answer: unknown): number {
  const count = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 0;
    const inside = Object.values(value).reduce((sum: number, child) => sum + count(child), 0);
    return Array.isArray(value) ? value.length + inside : inside;
  };
  return Array.isArray(answer) ? count(answer) : 1 + count(answer);
}
