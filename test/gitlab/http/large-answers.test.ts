import { execFile } from 'node:child_process';
import type { RequestListener } from 'node:http';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ResponseTooLargeError } from '../../../src/errors.ts';
import { createGitlab } from '../../../src/gitlab/client.ts';
import { useServers } from '../../support/servers.ts';

const servers = useServers();
const megabyte = 1_000_000;

interface Ended {
  readonly length?: number;
  readonly error?: string;
  readonly message?: string;
  readonly peakMegabytes: number;
}

/** What becomes of an answer in a process of its own, whose memory can be told. */
async function read(listener: RequestListener): Promise<Ended & { readonly url: string }> {
  const url = `http://127.0.0.1:${await servers.http(listener)}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', 'test/gitlab/http/reader.ts', url], {
    env: { PATH: process.env.PATH },
  });
  return { ...(JSON.parse(stdout) as Ended), url };
}

const tooLarge = (url: string) =>
  `${url} answered GET version with more than 50 MB (unpacked), which was not read: check that the URL is the URL of a GitLab, and that no proxy changes its answers`;

test('400 MB of JSON in 400 KB of gzip are cut at 50 MB', async () => {
  // gzip may consist of several parts.
  const [start, part] = [gzipSync('{"version":"'), gzipSync('a'.repeat(10 * megabyte))];
  const { url, peakMegabytes, ...ended } = await read((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(Buffer.concat([start, ...Array.from({ length: 40 }, () => part), gzipSync('"}')]));
  });
  expect(ended).toEqual({ error: 'ResponseTooLargeError', message: tooLarge(url) });
  expect(peakMegabytes).toBeLessThan(400);
});

test('JSON without an end is read for 50 MB, and the connection is closed', async () => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const chunk = Buffer.alloc(megabyte, 'a');
  const { url, peakMegabytes, ...ended } = await read((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"version":"');
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent++;
    };
    response.on('drain', more);
    response.on('close', closed.resolve);
    more();
  });
  expect(ended).toEqual({ error: 'ResponseTooLargeError', message: tooLarge(url) });
  expect(peakMegabytes).toBeLessThan(400);
  await closed.promise;
  // What the network and both ends buffer comes on top.
  expect(sent).toBeLessThan(80);
});

test('49 MB are read, in less than 512 MB of memory', async () => {
  const body = JSON.stringify({ version: 'é'.repeat((49 * megabyte) / 2) });
  const { peakMegabytes, length } = await read((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(body);
  });
  expect(length).toBe((49 * megabyte) / 2);
  expect(peakMegabytes).toBeLessThan(512);
});

const createClient = (url: string, timeoutMs = 30_000) =>
  createGitlab({ url, token: 'glpat-a-token', userAgent: 'test', concurrency: 1, timeoutMs, retry: { attempts: 1 } });

test('an error of more than 64 KB is the error that its status says, and the rest of it is not read', async () => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const url = `http://127.0.0.1:${await servers.http((_, response) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    const more = () => {
      while (!response.destroyed && response.write('<p>'.repeat(1_000))) sent += 3_000;
    };
    response.on('drain', more);
    response.on('close', closed.resolve);
    more();
  })}`;
  await expect(createClient(url).rest.version()).rejects.toMatchObject({
    name: 'ServerError',
    status: 502,
    message:
      'GitLab failed on GET version (502: the error text has more than 64 KB, and was not read): it is overloaded, or down; try again later',
  });
  await closed.promise;
  expect(sent).toBeLessThan(20 * megabyte);
});

test('an answer that drips and never ends is ended by REQUEST_TIMEOUT', async () => {
  let drops = 0;
  const url = `http://127.0.0.1:${await servers.http((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => {
      drops++;
      response.write(' ');
    }, 20);
    response.on('close', () => clearInterval(timer));
  })}`;
  await expect(createClient(url, 2_000).rest.version()).rejects.toMatchObject({
    name: 'UnreachableError',
    systemCode: 'TIMEOUT',
    message: expect.stringContaining('(REQUEST_TIMEOUT)') as string,
  });
  expect(drops).toBeGreaterThan(5);
});

test('pages that are too large get smaller, down to one row', async () => {
  const sizes: number[] = [];
  const [start, part, end] = [gzipSync('[{"name":"'), gzipSync('a'.repeat(10 * megabyte)), gzipSync('"}]')];
  const url = `http://127.0.0.1:${await servers.http((request, response) => {
    const perPage = Number(new URL(`http://x${request.url}`).searchParams.get('per_page'));
    sizes.push(perPage);
    const isLarge = perPage > 25;
    response.writeHead(200, { 'content-type': 'application/json', ...(isLarge ? { 'content-encoding': 'gzip' } : {}) });
    if (isLarge) response.end(Buffer.concat([start, ...Array.from({ length: 6 }, () => part), end]));
    else response.end('[]');
  })}`;
  const query = { projectId: 1, ref: 'main', pageSize: 100 };
  for await (const { rows } of createClient(url).rest.commitPages(query)) expect(rows).toEqual([]);
  expect(sizes).toEqual([100, 50, 25]);
  const isAlways = createClient(
    `http://127.0.0.1:${await servers.http((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(Buffer.concat([start, ...Array.from({ length: 6 }, () => part), end]));
    })}`,
  );
  await expect(isAlways.rest.commitPages({ ...query, pageSize: 1 }).next()).rejects.toBeInstanceOf(ResponseTooLargeError);
  const asked: number[] = [];
  const ask = (size: number) => {
    asked.push(size);
    return isAlways.rest.version();
  };
  await expect(isAlways.fit({ kind: 'test', largest: 4, ask })).rejects.toBeInstanceOf(ResponseTooLargeError);
  expect(asked).toEqual([4, 2, 1]);
});
