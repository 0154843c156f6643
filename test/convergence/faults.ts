import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeGitlab } from '../../fake-gitlab/fake-gitlab.ts';
import { html, json } from '../../fake-gitlab/fake-gitlab.ts';
import { isResizableOperation } from '../../src/gitlab/limits/adaptive-size.ts';
import type { Random } from './random.ts';
import type { World } from '../../fake-gitlab/world/world.ts';

/** What breaks requests. */
export interface Faults {
  /** For `FakeGitlab.intercept`. */
  readonly intercept: NonNullable<FakeGitlab['intercept']>;
  /** How often each way was taken. */
  readonly counts: ReadonlyMap<string, number>;
  /** The longest run of failures of one and the same request, since the last `forget`. Pages that may be smaller do not count. */
  readonly longestRun: () => number;
  /** A new process knows of no request. */
  readonly forget: () => void;
}

interface Place {
  readonly world: World;
  readonly fake: FakeGitlab;
  readonly random: Random;
}

type Fault = (place: Place, request: Request) => Response | undefined | Promise<Response | undefined>;

const text = (status: number, body: string, headers: Record<string, string> = {}) =>
  new Response(body, { status, headers: { 'content-type': 'text/plain', ...headers } });

/** Every way in which GitLab, and what stands before it, fails. None returned: it does not apply, or was only slow. */
const faults: Readonly<Record<string, Fault>> = {
  '429 with Retry-After': () => text(429, 'Retry later\n', { 'retry-after': '3', 'ratelimit-remaining': '0', 'ratelimit-limit': '2000' }),
  '429 without headers': ({ world }) =>
    json(world, 429, { message: { error: 'This endpoint has been requested too many times. Try again later.' } }),
  '500': ({ world }, request) =>
    json(world, 500, isGraphql(request) ? { errors: [{ message: 'Internal server error' }] } : { message: '500 Internal Server Error' }),
  '502 HTML': ({ world }) => html(world, 502, '<h1>502</h1>Whoops, GitLab is taking too much time to respond.'),
  '503': ({ world }, request) =>
    isGraphql(request)
      ? json(world, 503, { errors: [{ message: 'Request timed out. Please try a less complex query or a smaller set of records.' }] })
      : html(world, 503, 'Service Unavailable'),
  'refused connection': () => Response.error(),
  'reset in mid-body': async (place, request) => {
    const bytes = new TextEncoder().encode(await answerText(place, request));
    let isSent = false;
    const body = new ReadableStream({
      pull: (controller) => {
        if (isSent) controller.error(new TypeError('terminated'));
        else controller.enqueue(bytes.slice(0, Math.floor(bytes.length / 2)));
        isSent = true;
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  },
  'truncated JSON': async (place, request) => {
    const whole = await answerText(place, request);
    return new Response(whole.slice(0, Math.floor(whole.length * 0.8)), { headers: { 'content-type': 'application/json' } });
  },
  'partial data': partial,
  stall: ({ random }) => (random.chance(0.1) ? new Promise<undefined>(() => {}) : undefined),
  'slow answer': async ({ random }) => {
    await sleep(random.below(30));
    return undefined;
  },
};

/** Breaks a part of the requests, from 0 to 1. */
export function createFaults(place: Place, part: number): Faults {
  const counts = new Map<string, number>();
  let runs = new Map<string, number>();
  let longest = 0;
  let requests = 0;
  const intercept: Faults['intercept'] = async (request) => {
    const { random } = place;
    const key = `${request.method} ${request.url} ${await request.clone().text()}`;
    // Chance alone leaves a short run without a single fault now and then, and the run would show nothing: it begins with one.
    const isOverdue = ++requests >= 1 && counts.size === 0;
    if (!random.chance(part) && !isOverdue) {
      runs.delete(key);
      return undefined;
    }
    const name = random.pick(Object.keys(faults));
    const run = (runs.get(key) ?? 0) + 1;
    runs.set(key, run);
    const response = await faults[name]?.(place, request);
    if (!response) {
      runs.delete(key);
      return undefined;
    }
    // A page is asked for in smaller sizes, which another walk's quick answers may raise meanwhile.
    const isResized = /"first":(?!1\b)\d+/.test(key) && isResizableOperation(/"operationName":"(\w+)"/.exec(key)?.[1] ?? '');
    if (!isResized) longest = Math.max(longest, run);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return response;
  };
  const forget = () => {
    runs = new Map();
  };
  return { intercept, counts, longestRun: () => longest, forget };
}

const isGraphql = (request: Request) => request.method === 'POST';

const answerText = async ({ fake }: Place, request: Request): Promise<string> => (await fake.answer(request)).text();

interface Answer {
  readonly data?: { readonly projects?: { readonly nodes: Array<Record<string, unknown> | null> } | null };
}

/** Runs out of time for a part of an answer: a list, or a project as a whole. */
async function partial(place: Place, request: Request): Promise<Response | undefined> {
  if (!isGraphql(request)) return undefined;
  const { world, random } = place;
  const body = JSON.parse(await answerText(place, request)) as Answer;
  const nodes = body.data?.projects?.nodes ?? [];
  const index = random.below(Math.max(1, nodes.length));
  const node = nodes[index];
  if (!node) return undefined;
  const lists = Object.keys(node).filter((key) => typeof node[key] === 'object' && node[key] !== null && 'nodes' in node[key]);
  const list = lists.length > 0 && random.chance(0.7) ? random.pick(lists) : undefined;
  if (list === undefined) nodes[index] = null;
  else node[list] = null;
  const path = ['projects', 'nodes', index, ...(list === undefined ? [] : [list])];
  return json(world, 200, {
    ...body,
    errors: [{ message: `Timeout on ${list === undefined ? 'Query.projects' : `Project.${list}`}`, path }],
  });
}
