import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';

const run = promisify(execFile);

/** An empty project of a user, into which the packed package is installed. */
export interface Consumer {
  readonly folder: string;
  /** The package as it would be published. */
  readonly tarball: string;
  /** Paths of the files in it. */
  readonly packed: readonly string[];
  /** Writes a script, runs it with `env` beside this process' environment, and resolves to what it printed. */
  readonly node: (file: string, script: string, env?: Readonly<Record<string, string>>) => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** Packs the package and installs it as a user would. */
export async function createConsumer(): Promise<Consumer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-consumer-'));
  // What `npm test` has just built is packed as it is.
  const building = inject('builtFolder') === null ? [] : ['--ignore-scripts'];
  const { stdout } = await run('npm', ['pack', '--json', ...building, '--pack-destination', folder], { maxBuffer: 1e8 });
  const [report] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string; files: Array<{ path: string }> }];
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', `./${report.filename}`];
  await run('npm', install, { cwd: folder });
  return {
    folder,
    tarball: path.join(folder, report.filename),
    packed: report.files.map((file) => file.path),
    node: async (file, script, env = {}) => {
      if (script !== '') await writeFile(path.join(folder, file), script);
      return (await run(process.execPath, [file], { cwd: folder, env: { ...process.env, ...env } })).stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Compiles the README's example (`readme.ts`) and all of examples/ in the user's project, to JavaScript beside them. */
export async function compileExamples({ folder }: Consumer): Promise<void> {
  const readme = /```ts\n([\s\S]*?)```/.exec(await readFile('README.md', 'utf8'))?.[1] ?? '';
  await writeFile(path.join(folder, 'readme.ts'), readme);
  const examples = (await readdir('examples')).filter((file) => file.endsWith('.ts'));
  for (const file of examples) await cp(path.join('examples', file), path.join(folder, file));
  // What one of them needs beside the package.
  await symlink(path.resolve('node_modules/bullmq'), path.join(folder, 'node_modules/bullmq'));
  await mkdir(path.join(folder, 'node_modules/@types'), { recursive: true });
  await symlink(path.resolve('node_modules/@types/node'), path.join(folder, 'node_modules/@types/node'));
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2023', skipLibCheck: true, types: ['node'] };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['readme.ts', ...examples] }));
  await run('tsc', ['--project', folder]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}
