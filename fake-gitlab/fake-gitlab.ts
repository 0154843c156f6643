import { executeGraphql } from './graphql/execute.ts';
import type { GraphqlRequest } from './graphql/execute.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RestReply } from './rest/reply.ts';
import { answerRest } from './rest/routes.ts';
import { describeToken, isTokenInfo, refusedToken, tokenInfo, tokenOf, unauthorized } from './rest/tokens.ts';
import type { Poison } from './world/poison.ts';
import type { World } from './world/world.ts';

/** One request that a fake GitLab received. */
export interface SeenRequest {
  readonly kind: 'graphql' | 'rest';
  /** Name of the GraphQL operation, or the path below /api/v4 without its query. */
  readonly operation: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly status: number;
}

/** A GitLab that answers from a world, and records its requests. */
export interface FakeGitlab {
  readonly handle: (request: Request) => Promise<Response>;
  /** As `fetch`, but without `intercept`. */
  readonly answer: (request: Request) => Promise<Response>;
  readonly seen: SeenRequest[];
  /** Makes one object fail. Returns a function that ends the failure. */
  readonly poison: (poison: Poison) => () => void;
  /** Answers in place of GitLab when it returns a response, as a proxy or a broken part of GitLab does. */
  intercept: ((request: Request, seen: Omit<SeenRequest, 'status'>) => Response | undefined | Promise<Response | undefined>) | undefined;
  /** The rate limit: requests above it are refused. */
  rateLimit: RateLimit | undefined;
}

/** Creates a GitLab that answers at any URL: the part of a path before `/api/` is its base path. */
export function createFakeGitlab(world: World): FakeGitlab {
  const answerWithinLimit = async (incoming: Incoming) => {
    const response = await answer(world, incoming);
    // In recorded answers of GitLab lists of commits lack these headers, and other answers have them.
    const headers = incoming.endpoint.endsWith('/repository/commits') ? {} : fake.rateLimit?.announcement();
    for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value);
    return response;
  };
  const fake: FakeGitlab = {
    seen: [],
    poison: (poison) => world.poisons.add(poison),
    intercept: undefined,
    rateLimit: undefined,
    handle: async (request) => {
      const incoming = await incomingOf(request);
      if (incoming === null) {
        fake.seen.push({ kind: 'rest', operation: new URL(request.url).pathname, variables: {}, status: 400 });
        return respond(world, badRequest);
      }
      const asked = askedOf(incoming);
      const response = (await fake.intercept?.(request, asked)) ?? fake.rateLimit?.refusal() ?? (await answerWithinLimit(incoming));
      fake.seen.push({ ...asked, status: response.status });
      return response;
    },
    answer: async (request) => {
      const incoming = await incomingOf(request);
      return incoming === null ? respond(world, badRequest) : answer(world, incoming);
    },
  };
  return fake;
}

interface Incoming {
  readonly request: Request;
  readonly url: URL;
  /** The part of the URL before /api. */
  readonly base: string;
  /** The part of the path after /api: `/graphql` or `/v4/…`. */
  readonly endpoint: string;
  readonly body: GraphqlRequest;
}

/** Parses a request. Null when the request cannot be parsed. */
async function incomingOf(request: Request): Promise<Incoming | null> {
  const url = new URL(request.url);
  const [base, endpoint] = splitAtApi(url);
  const body = request.method === 'POST' ? parseBody(await request.clone().text()) : {};
  return body === null || !isDecodable(endpoint) ? null : { request, url, base, endpoint, body };
}

function parseBody(text: string): GraphqlRequest | null {
  try {
    const body: unknown = JSON.parse(text);
    return isGraphqlRequest(body) ? body : null;
  } catch {
    return null;
  }
}

function isGraphqlRequest(body: unknown): body is GraphqlRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const { query, operationName, variables }: { query?: unknown; operationName?: unknown; variables?: unknown } = body;
  const isText = (value: unknown) => value === undefined || value === null || typeof value === 'string';
  const hasVariables = variables === undefined || (typeof variables === 'object' && !Array.isArray(variables));
  return isText(query) && isText(operationName) && hasVariables;
}

/** GitLab refuses invalid percent encodings and NUL before it looks anything up. */
function isDecodable(path: string): boolean {
  try {
    return !decodeURIComponent(path).includes('\0');
  } catch {
    return false;
  }
}

const badRequest: RestReply = { status: 400, body: { status: 400, error: 'Bad Request' } };

function splitAtApi(url: URL): [string, string] {
  const at = url.pathname.indexOf('/api/');
  return at < 0 ? [url.origin, url.pathname] : [`${url.origin}${url.pathname.slice(0, at)}`, url.pathname.slice(at + '/api'.length)];
}

function askedOf({ endpoint, body }: Incoming): Omit<SeenRequest, 'status'> {
  if (endpoint === '/graphql') return { kind: 'graphql', operation: body.operationName ?? '', variables: body.variables ?? {} };
  return { kind: 'rest', operation: endpoint.replace(/^\/v4\//, ''), variables: {} };
}

/** Answers a request as one that cannot be parsed when the code for it throws. */
async function answer(world: World, incoming: Incoming): Promise<Response> {
  try {
    return await answerRequest(world, incoming);
  } catch (error) {
    return respond(world, { ...badRequest, headers: { 'x-fake-gitlab-error': encodeURIComponent(String(error)) } });
  }
}

async function answerRequest(world: World, incoming: Incoming): Promise<Response> {
  const { request, url, base, endpoint, body } = incoming;
  const isGraphql = endpoint === '/graphql' && request.method === 'POST';
  const token = tokenOf(world, request);
  if (isTokenInfo(endpoint)) return respond(world, tokenInfo(token));
  // In GraphQL a request without a token is a guest's.
  const refused = isGraphql && token === null ? null : refusedToken(token, { isGraphql, endpoint });
  if (refused || token === undefined) return respond(world, refused ?? unauthorized);
  if (isGraphql) return respond(world, await executeGraphql({ world, token, baseUrl: base }, body));
  if (!token) return respond(world, unauthorized);
  if (endpoint === '/v4/personal_access_tokens/self') return respond(world, describeToken(token));
  if (endpoint === '/v4/version') return respond(world, { status: 200, body: { version: world.version, revision: '0fa4e12c' } });
  if (!endpoint.startsWith('/v4/')) return html(world, 404, '<h1>Not Found</h1>');
  return respond(world, answerRest(world, { url, baseUrl: base, path: endpoint.slice('/v4/'.length) }));
}

function respond(world: World, { status, body, html: page, isCutOff, headers = {} }: RestReply): Response {
  if (page !== undefined) return html(world, status, page);
  const text = JSON.stringify(body);
  return new Response(isCutOff ? text.slice(0, Math.floor(text.length * 0.8)) : text, {
    status,
    headers: { 'content-type': 'application/json', ...common(world), ...headers },
  });
}

/** An answer of the API in JSON. */
export const json = (world: World, status: number, body: unknown): Response => respond(world, { status, body });

/** An answer in HTML, as proxies send it, and GitLab itself outside of the API. */
export function html(world: World, status: number, body: string): Response {
  return new Response(`<!DOCTYPE html><html><body>${body}</body></html>`, {
    status,
    headers: { 'content-type': 'text/html', ...common(world) },
  });
}

const common = ({ now, dateAhead, sendsDate }: World) => ({
  ...(sendsDate ? { date: new Date(Math.floor((now + dateAhead) / 1000)).toUTCString() } : {}),
  'x-request-id': '01JD0FAKE',
});
