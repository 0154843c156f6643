import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { afterEach } from 'vitest';
import type { Certificate } from './certificates.ts';

/** A proxy on a real port. */
export interface Proxy {
  readonly url: string;
  /** What it was asked: `CONNECT host:port`, or `GET http://…`. */
  readonly asked: string[];
  /** The headers of the requests that it could read. */
  readonly headers: Array<IncomingMessage['headers']>;
}

/** How a proxy treats its clients. */
export interface ProxyOptions {
  /** `user:password` that it wants. */
  readonly credentials?: string;
  /** What it answers in place of a connection. */
  readonly status?: number;
}

/** Real servers on free ports of this machine, closed after each test of the file. */
export interface Servers {
  readonly http: (listener: RequestListener) => Promise<number>;
  readonly https: (certificate: Certificate, listener: RequestListener) => Promise<number>;
  /** One that speaks nothing: what it does with a connection is all that happens. */
  readonly tcp: (onConnection: (socket: Socket) => void) => Promise<number>;
  /** A port at which nothing listens. */
  readonly closedPort: () => Promise<number>;
  readonly proxy: (options?: ProxyOptions) => Promise<Proxy>;
  /** Connections that are open at a port. */
  readonly connectionsAt: (port: number) => number;
}

/** Call in a suite; what comes back is good inside of its tests. */
export function useServers(): Servers {
  const open = new Map<number, { readonly server: TcpServer; readonly sockets: Set<Socket> }>();
  afterEach(async () => {
    const servers = [...open.values()];
    open.clear();
    for (const { server, sockets } of servers) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  const listen = async (server: TcpServer): Promise<number> => {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    open.set(port, { server, sockets });
    return port;
  };
  const tcp: Servers['tcp'] = (onConnection) => listen(createTcpServer(onConnection));
  return {
    tcp,
    http: (listener) => listen(createServer(listener)),
    https: (certificate, listener) => listen(createTlsServer(certificate, listener)),
    closedPort: async () => {
      const port = await tcp(() => {});
      const { server } = open.get(port) ?? {};
      open.delete(port);
      await new Promise((resolve) => server?.close(resolve));
      return port;
    },
    proxy: async (options = {}) => {
      const asked: string[] = [];
      const headers: Array<IncomingMessage['headers']> = [];
      const port = await listen(createProxy(options, { asked, headers }));
      return { url: `http://${options.credentials ? `${options.credentials}@` : ''}127.0.0.1:${port}`, asked, headers };
    },
    connectionsAt: (port) => open.get(port)?.sockets.size ?? 0,
  };
}

function createProxy({ credentials, status }: ProxyOptions, { asked, headers }: Pick<Proxy, 'asked' | 'headers'>): Server {
  const statusFor = (request: IncomingMessage) => {
    asked.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    return wanted && request.headers['proxy-authorization'] !== wanted ? 407 : status;
  };
  const server = createServer((request, response) => {
    const refused = statusFor(request);
    response.writeHead(refused ?? 200, { 'content-type': 'application/json' });
    response.end('{"name":"through the proxy"}');
  });
  server.on('connect', (request, socket) => {
    const refused = statusFor(request);
    if (refused !== undefined) {
      socket.end(`HTTP/1.1 ${refused} No\r\n\r\n`);
      return;
    }
    const target = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  return server;
}
