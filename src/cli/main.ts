#!/usr/bin/env node
import { constants } from 'node:os';
import { run } from './program.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Asked once it saves what is in hand; asked again it goes.
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort();
  });
}

process.exitCode = await run(process.argv.slice(2), { env: process.env, out: process.stdout, err: process.stderr, signal: stop.signal });

// What could not be ended in time must not keep the process.
if (stop.signal.aborted) setTimeout(() => process.exit(), 500).unref();
