import { availableParallelism } from 'node:os';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

// Workers and the processes that tests start inherit it, and compile what they load once for all.
process.env.NODE_COMPILE_CACHE ??= path.resolve('.vitest/compile-cache');

/** The folders and files whose tests take longest, most of it waiting. A run that began them last would end with one worker. */
const longest = [
  'test/soak',
  'test/operations/processes',
  'test/project/extending',
  'test/package/package',
  'test/store/database/database',
  'test/gitlab/http/large-answers',
  'bench',
  'test/project/api-docs',
  'test/project/exit-code',
  'test/deploy/image',
  'test/service',
  'test/convergence',
  'test/operations',
  'test/cli',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((start) => path.relative('.', moduleId).startsWith(start));
      return index === -1 ? longest.length : index;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of the sequencer, not of an array.
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  // graphql 16 has two builds; the libraries and the tests must share one.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', ['json', { outputFile: '.vitest/results.json' }]],
    // Loading what all files load once for each worker, and not for each file, takes a fifth of the suite's time less.
    isolate: false,
    // Much of a test is waiting, for processes that start and for a GitLab's answers.
    maxWorkers: Math.max(5, availableParallelism() - 1),
    // PGlite is WebAssembly, which V8 would compile twice: the second, better code costs more than it saves in the seconds that a test runs.
    execArgv: ['--liftoff-only'],
    sequence: { sequencer: LongestFirst },
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
    // For a test that hangs. A busy machine may take ten times the usual time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    server: { deps: { inline: ['graphql-request', '@graphql-typed-document-node/core'] } },
  },
});
