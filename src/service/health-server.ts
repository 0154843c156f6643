import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { getRequestListener } from '@hono/node-server';
import { ConfigurationError, messageOf } from '../errors.ts';
import { printable } from '../printable.ts';
import { hostCheck } from './host-check.ts';
import type { HostCheck } from './host-check.ts';
import { hookPath } from '../config/hook-path.ts';
import type { ReceiveHook } from './hooks/receive-hook.ts';

/** An answer to a request. */
export interface HealthAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Handlers by path. */
export type HealthRoutes = Readonly<Record<string, (query: URLSearchParams) => HealthAnswer | Promise<HealthAnswer>>>;

/** A server that accepts connections. */
export interface HealthServer {
  /** Its address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  close(): Promise<void>;
}

/** An answer of lines of plain text. */
export const textAnswer = (status: number, lines: readonly string[]): HealthAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body: `${lines.map(printable).join('\n')}\n`,
});

/** Where a health server listens, and to whom it answers. */
export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  /** Host names beside the usual ones, in the form of HEALTH_ALLOWED_HOSTS. */
  readonly allowedHosts?: readonly string[];
  /** Answers these paths in place of the routes, after the same check of the host name. */
  readonly page?: { readonly paths: ReadonlySet<string>; readonly fetch: (request: Request) => Response | Promise<Response> } | undefined;
  /** Answers hooks of GitLab. Absent: there is no such path. */
  readonly receiveHook?: ReceiveHook | undefined;
}

/** Paths that answer under any host name, because they show no data of projects. GitLab calls the poller by the name that its hook has. */
const openPaths = new Set(['/healthz', '/readyz', hookPath]);

/** Starts the server. Throws ConfigurationError when the port cannot be used. */
export async function startHealthServer(
  { host, port, allowedHosts = [], page, receiveHook }: HealthServerOptions,
  routes: HealthRoutes,
): Promise<HealthServer> {
  const isAllowed = hostCheck([host, hostname(), ...allowedHosts]);
  // The library would replace Request and Response of the whole process.
  const answerPage = page && getRequestListener(page.fetch, { overrideGlobalObjects: false });
  const paths = [...(page ? ['/'] : []), ...Object.keys(routes), ...(receiveHook ? [hookPath] : [])];
  const server = createServer((request, response) => {
    const isOfPage = page?.paths.has((request.url ?? '').split('?')[0] ?? '') && ['GET', 'HEAD'].includes(request.method ?? '');
    if (answerPage && isOfPage && isAllowed(request.headers.host)) void answerPage(request, response);
    else void answer({ routes, paths, isAllowed, receiveHook }, request, response);
  });
  // A slow or silent client must not hold a connection for long.
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 5_000;
  await listen(server, port, host).catch((error: unknown) => {
    throw new ConfigurationError([`HEALTH_PORT ${port} on HEALTH_HOST ${host} cannot be used (${messageOf(error)}): set another, or off`]);
  });
  const { address, port: taken, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `::` is every address of IPv6 and IPv4, and of IPv4 alone where the machine has no IPv6. */
async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const hasNoIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (host !== '::' || !hasNoIpv6) throw error;
    server.listen(port, '0.0.0.0');
    await once(server, 'listening');
  }
}

interface Site {
  readonly routes: HealthRoutes;
  /** Those that a message names. */
  readonly paths: readonly string[];
  readonly isAllowed: HostCheck;
  readonly receiveHook: ReceiveHook | undefined;
}

async function answer(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, contentType, body } = await answerOf(site, request);
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerOf({ routes, paths, isAllowed, receiveHook }: Site, request: IncomingMessage): Promise<HealthAnswer> {
  const { method, url = '/', headers } = request;
  const isHook = url.split('?')[0] === hookPath;
  if (isHook && receiveHook) {
    const { status, text } = await receiveHook(request);
    return textAnswer(status, [text]);
  }
  if (!isHook && method !== 'GET' && method !== 'HEAD') return textAnswer(405, ['only GET and HEAD are supported']);
  const base = 'http://localhost';
  if (!URL.canParse(url, base)) return textAnswer(400, ['the URL is not valid']);
  const { pathname, searchParams } = new URL(url, base);
  const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
  if (!openPaths.has(pathname) && !isAllowed(headers.host)) {
    const asked = JSON.stringify(headers.host ?? '').slice(0, 100);
    return textAnswer(421, [`${asked} is not a host name of this poller: use its IP address, or add the name to HEALTH_ALLOWED_HOSTS`]);
  }
  if (!route) return textAnswer(404, ['not found; the paths are:', ...paths]);
  try {
    return await route(searchParams);
  } catch (error) {
    return textAnswer(503, [messageOf(error)]);
  }
}
