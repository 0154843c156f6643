import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Client } from 'pg';

/** A PostgreSQL of one's own, to be stopped and started at will. */
export interface OwnPostgres {
  /** Without a database's name at the end; there is one named postgres. */
  readonly url: string;
  readonly start: () => Promise<void>;
  /** Cuts all connections. What was committed stays. */
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** How to make a PostgreSQL. */
export interface OwnPostgresOptions {
  /** It waits for the disk, as one in use does. */
  readonly isDurable?: boolean;
  /** Its settings, such as `{ ssl: 'on' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Flags of initdb, such as `--encoding=LATIN1`. */
  readonly initdbFlags?: readonly string[];
}

/** Makes a PostgreSQL in a folder of its own; it does not run yet. */
export async function createPostgres({
  isDurable = false,
  settings = {},
  initdbFlags = [],
}: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const port = await freePort();
  const durability = isDurable ? 'on' : 'off';
  const flags = ['-c', `fsync=${durability}`, '-c', `full_page_writes=${durability}`, '-c', 'timezone=America/New_York'];
  flags.push(...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]));
  const call = forkServer({ port, flags, initdbFlags });
  await call('initialise');
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}`,
    start: () => call('start'),
    stop: () => call('stop'),
    remove: () => call('remove'),
  };
}

interface Answer {
  readonly id: number | 'listening';
  readonly error?: string;
}

/** Forks postgres-server.mjs and returns the function that calls its verbs. The child keeps this process alive only during a call. */
function forkServer(options: {
  readonly port: number;
  readonly flags: readonly string[];
  readonly initdbFlags: readonly string[];
}): (verb: string) => Promise<void> {
  const file = path.join(import.meta.dirname, 'postgres-server.mjs');
  // Detached: Ctrl-C goes to the process group of a terminal, and the server is needed until the run has ended.
  const child = fork(file, [JSON.stringify(options)], { detached: true, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const listening = Promise.withResolvers<void>();
  const pending = new Map<Answer['id'], PromiseWithResolvers<void>>([['listening', listening]]);
  child.on('message', ({ id, error }: Answer) => {
    const call = pending.get(id);
    if (error === undefined) call?.resolve();
    else call?.reject(new Error(error));
  });
  const fail = (why: string) => {
    for (const call of pending.values()) call.reject(new Error(`the process of the PostgreSQL server ended: ${why}`));
  };
  child.once('exit', (code, signal) => fail(`code ${code}, signal ${signal}`));
  child.once('error', ({ message }) => fail(message));
  child.unref();
  child.channel?.unref();
  let calls = 0;
  return async (verb) => {
    child.channel?.ref();
    await listening.promise;
    const id = calls++;
    const call = Promise.withResolvers<void>();
    pending.set(id, call);
    if (child.connected) child.send({ id, verb });
    else call.reject(new Error(`${verb}: the process of the PostgreSQL server is gone`));
    try {
      await call.promise;
    } finally {
      pending.delete(id);
      child.channel?.unref();
    }
    if (verb === 'remove') child.disconnect();
  };
}

/** Runs a statement in a session of its own. */
export async function queryOnce(url: string, text: string): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}

/** A port of this machine that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Creates a database in a PostgreSQL, whose URL has no name at its end; of a template where one is given. Resolves to its name. */
export async function createDatabase(postgresUrl: string, template?: string): Promise<string> {
  const name = `own_${randomUUID().replaceAll('-', '')}`;
  await asAdmin(postgresUrl, `create database ${name}${template === undefined ? '' : ` template ${template}`}`);
  return name;
}

/** Drops one, whoever is connected. */
export const dropDatabase = (postgresUrl: string, name: string) => asAdmin(postgresUrl, `drop database ${name} with (force)`);

async function asAdmin(postgresUrl: string, statement: string): Promise<void> {
  await queryOnce(`${postgresUrl}/postgres`, statement);
}
