import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configType, configTypeFile } from '../../scripts/config-type.ts';
import { withSettings } from '../../scripts/readme-settings.ts';
import { exitCodes } from '../../src/cli/io.ts';
import { textLimit } from '../../src/events/text.ts';
import { filesChangedLimit } from '../../src/events/merge-request.ts';
import { settings } from '../../src/index.ts';

const readme = readFileSync('README.md', 'utf8');
const packageJson = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string }; scripts: Record<string, string> };

test('the table of settings is that of the code', () => {
  expect(readme).toBe(withSettings(readme));
});

test('the type of the configuration object is that of the code', () => {
  expect(readFileSync(configTypeFile, 'utf8')).toBe(configType());
});

test('the figures in the prose are those of the code', () => {
  expect(readFileSync('docs/events.md', 'utf8')).toContain(`${textLimit.toLocaleString('en')} characters`);
  expect(readme).toContain(`the first ${filesChangedLimit} \`files_changed\``);
  expect(readme).toContain(`Node ${packageJson.engines.node.replace('>=', '').replace(/\.0$/, '')} or later`);
  for (const code of Object.values(exitCodes)) expect(readme).toContain(`| ${code} |`);
});

test('every npm script that the prose names exists', () => {
  const named = [...readme.matchAll(/npm (?:run )?(?!ci\b|install\b|ls\b|and\b|pack\b)([a-z:]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'run');
  expect(named.filter((name) => packageJson.scripts[name] === undefined)).toEqual([]);
  expect(named).toContain('demo');
});

test('every setting in capitals that the prose names exists', () => {
  const known = new Set(settings.map(({ env }) => env));
  const named = [...readme.matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(([name]) => name);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

test('the README installs the file that npm pack makes', () => {
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string };
  expect(readme).toContain(`npm pack\nnpm install --global ./${name.replace('@', '').replace('/', '-')}-${version}.tgz\n`);
});

test('the README starts the image with settings, a port and a volume that exist', () => {
  const [, command = ''] = /^(docker run .*)$/m.exec(readme) ?? [];
  const known = new Set<string>(settings.map(({ env }) => env));
  const names = [...command.matchAll(/--env (\w+)/g)].map(([, name = '']) => name);
  expect(names).toEqual(expect.arrayContaining(['GITLAB_TOKEN', 'GITLAB_URL']));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const image = readFileSync('Dockerfile', 'utf8');
  const port = /^EXPOSE (\d+)$/m.exec(image)?.[1];
  const volume = /^VOLUME \["(.+)"\]$/m.exec(image)?.[1];
  expect(command).toContain(`--publish 127.0.0.1:${port}:${port} --volume gitlab-connector:${volume} `);
  expect(command.split(' ').at(-1)).toBe('gitlab-connector');
  expect(readme).toContain('docker build --tag gitlab-connector .\ndocker run ');
});
