import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { describe, expect, inject, test } from 'vitest';
import type { TestContext } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
/** The part of `npm test` that runs tests. */
const command = scripts.test?.split('&&').at(-1)?.trim() ?? '';

const imports = `import { expect, inject, test } from 'vitest';\n`;
const passing = `${imports}test('passes', () => expect(inject('postgresUrl')).toMatch(/^postgres:/));\n`;
/** Says where its PostgreSQL is, and stays. */
const staying = `${imports}test('stays', async () => {
  expect(process.stdout.write('URL ' + inject('postgresUrl') + '\\n')).toBeDefined();
  await new Promise((resolve) => setTimeout(resolve, 500_000));
});\n`;
const failing = `${imports}test('fails', () => expect(1).toBe(2));\n`;
const dyingSetup = `export default () => { throw new Error('the setup dies'); };\n`;

interface Suite {
  /** Texts of test files; those of the suite are not run. */
  readonly files: readonly string[];
  /** Text of one more global setup, which runs after that of the suite. */
  readonly setup?: string;
  /** The run starts no PostgreSQL of its own, but uses that of this suite. */
  readonly sharesServer?: true;
}

interface Running {
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves to the URL of the server of the run, once a test says it. */
  readonly url: () => Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly text: string }>;
  /** Folder for the temporary files of the run. */
  readonly temporary: string;
}

/** Runs the command of the suite with its configuration and global setup, on test files of its own. */
async function runSuite({ files, setup, sharesServer }: Suite, { onTestFinished }: TestContext): Promise<Running> {
  await mkdir('.vitest', { recursive: true });
  const folder = await mkdtemp(path.join('.vitest', 'exit-code-'));
  const temporary = await mkdtemp(path.join(tmpdir(), 'gitlab-connector-exit-code-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(temporary, { recursive: true, force: true });
  });
  // The user of PostgreSQL must be able to enter.
  await chmod(temporary, 0o755);
  for (const [index, text] of files.entries()) await writeFile(path.join(folder, `${index}.test.ts`), text);
  if (setup) await writeFile(path.join(folder, 'setup.ts'), setup);
  const config = path.join(folder, 'vitest.config.ts');
  const setups = setup ? `[...suite.test.globalSetup, '${folder}/setup.ts']` : 'suite.test.globalSetup';
  const own = `include: ['${folder}/*.test.ts'], reporters: ['default'], maxWorkers: 1, globalSetup: ${setups}`;
  await writeFile(config, `import suite from '../../vitest.config.ts';\nexport default { ...suite, test: { ...suite.test, ${own} } };\n`);
  const [program = '', ...args] = command.split(' ');
  const server = { TEST_POSTGRES_URL: sharesServer ? inject('postgresUrl') : undefined };
  const env = { ...process.env, TMPDIR: temporary, VITEST: undefined, VITEST_WORKER_ID: undefined, ...server };
  const child = spawn(path.join('node_modules', '.bin', program), [...args, '--config', config], { env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  const said = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /URL (\S+)/.exec(text)?.[1];
      if (url) said.resolve(url);
    });
  }
  const ended = new Promise<{ code: number | null; text: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, text }));
  });
  void ended.then(() => said.reject(new Error(`the run ended without a URL: ${text}`)));
  said.promise.catch(() => {});
  return { kill: (signal) => child.kill(signal), url: () => said.promise, ended, temporary };
}

/** Whether a PostgreSQL answers at that URL. */
async function stateOf(databaseUrl: string): Promise<'up' | 'down'> {
  const client = new Client(databaseUrl);
  // The server may end the connection before `end` does.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch {
    return 'down';
  }
  await client.end();
  return 'up';
}

const suites: ReadonlyArray<readonly [string, Suite, RegExp]> = [
  ['a file that throws when it is loaded', { files: [passing, `${imports}throw new Error('not loaded');\n`] }, /not loaded/],
  ['a file that cannot be parsed', { files: [passing, 'const const = 1;\n'] }, /0\.test|1\.test/],
  [
    'a rejection that nobody handles',
    { files: [`${imports}test('passes', () => { void Promise.reject(new Error('unheard')); expect(1).toBe(1); });\n`] },
    /unheard/,
  ],
  [
    'an error in a timer',
    {
      files: [
        `${imports}test('passes', async () => {
    setTimeout(() => { throw new Error('unheard'); }, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(1).toBe(1);
  });\n`,
      ],
    },
    /unheard/,
  ],
  ['a test without an assertion', { files: [`${imports}test('asserts nothing', () => {});\n`] }, /assertion/],
  ['no test', { files: [] }, /No test files found/],
  [
    'a worker that is killed',
    { files: [`${imports}test('dies', () => { process.kill(process.pid, 'SIGKILL'); });\n`] },
    /exited|closed|terminated/i,
  ],
  ['a setup that dies', { files: [passing], setup: dyingSetup }, /the setup dies/],
];

describe('the exit code of the suite', () => {
  test.concurrent('is 0 when all tests pass', async (context) => {
    const { ended } = await runSuite({ files: [passing] }, context);
    const { code, text } = await ended;
    expect(text).toContain('1 passed');
    expect({ code, text }).toMatchObject({ code: 0 });
  });

  test.concurrent('is not 0 after a test that fails beside a server of the run', async (context) => {
    const { ended } = await runSuite({ files: [failing] }, context);
    const { code, text } = await ended;
    expect(text).toMatch(/1 failed/);
    expect({ code, text }).toMatchObject({ code: 1 });
  });

  test.concurrent.for(suites)('is not 0 after %s', async ([, suite, reason], context) => {
    const { ended } = await runSuite({ ...suite, sharesServer: true }, context);
    const { code, text } = await ended;
    expect(text).toMatch(reason);
    expect({ code, text }).toMatchObject({ code: 1 });
  });
});

test.for(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'a run that ends by %s is no success and leaves no server behind',
  async (signal, context) => {
    const { url, kill, ended, temporary } = await runSuite({ files: [staying] }, context);
    const databaseUrl = `${await url()}/postgres`;
    expect(await stateOf(databaseUrl)).toBe('up');
    kill(signal);
    const { code } = await ended;
    expect(code).not.toBe(0);
    // The server notices that its parent is gone, and takes its time to stop.
    await expect.poll(() => stateOf(databaseUrl), { timeout: 300_000 }).toBe('down');
    await expect.poll(async () => (await readdir(temporary)).filter((name) => name.includes('postgres')), { timeout: 300_000 }).toEqual([]);
  },
);
