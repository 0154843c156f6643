import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { ConfigurationError, DatabaseError, messageOf } from '../errors.ts';
import { readNames, readsFrom } from './reads.ts';
import type { Reads } from './reads.ts';

/** The socket in DATA_DIR on which the process that has the embedded database open listens. */
const socketOf = (dataDir: string): string => path.resolve(dataDir, 'poller.sock');

/** The longest path of a socket that every system takes. */
const longestPath = 100;
const largestQuestion = 1_000_000;

/** Runs reading functions for other processes of this user. Resolves to null when the folder's path is too long for a socket. */
export async function shareReads(reads: Reads, dataDir: string): Promise<{ readonly close: () => Promise<void> } | null> {
  const socket = socketOf(dataDir);
  if (socket.length > longestPath) return null;
  // This process holds the lock of the folder: a socket that is there is left from one that was killed.
  rmSync(socket, { force: true });
  const server = createServer((question, answer) => {
    const parts: Buffer[] = [];
    let size = 0;
    question.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= largestQuestion) parts.push(part);
      else question.destroy();
    });
    question.on('end', () => {
      void answerOf(reads, question.url ?? '', Buffer.concat(parts)).then((body) => answer.end(body));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = { readonly value: unknown } | { readonly error: string; readonly isConfiguration: boolean };

async function answerOf(reads: Reads, url: string, body: Buffer): Promise<Buffer> {
  const name = readNames.find((one) => url === `/${one}`);
  try {
    if (!name) throw new DatabaseError('the poller is of another version than this command');
    const args = deserialize(body) as readonly unknown[];
    return serialize({ value: await (reads[name] as (...rest: readonly unknown[]) => Promise<unknown>)(...args) } satisfies Answer);
  } catch (error) {
    return serialize({ error: messageOf(error), isConfiguration: error instanceof ConfigurationError } satisfies Answer);
  }
}

/** The reading functions of the process that has the embedded database open. Null when no process listens in the folder. Each throws DatabaseError. */
export function sharedReads(dataDir: string): Reads | null {
  const socket = socketOf(dataDir);
  if (socket.length > longestPath || !existsSync(socket)) return null;
  return readsFrom(async (name, args) => {
    const answer = await ask(socket, name, serialize(args)).catch((cause: unknown) => {
      throw new DatabaseError(`the process that has the embedded database in ${dataDir} open does not answer (${messageOf(cause)})`, {
        cause,
      });
    });
    if ('error' in answer) throw answer.isConfiguration ? new ConfigurationError([answer.error]) : new DatabaseError(answer.error);
    return answer.value;
  });
}

function ask(socketPath: string, name: string, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const question = request({ socketPath, path: `/${name}`, method: 'POST', headers: { 'content-length': body.length } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        try {
          resolve(deserialize(Buffer.concat(parts)) as Answer);
        } catch (error) {
          reject(error);
        }
      });
    });
    question.on('error', reject);
    question.end(body);
  });
}
