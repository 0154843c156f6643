// Starts the program. A file of its own, because a very old Node cannot parse `import()`.
'use strict';

const { lstatSync, mkdirSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { homedir } = require('node:os');
const path = require('node:path');

// Node's own code for a program that waits for something that never comes. The program sets its exit code at its end.
process.exitCode = 13;

/**
 * Keeps compiled code for the next start, in a folder of this user. Node's default is a folder in /tmp, which another user could have
 * made and filled, and Node runs what a cache holds. NODE_COMPILE_CACHE chooses another folder, NODE_DISABLE_COMPILE_CACHE=1 none.
 */
function keepCompiledCode() {
  try {
    const folder = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'gitlab-connector');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    const isOwn = process.platform === 'win32' || (uid === process.getuid() && (mode & 0o22) === 0);
    if (isOwn) enableCompileCache(folder);
  } catch {
    // Without a home, or where the folder cannot be written, each start compiles.
  }
}

keepCompiledCode();
import('../dist/src/cli/main.js').catch((error) => {
  process.exitCode = 1;
  throw error;
});
