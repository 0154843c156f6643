#!/usr/bin/env node
import { constants } from 'node:os';
import { run } from './program.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // First signal: save the pages in progress and stop. Second signal: exit at once.
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort();
  });
}

/** Exit code when the reader closes the pipe, as `head` does. It is the code of a program that SIGPIPE ends; Node ignores SIGPIPE. */
const closedPipeCode = 128 + constants.signals.SIGPIPE;
let isPipeClosed = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isPipeClosed = true;
    process.exitCode = closedPipeCode;
    // Commands clean up as after a signal: `demo` deletes its temporary folder.
    stop.abort();
  });
}
/** Writes errors, except when the reader has closed the pipe: the command then stops, which is no error. */
const err = {
  write: (text: string) => isPipeClosed || process.stderr.write(text),
  isTTY: process.stderr.isTTY,
  columns: process.stderr.columns,
};

const code = await run(process.argv.slice(2), { env: process.env, out: process.stdout, err, signal: stop.signal });
process.exitCode = isPipeClosed ? closedPipeCode : code;

// Work that did not stop in time must not keep the process alive.
if (stop.signal.aborted) setTimeout(() => process.exit(), 500).unref();
