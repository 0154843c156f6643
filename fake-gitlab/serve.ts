import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FakeGitlab } from './fake-gitlab.ts';

/** A fake GitLab on a real port of this machine. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a fake GitLab with node:http on a free port, under a path when one is given. */
export async function serve(fake: Pick<FakeGitlab, 'handle'>, path = ''): Promise<Served> {
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as [string, string]] : [],
      );
      const body = incoming.method === 'POST' ? { body: Buffer.concat(chunks) } : {};
      const answer = async () => {
        const url = `http://${incoming.headers.host}${incoming.url}`;
        const response = await fake.handle(new Request(url, { method: incoming.method ?? 'GET', headers, ...body }));
        outgoing.sendDate = false;
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        outgoing.end(Buffer.from(await response.arrayBuffer()));
      };
      // The class Request refuses some hosts, paths and methods. An answer may also end too early.
      answer().catch(() => {
        if (!outgoing.headersSent) outgoing.writeHead(400, { 'content-type': 'text/plain' });
        outgoing.end('400 Bad Request');
      });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
