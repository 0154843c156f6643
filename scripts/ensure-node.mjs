// Runs after `npm ci`. On a Node older than package.json's "engines" it installs a newer one for this project only
// (.node/, kept between installs) and links it as node_modules/.bin/node, which `npm run` finds first on its PATH.
// On a Node that is new enough it does nothing. Written in what Node 20 runs; needs npm and nothing else.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const bundledVersion = '24.21.0';
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

const isOlder = (version, minimum) => {
  const [a, b] = [version, minimum].map((text) => text.match(/\d+/g).map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
};

if (isOlder(process.versions.node, engines.node) && existsSync(path.join(root, 'node_modules'))) {
  const home = path.join(root, '.node', bundledVersion);
  const binary = path.join(home, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    console.log(`Node ${process.versions.node} is older than ${engines.node}: installing Node ${bundledVersion} into .node/`);
    mkdirSync(home, { recursive: true });
    writeFileSync(path.join(home, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }));
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    execFileSync(npm[0], [...npm.slice(1), 'install', '--no-save', '--no-audit', '--no-fund', `node@${bundledVersion}`], {
      cwd: home,
      env: { ...process.env, npm_config_global: 'false', npm_config_ignore_scripts: 'false' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  const link = path.join(root, 'node_modules', '.bin', path.basename(binary));
  mkdirSync(path.dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(path.relative(path.dirname(link), binary), link);
}
