import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { freePort } from './postgres.ts';

/** PgBouncer of this machine, from Debian's package `pgbouncer`; null where there is none. */
export const pgbouncer: string | null =
  ['/usr/sbin', ...(process.env.PATH ?? '').split(':')].map((folder) => path.join(folder, 'pgbouncer')).find(isThere) ?? null;

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A running PgBouncer. */
export interface Pooler {
  /** URL of the database, through the pooler. */
  readonly databaseUrl: string;
  readonly stop: () => Promise<void>;
}

/**
 * Starts PgBouncer in its mode `transaction` in front of a database, with so many sessions of the server. A transaction that waits for one
 * of them for 10 seconds is refused.
 */
export async function startPooler(program: string, databaseUrl: string, poolSize: number): Promise<Pooler> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-pgbouncer-'));
  const listens = await freePort();
  const settings = [
    '[databases]',
    `* = host=${hostname} port=${port} user=${username} password=${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${listens}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
    'query_wait_timeout = 10',
  ];
  const file = path.join(folder, 'pgbouncer.ini');
  await writeFile(file, settings.join('\n'));
  // PgBouncer does not run as root: there it becomes somebody else, who has to read the file.
  await chmod(folder, 0o755);
  const child = spawn(program, [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), '-q', file], { stdio: 'ignore' });
  const ended = once(child, 'close');
  const pooled = `postgres://${username}@127.0.0.1:${listens}${pathname}`;
  await connects(pooled);
  return {
    databaseUrl: pooled,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function connects(url: string): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    const client = new Client(url);
    client.on('error', () => {});
    try {
      await client.connect();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
