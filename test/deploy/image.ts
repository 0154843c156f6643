import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, chown, copyFile, cp, link, mkdir, mkdtemp, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { readStages } from './dockerfile.ts';
import type { Stage, Step } from './dockerfile.ts';

/** The files of the image, run as the image would be, by a system that has no containers. */
export interface Image {
  /** Where a path of the image is on this machine. */
  readonly at: (imagePath: string) => string;
  /** Starts a command with the image's environment and `env`, as its user or another one where that is possible, else as this one. */
  readonly start: (command: readonly string[], env?: Readonly<Record<string, string>>, uid?: number) => ChildProcess;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
  readonly remove: () => Promise<void>;
}

const exec = promisify(execFile);
const isRoot = process.getuid?.() === 0;
/** The user and the group of the image. */
const [user, group] = [1000, 0];

/**
 * Makes the file set of the Dockerfile's last stage, step by step: copies what is copied and runs what is run. Left out
 * are the commands on the base image's own files, and the installation of the tools to build with, which are here.
 * Nothing in it can be written but the volume.
 */
export async function makeImage(): Promise<Image> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-image-'));
  await chmod(folder, 0o755);
  const stages = readStages();
  const roots = new Map<string, string>();
  const workdirs = new Map<string, string>();
  for (const [index, stage] of stages.entries()) {
    const root = path.join(folder, `stage-${index}`);
    roots.set(stage.name ?? 'last', root);
    const workdir = await makeStage(stage, { root, roots, workdir: workdirs.get(stage.base) ?? '/', isLast: index === stages.length - 1 });
    workdirs.set(stage.name ?? 'last', workdir);
  }
  return imageOf(stages.at(-1)?.steps ?? [], roots.get('last') ?? '', folder);
}

interface Place {
  readonly root: string;
  readonly roots: ReadonlyMap<string, string>;
  readonly workdir: string;
  readonly isLast: boolean;
}

/** Resolves to the folder in the image that the stage ends in. */
async function makeStage({ base, steps }: Stage, { root, roots, workdir: begin, isLast }: Place): Promise<string> {
  const from = roots.get(base);
  if (from) await cp(from, root, { recursive: true });
  let workdir = begin;
  for (const step of steps) {
    if (step.keyword === 'WORKDIR') {
      workdir = step.words[0] ?? '/';
      await mkdir(path.join(root, workdir), { recursive: true });
    } else if (step.keyword === 'COPY') {
      await copy(step, path.join(root, workdir), step.from === null ? '.' : (roots.get(step.from) ?? ''));
    } else if (step.keyword === 'RUN' && !isLast) await run(step, path.join(root, workdir));
  }
  return workdir;
}

async function copy({ words, from: stage }: Step, workdir: string, source: string): Promise<void> {
  const to = path.join(workdir, words.at(-1) ?? '');
  for (const entry of words.slice(0, -1)) {
    const from = path.join(source, entry);
    // Nobody needs the stage afterwards, and moving is quick.
    if (stage !== null) {
      await rename(from, to);
      continue;
    }
    const isFolder = (await stat(from)).isDirectory();
    // As .dockerignore has it.
    const filter = (file: string) => !file.endsWith('.test.ts');
    await cp(from, isFolder ? to : path.join(to, path.basename(entry)), { recursive: true, filter });
  }
}

async function run({ words, isExecForm }: Step, workdir: string): Promise<void> {
  const [program = '', ...args] = words;
  if (!isExecForm) throw new Error(`RUN ${words.join(' ')} is not in exec form: teach test/deploy/image.ts about it`);
  if (words.join(' ').startsWith('npm ci') && !args.includes('--omit=dev')) {
    await symlink(path.resolve('node_modules'), path.join(workdir, 'node_modules'));
  } else await exec(program, args.includes('ci') ? [...args, '--prefer-offline'] : args, { cwd: workdir });
}

async function imageOf(steps: readonly Step[], root: string, folder: string): Promise<Image> {
  const wordsOf = (keyword: string) => steps.find((step) => step.keyword === keyword)?.words ?? [];
  const at = (imagePath: string) => path.join(root, imagePath);
  const volume = at(wordsOf('VOLUME')[0] ?? '');
  const node = path.join(folder, 'node');
  // The user of the image need not be able to enter where this process' own is.
  await link(process.execPath, node).catch(() => copyFile(process.execPath, node));
  await exec('chmod', ['-R', 'a-w,a+rX', root]);
  await mkdir(volume, { recursive: true });
  await chmod(volume, 0o770);
  if (isRoot) await chown(volume, user, group);
  const inImage = (word: string) => (word === 'node' ? node : word.startsWith('/app/') || word === volume ? at(word) : word);
  const variables = Object.assign({}, ...steps.map((step) => step.variables)) as Record<string, string>;
  const environment = { PATH: '/usr/bin:/bin', ...variables, DATA_DIR: volume };
  return {
    at,
    entrypoint: wordsOf('ENTRYPOINT'),
    command: wordsOf('CMD'),
    healthcheck: wordsOf('HEALTHCHECK'),
    start: ([program = '', ...args], env = {}, uid = user) =>
      spawn(inImage(program), args.map(inImage), {
        cwd: at(wordsOf('WORKDIR')[0] ?? ''),
        env: { ...environment, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(isRoot ? { uid, gid: group } : {}),
      }),
    remove: async () => {
      await exec('chmod', ['-R', 'u+w', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
