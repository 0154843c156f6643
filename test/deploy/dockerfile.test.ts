import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { readStages } from './dockerfile.ts';

const stages = readStages();
const last = stages.at(-1);
const stepsOf = (keyword: string) => last?.steps.filter((step) => step.keyword === keyword) ?? [];

/** The files that .dockerignore lets through: it leaves out everything but what it names. */
const [nothing, ...lines] = readFileSync('.dockerignore', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));

test('the Dockerfile has no mistake that a linter knows', () => {
  const found = validate(readFileSync('Dockerfile', 'utf8'));
  expect(found.map(({ message, range }) => ({ line: range.start.line + 1, message }))).toEqual([]);
  // The linter is awake.
  expect(validate('FROM node\nRUM true\nEXPOSE x')).toHaveLength(2);
});

test('every file that the Dockerfile copies exists and is let through by .dockerignore', () => {
  expect(nothing).toBe('*');
  const copied = stages.flatMap(({ steps }) =>
    steps.filter(({ keyword, from }) => keyword === 'COPY' && from === null).flatMap(({ words }) => words.slice(0, -1)),
  );
  expect(copied.filter((source) => !existsSync(source))).toEqual([]);
  expect([...new Set(copied)].toSorted()).toEqual(allowed.toSorted());
});

test('.dockerignore keeps secrets, tests and local files out of the build', () => {
  const files = allowed.flatMap((entry) => globSync(`${entry}/**`).concat(entry));
  expect(files.filter((file) => /secret|\.env|node_modules|\.log$/i.test(path.basename(file)))).toEqual([]);
  expect(lines.at(-1)).toBe('**/*.test.ts');
});

test('the last stage of the Dockerfile runs as an unprivileged user, with commands that signals reach', () => {
  expect(stepsOf('USER').map(({ words }) => words)).toEqual([['1000:0']]);
  const commands = [...stepsOf('ENTRYPOINT'), ...stepsOf('CMD')];
  expect(commands.map(({ words }) => words)).toEqual([['node', '/app/dist/src/cli/main.js'], ['poll']]);
  expect(commands.every(({ isExecForm }) => isExecForm)).toBe(true);
  const [health] = stepsOf('HEALTHCHECK');
  expect(health?.words).toEqual(['node', '/app/deploy/healthcheck.mjs']);
});

test('the last stage of the Dockerfile installs and builds nothing, and removes the tools for it', () => {
  const runs = stepsOf('RUN').map(({ words }) => words.join(' '));
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatch(/^rm -rf .*node_modules .*npm .*npx .*yarn/);
  expect(runs[0]).not.toMatch(/npm (ci|install)|apt-get|curl|wget/);
  expect(stepsOf('COPY').flatMap(({ from }) => from ?? [])).toEqual(['dependencies', 'build']);
});

test('the image says where it comes from, and of which version it is, in the labels of OCI', () => {
  const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
    version: string;
    license: string;
    repository: { url: string };
  };
  const args = Object.fromEntries(stepsOf('ARG').map(({ words: [word = ''] }) => word.split('=')));
  expect(args).toEqual({
    SOURCE: packageJson.repository.url.replace(/^git\+|\.git$/g, ''),
    VERSION: packageJson.version,
    REVISION: 'unknown',
    LICENSES: packageJson.license,
  });
  const labels = stepsOf('LABEL')[0]?.variables ?? {};
  const filled = Object.entries(labels).map(([name, value]) => [
    name.replace('org.opencontainers.image.', ''),
    value.replace(/^\$\{(\w+)\}$/, (_, arg: string) => String(args[arg])),
  ]);
  expect(Object.fromEntries(filled)).toEqual({
    title: 'gitlab-connector',
    description: 'Every change in your GitLab as rows in PostgreSQL',
    source: args.SOURCE,
    version: args.VERSION,
    revision: args.REVISION,
    licenses: args.LICENSES,
  });
});

test('the Dockerfile has a volume for the embedded database, which is DATA_DIR', () => {
  expect(stepsOf('VOLUME').map(({ words }) => words)).toEqual([['/var/lib/gitlab-connector']]);
  expect(stepsOf('ENV')[0]?.variables).toEqual({
    NODE_ENV: 'production',
    NODE_OPTIONS: '--max-semi-space-size=1 --max-old-space-size=256',
    DATA_DIR: '/var/lib/gitlab-connector',
    HEALTH_HOST: '::',
    PAGE: 'off',
  });
});

test('docs/operations.md has the flags of the image, for the service without a container too, and they start', () => {
  const flags = stepsOf('ENV')[0]?.variables['NODE_OPTIONS'] ?? '';
  const operations = readFileSync('docs/operations.md', 'utf8');
  expect(operations).toContain(`\`NODE_OPTIONS="${flags}"\``);
  expect(operations).toContain(`Environment="NODE_OPTIONS=${flags}"\n`);
  const limit = "require('node:v8').getHeapStatistics().heap_size_limit / 1024 / 1024";
  const heap = execFileSync(process.execPath, ['--print', limit], { env: { NODE_OPTIONS: flags }, encoding: 'utf8' });
  // The limit of the manifests is 512 MiB, and not all memory is in the heap.
  expect(Number(heap)).toBeLessThan(384);
});
