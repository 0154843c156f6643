import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Ended } from '../support/run-cli.ts';

const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
const minimum = engines.node.replace('>=', '');

const launch = (node: string, options: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(node, [...options, 'bin/gitlab-connector.cjs', '--version'], { env }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
  });

/** How the launcher ends on a Node that is too old. */
const refusal = (version: string, node: string) => {
  const line = `ERROR: gitlab-connector needs Node ${minimum} or later; this is Node ${version} at ${node}`;
  return { code: 2, out: '', err: `${line}: install a newer Node (https://nodejs.org) and run this command with it\n` };
};

test.each(['22.16.9', '20.20.2', '9.11.2', '0.10.48'])(
  'the launcher says in one line that Node %s is too old, and exits with 2',
  async (version) => {
    const ended = await launch(process.execPath, ['--require', './test/support/node-version.cjs'], { NODE_VERSION: version });
    expect(ended).toEqual(refusal(version, process.execPath));
  },
);

test('the launcher refuses each Node on the PATH of this machine that is too old, and the Node of the tests is not', async () => {
  const isNewEnough = (version: string) => version.localeCompare(minimum, 'en', { numeric: true }) >= 0;
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/bin', '/usr/bin'];
  const nodes = [...new Set(folders.map((folder) => path.join(folder, 'node')))].filter((node) => existsSync(node));
  const found = nodes.map((node) => {
    const script = "process.versions.node + ' ' + process.execPath";
    const [version = '', ...executable] = execFileSync(node, ['--print', script], { encoding: 'utf8' }).trim().split(' ');
    return { node, version, executable: executable.join(' ') };
  });
  const old = found.filter(({ version }) => !isNewEnough(version));
  expect(isNewEnough(process.versions.node)).toBe(true);
  expect(await Promise.all(old.map(({ node }) => launch(node)))).toEqual(
    old.map(({ version, executable }) => refusal(version, executable)),
  );
});
