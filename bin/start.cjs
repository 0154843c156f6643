// Starts the program. A file of its own, because a very old Node cannot parse `import()`.
'use strict';

// Node's own code for a program that waits for something that never comes. The program sets its exit code at its end.
process.exitCode = 13;

import('../dist/src/cli/main.js').catch((error) => {
  process.exitCode = 1;
  throw error;
});
