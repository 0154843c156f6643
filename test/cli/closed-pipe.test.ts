import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cliProgram } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/databases.ts';

/** What a shell reports for a program whose reader closed the pipe. */
const sigpipe = 128 + constants.signals.SIGPIPE;

describe('a command whose reader closes the pipe', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'closed-pipe-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Runs a command, reads so many lines of its output, and closes the pipe. */
  const readLines = async (count: number, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, [...cliProgram, ...args], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, TMPDIR: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = once(child, 'exit');
    if (count === 0) child.stdout.destroy();
    let read = 0;
    if (count > 0) {
      for await (const _ of createInterface({ input: child.stdout })) {
        read++;
        if (read === count) break;
      }
      child.stdout.destroy();
    }
    const [code] = await ended;
    return { code: code as unknown, err, read };
  };

  test.each([
    ['--help', ['--help']],
    ['sync --help', ['sync', '--help']],
    ['--version', ['--version']],
  ])('ends with SIGPIPE’s exit code and without an error message: %s', async (_, args) => {
    expect(await readLines(0, args)).toEqual({ code: sigpipe, err: '', read: 0 });
  });

  test('ends with SIGPIPE’s exit code and without an error message: events', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    const env = { DATABASE_URL: options.databaseUrl ?? '' };
    const migrated = await readLines(1, ['migrate'], env);
    expect(migrated).toMatchObject({ err: '', read: 1 });
    expect(await readLines(0, ['events'], env)).toEqual({ code: sigpipe, err: '', read: 0 });
    await remove();
  });

  test('stops early and leaves no temporary folder: demo', async () => {
    expect(await readLines(3, ['demo'])).toEqual({ code: sigpipe, err: '', read: 3 });
    expect(await readdir(folder)).toEqual([]);
  });

  test('stops as after a signal: poll', async () => {
    const { options, remove } = await createTestDatabase('postgres');
    // Nothing listens at this address: the poller logs its retries.
    const env = {
      DATABASE_URL: options.databaseUrl ?? '',
      GITLAB_TOKEN: 'x'.repeat(20),
      GITLAB_URL: 'https://127.0.0.1:9',
      REPOS: 'a',
      HEALTH_PORT: 'off',
    };
    expect(await readLines(1, ['poll'], env)).toEqual({ code: sigpipe, err: '', read: 1 });
    await remove();
  });
});
