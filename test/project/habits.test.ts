import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { expect, test } from 'vitest';

interface Job {
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly number[]>> };
  readonly services?: { readonly postgres: { readonly image: string } };
  readonly env?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes': number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: ReadonlyArray<{ readonly run?: string; readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }>;
}
interface Workflow {
  readonly on: { readonly schedule?: ReadonlyArray<{ readonly cron: string }> };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflow = (name: string) => parse(readFileSync(`.github/workflows/${name}.yml`, 'utf8')) as Workflow;
const ci = workflow('ci');
const schema = workflow('schema');
const image = workflow('image');
const convergence = workflow('convergence');
const readme = readFileSync('README.md', 'utf8');
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as {
  engines: { node: string };
  repository: { url: string };
  bugs: { url: string };
  homepage: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};
const dependencies = { ...packageJson.dependencies, ...packageJson.devDependencies, ...packageJson.optionalDependencies };
const commandsOf = ({ steps }: Job) => steps.flatMap(({ run }) => run ?? []);

test('CI runs the whole check on each PostgreSQL from the oldest that the README names', () => {
  const { suite } = ci.jobs;
  const [, oldest] = /PostgreSQL (\d+) or later/.exec(readme) ?? [];
  expect(suite && commandsOf(suite)).toEqual([expect.stringMatching(/ apt-get install .* pgbouncer$/), '.ci/run']);
  expect(suite?.strategy?.matrix.postgres).toEqual([13, 14, 15, 16, 17, 18]);
  expect(suite?.strategy?.matrix.postgres?.[0]).toBe(Number(oldest));
  // The suite uses this PostgreSQL in place of one that it starts itself.
  expect(suite?.services?.postgres.image).toBe('postgres:${{ matrix.postgres }}');
  expect(Object.keys(suite?.env ?? {})).toEqual(['TEST_POSTGRES_URL', 'TEST_DATABASES']);
  expect(readFileSync('test/support/global-setup.ts', 'utf8')).toContain('process.env.TEST_POSTGRES_URL');
});

// The test of the package packs what `npm test` has built.
test('the package is built before it is packed', () => {
  expect(packageJson.scripts['prepack']).toBe('npm run build');
});

test('CI runs the convergence test with many seeds on a schedule', () => {
  expect(convergence.on.schedule).toHaveLength(1);
  expect(Object.values(convergence.jobs).flatMap(commandsOf).at(-1)).toMatch(/ npm run test:convergence$/);
  expect(packageJson.scripts['test:convergence']).toContain('${CONVERGENCE_SEEDS:-200}');
});

test('CI runs the whole check on each Node that is supported', () => {
  const [, major] = /^>=(\d+)\./.exec(packageJson.engines.node) ?? [];
  expect(ci.jobs.suite?.strategy?.matrix.node).toEqual([Number(major), 24]);
});

test("CI runs the README's two commands as they are, also on a Node that is too old", () => {
  const job = ci.jobs['first-steps'];
  const commands = [...readme.matchAll(/^npm ci && .+$/gm)].map(([command]) => command);
  expect(commands).toHaveLength(2);
  expect(job && commandsOf(job)).toEqual(commands);
  const [, oldest] = /With Node (\d+) or later/.exec(readme) ?? [];
  expect(job?.strategy?.matrix.node?.[0]).toBe(Number(oldest));
});

test("the check of GitLab's schema that CONTRIBUTING.md promises runs once a week", () => {
  expect(schema.on.schedule?.map(({ cron }) => cron)).toEqual([expect.stringMatching(/^\d+ \d+ \* \* \d$/)]);
  const [, command = ''] = commandsOf(schema.jobs.schema as Job);
  expect(command).toMatch(/^npm run schema:pull -- .*--check$/);
  expect(packageJson.scripts['schema:pull']).toBeDefined();
  expect(readFileSync('CONTRIBUTING.md', 'utf8')).toContain(command);
});

test('a workflow may only read, ends in time, and uses actions of a fixed version: those of others by their commit', () => {
  for (const { permissions, jobs } of [ci, schema, image]) {
    expect(permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      for (const { uses } of job.steps) expect(uses ?? 'actions/none@v0').toMatch(/^(actions\/[\w-]+@v\d+|[\w/-]+@[0-9a-f]{40})$/);
    }
  }
  const written = Object.entries({ ...ci.jobs, ...schema.jobs, ...image.jobs }).filter(([, { permissions }]) => permissions);
  expect(written.map(([name, { permissions }]) => [name, permissions])).toEqual([
    ['build', { contents: 'read', packages: 'write' }],
    ['publish', { contents: 'read', packages: 'write', 'id-token': 'write' }],
  ]);
});

test('CI builds, starts and scans the image before anything is published, and signs what is published, with what it is made of', () => {
  const { build, publish } = image.jobs as { build: Job; publish: Job & { readonly needs: string } };
  const steps = build.steps.map(({ run, uses }) => run ?? uses ?? '');
  const at = (text: string) => steps.findIndex((step) => step.includes(text));
  const places = ['docker build', '--version', 'scan" demo', 'trivy-action@', 'docker push'].map(at);
  expect(places.every((place, index) => place > (places[index - 1] ?? -1))).toBe(true);
  expect(build.steps[at('trivy-action@')]?.with).toMatchObject({ 'exit-code': '1', 'image-ref': '${{ env.IMAGE }}:scan' });
  const args = [...(steps[at('docker build')] ?? '').matchAll(/--build-arg "(\w+)=/g)].map(([, name]) => name);
  const known: readonly string[] = readFileSync('Dockerfile', 'utf8').match(/(?<=^ARG )\w+/gm) ?? [];
  expect(args).toEqual(['SOURCE', 'VERSION', 'REVISION']);
  expect(args.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  expect(publish.needs).toBe('build');
  expect(commandsOf(publish).slice(-3)).toEqual([
    'npm run --silent sbom > sbom.json',
    'cosign sign --yes --recursive "$SIGNED"',
    'cosign attest --yes --type cyclonedx --predicate sbom.json "$SIGNED"',
  ]);
});

test('package.json says where the project lives', () => {
  const home = 'https://github.com/PainChain/gitlab-connector';
  expect(packageJson).toMatchObject({
    repository: { type: 'git', url: `git+${home}.git` },
    bugs: { url: `${home}/issues` },
    homepage: `${home}#readme`,
  });
});

test('every dependency is pinned, and Renovate moves those that run in one version only together', () => {
  const exact = /^(npm:[\w@/-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;
  expect(Object.entries(dependencies).filter(([, version]) => !exact.test(version))).toEqual([]);
  const renovate = JSON.parse(readFileSync('renovate.json', 'utf8')) as {
    rangeStrategy: string;
    packageRules: ReadonlyArray<{ groupName?: string; matchPackageNames?: readonly string[]; matchDepNames?: readonly string[] }>;
    customManagers: ReadonlyArray<{ managerFilePatterns: readonly string[]; matchStrings: readonly string[] }>;
  };
  expect(renovate.rangeStrategy).toBe('pin');
  const orm = Object.entries(dependencies).filter(([name]) => name.startsWith('@mikro-orm/'));
  expect(new Set(orm.map(([, version]) => version)).size).toBe(1);
  const rules = renovate.packageRules;
  expect(rules.find(({ groupName }) => groupName === 'MikroORM')?.matchPackageNames).toEqual(['@mikro-orm/**', 'kysely']);
  // A rule for a package that is gone would go unnoticed.
  const named = rules.flatMap(({ matchPackageNames = [], matchDepNames = [] }) => [...matchPackageNames, ...matchDepNames]);
  const known = new Set([...Object.keys(dependencies), '@mikro-orm/**', 'docker.io/library/postgres']);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
  const [manager] = renovate.customManagers;
  const [file = '', text = ''] = [manager?.managerFilePatterns[0], manager?.matchStrings[0]];
  expect(file).toBe(String.raw`/^scripts/ensure-node\.mjs$/`);
  expect(readFileSync('scripts/ensure-node.mjs', 'utf8')).toMatch(new RegExp(text));
});

test('the tree in CONTRIBUTING.md is that of the project', () => {
  const [, tree = ''] = /^```\n(queries\/[^]*?)^```$/m.exec(readFileSync('CONTRIBUTING.md', 'utf8')) ?? [];
  const parents: string[] = [];
  const listed = tree
    .trim()
    .split('\n')
    .map((line) => {
      const [, indent = '', name = ''] = /^( *)(\S+)/.exec(line) ?? [];
      parents.splice(indent.length / 2, parents.length, name);
      return parents.join('');
    });
  const folders = globSync(
    ['{queries,schema,fake-gitlab,test,bench,deploy,docs,examples,scripts,bin}/', 'src/*/', 'src/{gitlab,store}/*/'],
    {
      withFileTypes: true,
    },
  );
  const paths = folders
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${path.relative('.', path.join(entry.parentPath, entry.name))}/`);
  expect(listed.toSorted()).toEqual([...paths, 'src/', ...globSync('src/*.ts')].map((file) => file.replaceAll(path.sep, '/')).toSorted());
});
