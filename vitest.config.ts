import { availableParallelism } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';

// Workers and the processes that tests start inherit it, and compile what they load once for all.
process.env.NODE_COMPILE_CACHE ??= path.resolve('.vitest/compile-cache');

export default defineConfig({
  // graphql 16 has two builds; the libraries and the tests must share one.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', ['json', { outputFile: '.vitest/results.json' }]],
    // Much of a test is waiting, for processes that start and for a GitLab's answers.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
    // For a test that hangs. A busy machine may take ten times the usual time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    server: { deps: { inline: ['graphql-request', '@graphql-typed-document-node/core'] } },
  },
});
